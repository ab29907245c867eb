"""ONNX files in ONNX Runtime, on the CPU."""

from pathlib import Path

import onnxruntime as ort

from seq2point.errors import ModelFileError
from seq2point.recording import Watts
from seq2point.runtime.metadata import DIGEST, ExportMetadata, check_digest
from seq2point.runtime.runtime import Runtime

INPUT, OUTPUT = "mains_w", "power_w"
MARKER = b"\x0a\x06" + DIGEST.encode() + b"\x12\x40"
"""The bytes before the digest: an entry of the metadata, as Protocol Buffers write it."""
ERRORS_ONLY = 3
"""ONNX Runtime's level of log messages."""


class OnnxRuntime(Runtime):
    """An ONNX file with a session that runs it."""

    def __init__(self, metadata: ExportMetadata, session: ort.InferenceSession):
        super().__init__(metadata)
        self._session = session

    def _run(self, mains_w: Watts) -> Watts:
        power_w: Watts = self._session.run([OUTPUT], {INPUT: mains_w})[0]
        return power_w


def open_session(model: str | bytes, threads: int | None = None) -> ort.InferenceSession:
    """Return a session of a file, by its path or its content, with so many threads.

    By default it runs on all cores.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = ERRORS_ONLY
    # x86 without VNNI adds int8 products up in 16 bits, which overflow. This option avoids it there
    # and changes nothing elsewhere.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def open_model(path: Path, threads: int | None = None) -> OnnxRuntime:
    """Open an ONNX file.

    Raises ModelFileError for a file that is damaged or was not exported by seq2point.
    """
    check_digest(path, MARKER)
    try:
        session = open_session(str(path), threads)
    except Exception as error:
        raise ModelFileError(
            f"{path}: ONNX Runtime {ort.__version__} refuses it ({error})"
        ) from error
    return OnnxRuntime(
        ExportMetadata.parse_entries(session.get_modelmeta().custom_metadata_map, path), session
    )
