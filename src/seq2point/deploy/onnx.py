"""The ONNX target: a file for ONNX Runtime, float32 or int8, for windows or chunks."""

from pathlib import Path

import onnx

from seq2point.configuration import ExportOptions
from seq2point.deploy import ExportResult, refuse_idle_calibration, refuse_options
from seq2point.deploy.calibration import split_recordings
from seq2point.deploy.onnx_graph import build_graph
from seq2point.deploy.proof import make_metadata, make_result, prove, warn_of_pruning
from seq2point.model.model_file import Model
from seq2point.runtime.metadata import add_digest
from seq2point.runtime.onnx import MARKER
from seq2point.system.atomic_files import atomic_write, check_ending


def export(model: Model, out: Path, options: ExportOptions) -> ExportResult:
    """Write a model as an ONNX file, once it is proved.

    The proof compares it with the native model on `options.verify`. Without any, int8 is proved on
    the held-back part of the calibration recording or on simulated homes, float32 on random mains.
    Raises UsageError for options that do not fit, and DataError for recordings that do not. Raises
    VerificationError where the file is worse than the limits allow, unless `options.force`. Then
    nothing is written.
    """
    refuse_options(options, "onnx", "flash_bytes", "ram_bytes", "prefix")
    check_ending(out, "an ONNX file is", (".onnx",))
    refuse_idle_calibration(options)
    calibration, recordings, simulated = split_recordings(model, options, options.int8)
    warn_of_pruning(model)
    with atomic_write(out) as beside:
        beside.touch()
        if calibration is None:
            proto, quantization, packages = build_graph(model, options.sliding), None, ["onnx"]
        else:
            from seq2point.deploy.onnx_int8 import quantise_mixed

            proto, quantization = quantise_mixed(
                model, options.sliding, calibration, options.limits
            )
            packages = ["onnx", "onnxruntime"]
        metadata = make_metadata(
            model,
            *packages,
            sliding=options.sliding,
            quantization=quantization,
            simulated=simulated.calibration,
        )
        onnx.helper.set_model_props(proto, metadata.to_entries())
        beside.write_bytes(add_digest(proto.SerializeToString(), MARKER))
        proof = prove(beside, out, model, recordings, options)
    return make_result(out, quantization, proof, simulated)
