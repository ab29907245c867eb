"""The ONNX target: one file for ONNX Runtime, float32 or int8, for windows or for chunks of any length."""

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx

from seq2point import masks
from seq2point.deploy import Exported, Order
from seq2point.deploy.graph import build
from seq2point.deploy.verify import Verification, verify
from seq2point.errors import UsageError, VerificationError
from seq2point.evaluation import check
from seq2point.files import written_whole
from seq2point.model_file import Model
from seq2point.recording import Recording
from seq2point.runtime import Facts
from seq2point.runtime.facts import seal
from seq2point.runtime.onnx import MARKER

HELD_BACK = 0.3


def export(model: Model, out: Path, order: Order) -> Exported:
    """Write a model as an ONNX file, proved: on `order.verify`, for int8 else on the held-back part of what calibrates it.

    Without either the float32 file is held to the native model on random mains.
    Raises UsageError for options that do not fit, DataError for recordings that do not, VerificationError where the file is
    worse than the limits allow and `order.force` is off; then nothing is written.
    """
    if out.suffix.lower() != ".onnx":
        raise UsageError(f"{out}: an ONNX file is written as .onnx")
    if order.int8 != (order.calibrate is not None):
        raise UsageError("int8 needs --calibrate FILE" if order.int8 else "--calibrate is for --int8")
    _warn_of_zeros(model)
    with written_whole(out) as beside:
        beside.touch()
        proto, quantization, proof = _made(model, order)
        _set_facts(proto, _facts(model, order, quantization))
        beside.write_bytes(seal(proto.SerializeToString(), MARKER))
        found = verify(beside, model, proof, order.limits)
        if found.failures and not order.force:
            raise VerificationError(f"{out}: not written: {'; '.join(found.failures)}; --force writes it all the same")
    return _exported(out, quantization, found)


def _made(model: Model, order: Order) -> tuple[onnx.ModelProto, dict[str, Any] | None, list[Recording]]:
    """The graph, how it was quantised, and the recordings that it is to be held to."""
    if order.calibrate is None:
        return build(model, order.sliding), None, list(order.verify)
    from seq2point.deploy.quantize import on_windows, search

    check([order.calibrate], model.period_s, [a.name for a in model.appliances])
    fitted, held_back = order.calibrate.hold_out(HELD_BACK, model.window)
    if not order.verify:
        on_windows(held_back, model, f"the last {HELD_BACK:.0%}, held back to verify with")
    proto, quantization = search(model, order.sliding, fitted, order.limits)
    return proto, quantization, list(order.verify) or [held_back]


def _facts(model: Model, order: Order, quantization: dict[str, Any] | None) -> Facts:
    kept = ("layers_in_float", "calibration")
    versions = {name: version(name) for name in ("seq2point", "onnx", *(["onnxruntime"] if order.int8 else []))}
    return Facts(
        appliances=model.appliances,
        period_s=model.period_s,
        window=model.window,
        target_index=model.architecture.target_index,
        sliding=order.sliding,
        scale=model.scale,
        model=model.architecture.model_dump(mode="json"),
        quantization=None if quantization is None else {name: quantization[name] for name in kept},
        provenance=model.provenance | {"exported_with": versions},
    )


def _set_facts(proto: onnx.ModelProto, facts: Facts) -> None:
    onnx.helper.set_model_props(proto, facts.entries())


def _warn_of_zeros(model: Model) -> None:
    if zeros := masks.sparsity(model.masks):
        warnings.warn(
            f"{zeros:.0%} of the weights are pruned but still there: zeros make the exported file neither smaller nor faster; "
            "what is pruned as a whole goes with `seq2point compact`",
            stacklevel=3,
        )


def _exported(out: Path, quantization: dict[str, Any] | None, found: Verification) -> Exported:
    report = {"quantization": quantization, "verification": found.as_json()}
    if not found.metrics:
        said = f"the native model's answers in {found.windows:,} windows of random mains, to {found.relative:.1g} of the largest"
        if not found.highest_w:
            said += "; but all are zero there, which proves little: use --verify FILE"
        return Exported({"model": out}, report, (), (*found.failures, said))
    tables = []
    if quantization is not None:
        tables.append(("layers that stay float32, and what is lost on the calibration part", _candidate_rows(quantization)))
    tables.append((f"{out.name} beside the native model, {found.windows:,} windows", found.rows()))
    return Exported({"model": out}, report, tables, found.failures)


def _candidate_rows(quantization: dict[str, Any]) -> list[list[str]]:
    lines = [["float32", "MAE while on", "SAE", "bytes", ""]]
    for row in [quantization["float32"], *quantization["candidates"]]:
        losses = row["losses"].values()
        lines.append(
            [
                _short(row["layers_in_float"]),
                ", ".join(f"{loss['on_mae_w']:.4g} W" for loss in losses),
                ", ".join(f"{loss['sae']:.3f}" for loss in losses),
                f"{row['graph_bytes']:,}",
                "chosen" if row["layers_in_float"] == quantization["layers_in_float"] else "",
            ]
        )
    return lines


def _short(layers: list[str]) -> str:
    """Layers in few words: a run of convolutions by its ends."""
    convolutions = [name for name in layers if name.startswith("convolutions")]
    rest = [name for name in layers if name not in convolutions]
    ends = [" to ".join(dict.fromkeys([convolutions[0], convolutions[-1]]))] if convolutions else []
    return ", ".join([*ends, *rest]) or "none"
