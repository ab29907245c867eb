"""Mixed precision: find the layers of an int8 model that should stay float32.

Every candidate is built and measured, and the one that loses least is taken.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2point.configuration import Tolerances
from seq2point.deploy.calibration import CalibrationSample, draw_windows
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording, Watts

CALIBRATION = (256, 256)
"""Windows to take ranges from: with an appliance on, and evenly over all."""
MEASURED = (2048, 2048)
"""Windows to measure losses on: with an appliance on, and evenly over all."""
ALIKE = 0.01
"""Growth of the error that counts as no difference between candidates."""
BATCH = 64

Layers = tuple[str, ...]
MakeContent = Callable[[Watts, Layers], bytes]
"""Makes a file's content of calibration windows f32[N, W] and the layers that stay float32.

With all layers it is a float32 file.
"""
OpenContent = Callable[[bytes], Callable[[Watts], Watts]]
"""Opens a file's content as a function that predicts windows of mains."""


class ApplianceLoss(NamedTuple):
    """An appliance's error over a sample: in watts while on, and as a share of the energy."""

    on_mae_w: float
    sae: float


class Candidate(NamedTuple):
    """A choice of layers that stay float32, its losses by appliance, and its file's content."""

    in_float: Layers
    losses: tuple[ApplianceLoss, ...]
    content: bytes


def list_candidates(shape: Architecture, tails: Sequence[Layers]) -> list[Layers]:
    """Return the choices of layers that may stay float32.

    They are the first convolution, all convolutions or none, each with each of `tails`. The first
    Linear holds nearly all bytes and is always int8.
    """
    convolutions = tuple(layer.name for layer in shape.convolution_layers)
    return [
        head + tail
        for head in dict.fromkeys([(), convolutions[:1], convolutions])
        for tail in tails
    ]


def search_layers(
    model: Model,
    recording: Recording,
    limits: Tolerances,
    tails: Sequence[Layers],
    make: MakeContent,
    open_content: OpenContent,
) -> tuple[bytes, dict[str, Any]]:
    """Return the int8 content that loses least on a recording, and a report of the search as JSON.

    Of the candidates within the limits, it is the smallest file among those whose error while on is
    within 1 % of the lowest. Raises DataError as `calibration.draw_windows` does.
    """
    ranges = draw_windows(recording, model, *CALIBRATION)
    measured = draw_windows(recording, model, *MEASURED)

    def measure_candidate(in_float: Layers) -> Candidate:
        content = make(ranges.mains_w, in_float)
        return Candidate(in_float, measure_losses(open_content(content), measured), content)

    whole = measure_candidate(model.architecture.layer_names)
    candidates = [
        measure_candidate(in_float) for in_float in list_candidates(model.architecture, tails)
    ]
    chosen = choose_candidate(candidates, whole.losses, limits)
    report = {
        "layers_in_float": list(chosen.in_float),
        "calibration": describe_sample(ranges, model, recording),
        "candidates": [_describe_candidate(model, candidate) for candidate in candidates],
        "float32": _describe_candidate(model, whole),
    }
    return chosen.content, report


def describe_sample(
    sample: CalibrationSample, model: Model, recording: Recording
) -> dict[str, Any]:
    """Return the size of a calibration sample and its share of on-states, as JSON."""
    return {
        "windows": len(sample.mains_w),
        "windows_on": {
            a.name: int(n) for a, n in zip(model.appliances, sample.on.sum(axis=0), strict=True)
        },
        "share_on": round(float(sample.on.any(axis=1).mean()), 3),
        "days": round(recording.days, 2),
    }


def measure_losses(
    predict: Callable[[Watts], Watts], sample: CalibrationSample
) -> tuple[ApplianceLoss, ...]:
    """Return the errors of predictions on a sample, by appliance.

    The energy is weighted by the recording's own shares of on and off.
    """
    pieces = [predict(sample.mains_w[i : i + BATCH]) for i in range(0, len(sample.mains_w), BATCH)]
    power_w = np.concatenate(pieces).reshape(sample.truth_w.shape).astype(np.float64)
    losses = []
    for i, share in enumerate(sample.share_on):
        on, off = sample.on[:, i], sample.even & ~sample.on[:, i]
        truth_w, error_w = sample.truth_w[:, i], power_w[:, i] - sample.truth_w[:, i]
        energy_w, bias_w = (
            share * values[on].mean() + (1 - share) * (values[off].mean() if off.any() else 0.0)
            for values in (truth_w, error_w)
        )
        losses.append(
            ApplianceLoss(float(np.abs(error_w[on]).mean()), float(abs(bias_w) / energy_w))
        )
    return tuple(losses)


def choose_candidate(
    candidates: Sequence[Candidate], before: Sequence[ApplianceLoss], limits: Tolerances
) -> Candidate:
    """Return the candidate to take, where float32 has the losses `before`.

    Where none is within the limits, it is the one that loses least.
    """

    def measure_growth(candidate: Candidate) -> float:
        return (
            max(
                ours.on_mae_w / max(theirs.on_mae_w, 1e-9)
                for ours, theirs in zip(candidate.losses, before, strict=True)
            )
            - 1
        )

    def fits(candidate: Candidate) -> bool:
        sae = max(
            ours.sae - theirs.sae for ours, theirs in zip(candidate.losses, before, strict=True)
        )
        return measure_growth(candidate) <= limits.on_mae and sae <= limits.sae

    fitting = [candidate for candidate in candidates if fits(candidate)] or list(candidates)
    least = min(map(measure_growth, fitting))
    return min(
        (c for c in fitting if measure_growth(c) <= least + ALIKE),
        key=lambda candidate: len(candidate.content),
    )


def _describe_candidate(model: Model, candidate: Candidate) -> dict[str, Any]:
    by_appliance = {
        a.name: loss._asdict() for a, loss in zip(model.appliances, candidate.losses, strict=True)
    }
    return {
        "layers_in_float": list(candidate.in_float),
        "losses": by_appliance,
        "graph_bytes": len(candidate.content),
    }
