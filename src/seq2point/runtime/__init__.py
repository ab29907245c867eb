"""Exported models where torch is not: watts in, watts out, NumPy arrays both ways.

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
    """Whether a file's ending is that of an exported model."""
    return Path(path).suffix.lower() in RUNTIMES


def load(path: str | Path, threads: int | None = None) -> Runtime:
    """An exported model, ready to run with so many threads (all cores by default).

    Raises ModelFileError for a file that is missing, damaged, was not exported by seq2point, or
    whose graph and metadata do not fit each other.
    """
    path = Path(path)
    if not supports(path):
        raise ModelFileError(f"{path}: not an exported model (those end in {', '.join(RUNTIMES)})")
    runtime: Runtime = import_module(RUNTIMES[path.suffix.lower()]).open_model(path, threads)
    runtime.check(path)
    return runtime
