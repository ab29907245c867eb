"""The LiteRT target: a file for LiteRT (TensorFlow Lite), float32 or int8, for windows."""

from pathlib import Path

from seq2point.configuration import ExportOptions
from seq2point.deploy import ExportResult, refuse_idle_calibration, refuse_options
from seq2point.deploy.calibration import draw_windows, split_recordings
from seq2point.deploy.litert_graph import build_graph, find_extremes
from seq2point.deploy.mixed_precision import CALIBRATION, Layers, search_layers
from seq2point.deploy.proof import make_metadata, make_result, prove, warn_of_pruning
from seq2point.model.model_file import Model
from seq2point.recording import Watts
from seq2point.runtime.litert import Session
from seq2point.runtime.metadata import IN_TEXT, add_digest
from seq2point.system.atomic_files import atomic_write, check_ending


def export(model: Model, out: Path, options: ExportOptions) -> ExportResult:
    """Write a model as a LiteRT file, once it is proved in LiteRT's interpreter.

    It is proved as an ONNX file is. Raises UsageError for options that do not fit, and DataError
    for recordings that do not. Raises VerificationError where the file is worse than the limits
    allow, unless `options.force`. Then nothing is written.
    """
    refuse_options(options, "litert", "sliding", "flash_bytes", "ram_bytes", "prefix")
    check_ending(out, "a LiteRT file is", (".tflite",))
    refuse_idle_calibration(options)
    calibration, recordings, simulated = split_recordings(model, options, options.int8)
    warn_of_pruning(model)
    with atomic_write(out) as beside:
        beside.touch()
        in_float, extremes, quantization = model.architecture.layer_names, {}, None
        if calibration is not None:
            extremes = find_extremes(model, draw_windows(calibration, model, *CALIBRATION).mains_w)

            def make_content(_: Watts, in_float: Layers) -> bytes:
                return build_graph(model, in_float, extremes)

            tail = (model.architecture.output_layer.name,)
            _, quantization = search_layers(
                model,
                calibration,
                options.limits,
                (tail,),
                make_content,
                lambda content: Session(content).run,
            )
            in_float = tuple(quantization["layers_in_float"])
        metadata = make_metadata(
            model,
            "ai-edge-litert",
            sliding=False,
            quantization=quantization,
            simulated=simulated.calibration,
        )
        beside.write_bytes(
            add_digest(build_graph(model, in_float, extremes, f"\n{metadata.to_text()}\n"), IN_TEXT)
        )
        proof = prove(beside, out, model, recordings, options)
    return make_result(out, quantization, proof, simulated)
