"""Exported models without torch: watts in, watts out, as NumPy arrays.

A runtime is one module with `open_model(path, threads) -> Runtime` and one line in RUNTIMES.
"""

from importlib import import_module
from pathlib import Path

from seq2point.errors import ModelFileError
from seq2point.runtime.metadata import ExportMetadata
from seq2point.runtime.runtime import Runtime

__all__ = ["RUNTIMES", "ExportMetadata", "Runtime", "load", "supports"]

RUNTIMES = {".onnx": "seq2point.runtime.onnx", ".tflite": "seq2point.runtime.litert"}


def supports(path: str | Path) -> bool:
    """Return whether a file's ending is that of an exported model."""
    return Path(path).suffix.lower() in RUNTIMES


def load(path: str | Path, threads: int | None = None) -> Runtime:
    """Open an exported model, to run with so many threads, by default on all cores.

    Raises ModelFileError for a file that is missing, damaged or not exported by seq2point, and for
    one whose graph and metadata do not fit each other.
    """
    path = Path(path)
    if not supports(path):
        raise ModelFileError(f"{path}: not an exported model (those end in {', '.join(RUNTIMES)})")
    runtime: Runtime = import_module(RUNTIMES[path.suffix.lower()]).open_model(path, threads)
    runtime.check(path)
    return runtime
