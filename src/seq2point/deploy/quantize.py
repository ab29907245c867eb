"""int8, static: weights by channel, activations between their true minimum and maximum; what stays float is measured.

Moving averages of the ranges, the default of other tools, erase the rare moments that matter: an appliance is off nearly always.
Here the calibration windows hold its on-states in a fixed share, and ranges are the lowest and highest values seen.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from seq2point.deploy import Limits
from seq2point.deploy.graph import CLIP, build, layers
from seq2point.errors import DataError
from seq2point.model_file import Model
from seq2point.recording import Recording, Watts
from seq2point.runtime.onnx import INPUT, OUTPUT, open_session
from seq2point.states import on_state
from seq2point.windows import window_runs

CALIBRATION = (256, 256)
MEASURED = (2048, 2048)
ALIKE = 0.01
CALIBRATED_ON = "the part that int8 is calibrated on"
BATCH = 64
PREPROCESSED = {"onnx.quant.pre_process": "onnxruntime.quant"}  # nothing to fold or fuse: keeps ONNX Runtime's advice quiet


class Sample(NamedTuple):
    """Some windows of a recording: mains f32[N, W], the power at their targets f32[N, A], and whether it is on, bool[N, A].

    `even` flags the windows that were drawn evenly over all, whatever is on; `share_on` is the share of all windows with each
    appliance on.
    """

    mains_w: Watts
    truth_w: Watts
    on: npt.NDArray[np.bool_]
    even: npt.NDArray[np.bool_]
    share_on: tuple[float, ...]


def on_windows(recording: Recording, model: Model, part: str) -> tuple[npt.NDArray[np.int64], list[npt.NDArray[np.bool_]]]:
    """Where the windows of a recording start, and whether each appliance is on at the samples that they predict.

    Raises DataError where there is no window or an appliance is never on; `part` says what of the file the recording is.
    """
    shape = model.architecture
    runs = window_runs(recording, shape.window, shape.target_index, [a.name for a in model.appliances])
    if not runs.total:
        raise DataError(f"{recording.house}: no stretch of {shape.window} samples without a gap in {part}")
    starts = runs.starts(np.arange(runs.total))
    states = []
    for appliance in model.appliances:
        states.append(on_state(recording.appliance_w(appliance.name), appliance, model.period_s)[starts + shape.target_index])
        if not states[-1].any():
            raise DataError(
                f"{recording.house}: the {appliance.label} is never on in {part}, {recording.days:.3g} days; int8 cannot be "
                "calibrated or judged without: give a recording that has it on"
            )
    return starts, states


def draw(recording: Recording, model: Model, on: int, even: int) -> Sample:
    """Windows with the appliances on at the sample that they predict, others evenly over the recording, and the highest peak.

    Each appliance gets its part of the `on` windows, evenly over all its on-states. Raises DataError as `on_windows` does.
    """
    shape = model.architecture
    starts, states = on_windows(recording, model, CALIBRATED_ON)
    targets = starts + shape.target_index
    peak = np.argmax(recording.mains_w[targets], keepdims=True)
    with_on = [_evenly(np.flatnonzero(state), on // len(states)) for state in states]
    evenly = _evenly(np.arange(len(starts)), even)
    chosen = np.concatenate([peak, *with_on, evenly])
    return Sample(
        np.lib.stride_tricks.sliding_window_view(recording.mains_w, shape.window)[starts[chosen]],
        np.stack([recording.appliance_w(a.name)[targets[chosen]] for a in model.appliances], axis=1),
        np.stack([state[chosen] for state in states], axis=1),
        np.arange(len(chosen)) >= len(chosen) - len(evenly),
        tuple(float(state.mean()) for state in states),
    )


def _evenly(values: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    return values[np.linspace(0, len(values) - 1, min(count, len(values))).round().astype(np.int64)]


class _Windows(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, mains_w: Watts):
        self._batches: Iterator[Watts] = iter([mains_w[i : i + BATCH] for i in range(0, len(mains_w), BATCH)])

    def get_next(self) -> dict[str, Watts] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def quantized(proto: onnx.ModelProto, windows_w: Watts, in_float: Sequence[str]) -> onnx.ModelProto:
    """An int8 copy of a float32 model with ranges from windows of mains f32[N, W]; layers named `in_float` stay as they are."""
    with TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source = onnx.ModelProto()
        source.CopyFrom(proto)
        onnx.helper.set_model_props(source, PREPROCESSED)
        onnx.save(source, before)
        quantize_static(
            before,
            after,
            _Windows(windows_w),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Gemm", "Relu", "Reshape"],
            nodes_to_exclude=[*in_float, CLIP],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )
        small = onnx.load(after)
    _leave_answer_in_float(small.graph)
    onnx.helper.set_model_props(small, {})
    return small


def _leave_answer_in_float(graph: onnx.GraphProto) -> None:
    """Take out the rounding of the last layer's sum: 256 steps from 0 to 3 kW would be 12 W each."""
    rounded = [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "output"]
    for node in rounded:
        back = next(other for other in graph.node if node.output[0] in other.input)
        for reader in graph.node:
            for i, name in enumerate(reader.input):
                if name == back.output[0]:
                    reader.input[i] = "output"
        for gone in (node, back):
            graph.node.remove(gone)
        for constant in [c for c in graph.initializer if c.name in node.input[1:]]:
            graph.initializer.remove(constant)


