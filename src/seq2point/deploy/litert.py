"""The LiteRT target: one file for LiteRT (TensorFlow Lite) on phones and boards, float32 or int8, for windows."""

from pathlib import Path

from seq2point.deploy import Exported, Order
from seq2point.deploy.calibration import draw, parts
from seq2point.deploy.layers_in_float import CALIBRATION, Layers, search
from seq2point.deploy.litert_graph import build, extremes
from seq2point.deploy.proof import exported, facts_of, prove, warn_of_pruning
from seq2point.deploy.weights import layers
from seq2point.errors import UsageError
from seq2point.files import written_whole
from seq2point.model_file import Model
from seq2point.recording import Watts
from seq2point.runtime.facts import IN_TEXT, seal
from seq2point.runtime.litert import Session


def export(model: Model, out: Path, order: Order) -> Exported:
    """Write a model as a LiteRT file, proved as an ONNX file is, in LiteRT's interpreter.

    Raises UsageError for options that do not fit, DataError for recordings that do not, VerificationError where the file is
    worse than the limits allow and `order.force` is off; then nothing is written.
    """
    order.refuse("litert", "sliding", "flash_bytes", "ram_bytes", "prefix")
    if out.suffix.lower() != ".tflite":
        raise UsageError(f"{out}: a LiteRT file is written as .tflite")
    order.refuse_idle_calibration()
    fitted, proof, simulated = parts(model, order, order.int8)
    warn_of_pruning(model)
    with written_whole(out) as beside:
        beside.touch()
        in_float, seen, quantization = tuple(layers(model.architecture)), {}, None
        if fitted is not None:
            seen = extremes(model, draw(fitted, model, *CALIBRATION).mains_w)

            def make(_: Watts, in_float: Layers) -> bytes:
                return build(model, in_float, seen)

            _, quantization = search(model, fitted, order.limits, (("output",),), make, lambda content: Session(content).run)
            in_float = tuple(quantization["layers_in_float"])
        facts = facts_of(model, "ai-edge-litert", sliding=False, quantization=quantization, simulated=simulated.calibration)
        beside.write_bytes(seal(build(model, in_float, seen, f"\n{facts.as_text()}\n"), IN_TEXT))
        found = prove(beside, out, model, proof, order)
    return exported(out, quantization, found, simulated)
