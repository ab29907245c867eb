"""Model files without torch, native and exported: watts in, watts out, as NumPy arrays.

A runtime is one module with `open_model(path, threads) -> Runtime` and one line in RUNTIMES.
"""

from importlib import import_module
from pathlib import Path

from seq2point.configuration.arguments import require_path
from seq2point.errors import ModelFileError
from seq2point.runtime.metadata import ExportMetadata
from seq2point.runtime.runtime import Runtime

__all__ = ["NATIVE", "RUNTIMES", "ExportMetadata", "Runtime", "is_exported", "load"]

NATIVE = ".safetensors"
RUNTIMES = {
    NATIVE: "seq2point.runtime.native",
    ".onnx": "seq2point.runtime.onnx",
    ".tflite": "seq2point.runtime.litert",
}


def is_exported(path: str | Path) -> bool:
    """Return whether a file's ending is that of an exported model."""
    return Path(path).suffix.lower() in RUNTIMES.keys() - {NATIVE}


def load(path: str | Path, threads: int | None = None) -> Runtime:
    """Open a model file, native or exported, to run with so many threads, by default on all cores.

    Raises ModelFileError for a file that is missing, damaged or not written by seq2point, and for
    one whose graph and metadata do not fit each other.
    """
    path = require_path(path)
    module = RUNTIMES.get(path.suffix.lower())
    if module is None:
        raise ModelFileError(f"{path}: not a model file (those end in {', '.join(RUNTIMES)})")
    runtime: Runtime = import_module(module).open_model(path, threads)
    runtime.check(path)
    return runtime