class Loss(NamedTuple):
    """An appliance's error over a sample: in watts while on, and as a share of the energy."""

    on_mae_w: float
    sae: float


class Candidate(NamedTuple):
    """A choice of layers that stay float, what it costs by appliance, and what it is as a file."""

    in_float: tuple[str, ...]
    losses: tuple[Loss, ...]
    file_bytes: int


def losses(content: bytes, sample: Sample) -> tuple[Loss, ...]:
    """What an ONNX model reaches on a sample, by appliance; energy as the recording's own shares of on and off would have it."""
    session = open_session(content)
    parts = [session.run([OUTPUT], {INPUT: sample.mains_w[i : i + BATCH]})[0] for i in range(0, len(sample.mains_w), BATCH)]
    answer_w = np.concatenate(parts).reshape(sample.truth_w.shape).astype(np.float64)
    found = []
    for i, share in enumerate(sample.share_on):
        on, off = sample.on[:, i], sample.even & ~sample.on[:, i]
        truth_w, error_w = sample.truth_w[:, i], answer_w[:, i] - sample.truth_w[:, i]

        energy_w, bias_w = (
            share * values[on].mean() + (1 - share) * (values[off].mean() if off.any() else 0.0) for values in (truth_w, error_w)
        )
        found.append(Loss(float(np.abs(error_w[on]).mean()), float(abs(bias_w) / energy_w)))
    return tuple(found)


def candidates(model: Model) -> list[tuple[str, ...]]:
    """Which layers might stay float: the first convolution or all, the output, or none. The first Linear holds the bytes."""
    names = layers(model.architecture)
    convolutions = tuple(name for name in names if name.startswith("convolutions"))
    heads = dict.fromkeys([(), convolutions[:1], convolutions])
    return [head + tail for head in heads for tail in ((), ("output",))]


def search(model: Model, sliding: bool, recording: Recording, limits: Limits) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """The int8 model with the layers in float that lose least on a recording, and a report of the search as JSON.

    Of the candidates within the limits, those whose error while on is within 1 % of the lowest, and of these the smallest file.
    Raises DataError as `draw` does.
    """
    ranges, measured = draw(recording, model, *CALIBRATION), draw(recording, model, *MEASURED)
    whole = build(model, sliding).SerializeToString()
    before = losses(whole, measured)
    found: dict[Candidate, onnx.ModelProto] = {}
    for in_float in candidates(model):
        dimensions = 2 if f"convolutions.{len(model.architecture.kernels) - 1}" in in_float else 1
        small = quantized(build(model, sliding, dimensions), ranges.mains_w, in_float)
        content = small.SerializeToString()
        found[Candidate(in_float, losses(content, measured), len(content))] = small
    chosen = choose(list(found), before, limits)
    report = {
        "layers_in_float": list(chosen.in_float),
        "calibration": {
            "windows": len(ranges.mains_w),
            "windows_on": {a.name: int(n) for a, n in zip(model.appliances, ranges.on.sum(axis=0), strict=True)},
            "share_on": round(float(ranges.on.any(axis=1).mean()), 3),
            "days": round(recording.days, 2),
        },
        "candidates": [_row(model, candidate.in_float, candidate.losses, candidate.file_bytes) for candidate in found],
        "float32": _row(model, layers(model.architecture), before, len(whole)),
    }
    return found[chosen], report


def choose(found: Sequence[Candidate], before: Sequence[Loss], limits: Limits) -> Candidate:
    """The candidate to take, beside what float32 loses; the one that loses least where none is within the limits."""

    def growth(candidate: Candidate) -> float:
        return max(ours.on_mae_w / max(theirs.on_mae_w, 1e-9) for ours, theirs in zip(candidate.losses, before, strict=True)) - 1

    def fits(candidate: Candidate) -> bool:
        sae = max(ours.sae - theirs.sae for ours, theirs in zip(candidate.losses, before, strict=True))
        return growth(candidate) <= limits.on_mae and sae <= limits.sae

    left = [candidate for candidate in found if fits(candidate)] or list(found)
    least = min(map(growth, left))
    return min((c for c in left if growth(c) <= least + ALIKE), key=lambda candidate: candidate.file_bytes)


def _row(model: Model, in_float: Sequence[str], found: Sequence[Loss], file_bytes: int) -> Mapping[str, Any]:
    by_appliance = {a.name: loss._asdict() for a, loss in zip(model.appliances, found, strict=True)}
    return {"layers_in_float": list(in_float), "losses": by_appliance, "graph_bytes": file_bytes}
