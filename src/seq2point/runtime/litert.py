"""LiteRT (TensorFlow Lite) files in LiteRT's interpreter, on the CPU."""

from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from seq2point.errors import ModelFileError
from seq2point.recording import Watts
from seq2point.runtime.metadata import ExportMetadata, read_metadata_line
from seq2point.runtime.runtime import Runtime

INPUT, OUTPUT, METADATA = "mains_w", "power_w", "seq2point"


class Session:
    """An interpreter of a file, by its path or its content, with so many threads.

    By default LiteRT chooses the number of threads.
    """

    def __init__(self, content: str | bytes, threads: int | None = None):
        source = {"model_path": content} if isinstance(content, str) else {"model_content": content}
        self._interpreter = Interpreter(**source, num_threads=threads)
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._batch = 0

    def run(self, mains_w: Watts) -> Watts:
        """Return the predictions f32[B, A] of a batch of windows f32[B, W], of any size."""
        if self._batch != len(mains_w):
            self._interpreter.resize_tensor_input(self._input, mains_w.shape)
            self._interpreter.allocate_tensors()
            self._batch = len(mains_w)
        self._interpreter.set_tensor(self._input, mains_w)
        self._interpreter.invoke()
        power_w: Watts = self._interpreter.get_tensor(self._output)
        return power_w


class LiteRtRuntime(Runtime):
    """A LiteRT file with a session that runs it."""

    def __init__(self, metadata: ExportMetadata, session: Session):
        super().__init__(metadata)
        self._session = session

    def _run(self, mains_w: Watts) -> Watts:
        return self._session.run(mains_w)


def open_model(path: Path, threads: int | None = None) -> LiteRtRuntime:
    """Open a LiteRT file.

    Raises ModelFileError for a file that is damaged or was not exported by seq2point.
    """
    metadata = ExportMetadata.parse(read_metadata_line(path), path)
    try:
        return LiteRtRuntime(metadata, Session(str(path), threads))
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(f"{path}: LiteRT refuses it ({error})") from error
