"""LiteRT (TensorFlow Lite) files in LiteRT's interpreter, on the CPU."""

from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from seq2point.errors import ModelFileError
from seq2point.recording import Watts
from seq2point.runtime.metadata import ExportMetadata, read_text
from seq2point.runtime.runtime import Runtime

INPUT, OUTPUT, METADATA = "mains_w", "power_w", "seq2point"


class Session:
    """An interpreter on a file, by its path, or on a file's content, with so many threads (LiteRT's
    choice by default).
    """

    def __init__(self, content: str | bytes, threads: int | None = None):
        how = {"model_path": content} if isinstance(content, str) else {"model_content": content}
        self._interpreter = Interpreter(**how, num_threads=threads)
        self._into = self._interpreter.get_input_details()[0]["index"]
        self._out = self._interpreter.get_output_details()[0]["index"]
        self._batch = 0

    def run(self, mains_w: Watts) -> Watts:
        """The answers to a batch of windows of any size, f32[B, W] to f32[B, A]."""
        if self._batch != len(mains_w):
            self._interpreter.resize_tensor_input(self._into, mains_w.shape)
            self._interpreter.allocate_tensors()
            self._batch = len(mains_w)
        self._interpreter.set_tensor(self._into, mains_w)
        self._interpreter.invoke()
        power_w: Watts = self._interpreter.get_tensor(self._out)
        return power_w


class LiteRtRuntime(Runtime):
    """A LiteRT file with a session to run it."""

    def __init__(self, facts: ExportMetadata, session: Session):
        super().__init__(facts)
        self._session = session

    def _run(self, mains_w: Watts) -> Watts:
        return self._session.run(mains_w)


def open_model(path: Path, threads: int | None = None) -> LiteRtRuntime:
    """Open a file; raises ModelFileError for one that was not exported by seq2point, and is not
    whole.
    """
    facts = ExportMetadata.of(read_text(path), path)
    try:
        return LiteRtRuntime(facts, Session(str(path), threads))
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(f"{path}: LiteRT refuses it ({error})") from error
