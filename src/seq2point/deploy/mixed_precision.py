"""Which layers of an int8 model stay float32: all choices are made and measured, and the one that
loses least is taken.
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
MEASURED = (2048, 2048)
ALIKE = 0.01
BATCH = 64

Layers = tuple[str, ...]
Make = Callable[[Watts, Layers], bytes]
"""A file's content from calibration windows f32[N, W] and the names of the layers that stay
float32; from all, a float32 file.
"""
Answer = Callable[[bytes], Callable[[Watts], Watts]]
"""From a file's content to what answers windows of mains."""


class ApplianceLoss(NamedTuple):
    """An appliance's error over a sample: in watts while on, and as a share of the energy."""

    on_mae_w: float
    sae: float


class Candidate(NamedTuple):
    """A choice of layers that stay float, what it costs by appliance, and what it is as a file."""

    in_float: Layers
    losses: tuple[ApplianceLoss, ...]
    content: bytes


def list_candidates(shape: Architecture, tails: Sequence[Layers]) -> list[Layers]:
    """Which layers might stay float: the first convolution, all or none, each with each of `tails`.

    The first Linear holds nearly all bytes and is always int8.
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
    make: Make,
    answer: Answer,
) -> tuple[bytes, dict[str, Any]]:
    """The int8 content with the layers in float that lose least on a recording, and a report of the
    search as JSON.

    Of the candidates within the limits, those whose error while on is within 1 % of the lowest, and
    of these the smallest file.
    Raises DataError as `calibration.draw_windows` does.
    """
    ranges, measured = (
        draw_windows(recording, model, *CALIBRATION),
        draw_windows(recording, model, *MEASURED),
    )

    def make_candidate(in_float: Layers) -> Candidate:
        content = make(ranges.mains_w, in_float)
        return Candidate(in_float, measure_losses(answer(content), measured), content)

    whole = make_candidate(model.architecture.layer_names)
    found = [make_candidate(in_float) for in_float in list_candidates(model.architecture, tails)]
    chosen = choose_candidate(found, whole.losses, limits)
    report = {
        "layers_in_float": list(chosen.in_float),
        "calibration": describe_sample(ranges, model, recording),
        "candidates": [_describe_candidate(model, candidate) for candidate in found],
        "float32": _describe_candidate(model, whole),
    }
    return chosen.content, report


def describe_sample(
    sample: CalibrationSample, model: Model, recording: Recording
) -> dict[str, Any]:
    """What ranges were taken from, as JSON."""
    return {
        "windows": len(sample.mains_w),
        "windows_on": {
            a.name: int(n) for a, n in zip(model.appliances, sample.on.sum(axis=0), strict=True)
        },
        "share_on": round(float(sample.on.any(axis=1).mean()), 3),
        "days": round(recording.days, 2),
    }


def measure_losses(
    answer: Callable[[Watts], Watts], sample: CalibrationSample
) -> tuple[ApplianceLoss, ...]:
    """What answers reach on a sample, by appliance; energy as the recording's own shares of on and
    off would have it.
    """
    pieces = [answer(sample.mains_w[i : i + BATCH]) for i in range(0, len(sample.mains_w), BATCH)]
    answer_w = np.concatenate(pieces).reshape(sample.truth_w.shape).astype(np.float64)
    found = []
    for i, share in enumerate(sample.share_on):
        on, off = sample.on[:, i], sample.even & ~sample.on[:, i]
        truth_w, error_w = sample.truth_w[:, i], answer_w[:, i] - sample.truth_w[:, i]
        energy_w, bias_w = (
            share * values[on].mean() + (1 - share) * (values[off].mean() if off.any() else 0.0)
            for values in (truth_w, error_w)
        )
        found.append(
            ApplianceLoss(float(np.abs(error_w[on]).mean()), float(abs(bias_w) / energy_w))
        )
    return tuple(found)


def choose_candidate(
    found: Sequence[Candidate], before: Sequence[ApplianceLoss], limits: Tolerances
) -> Candidate:
    """The candidate to take, beside what float32 loses; the one that loses least where none is
    within the limits.
    """

    def growth(candidate: Candidate) -> float:
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
        return growth(candidate) <= limits.on_mae and sae <= limits.sae

    left = [candidate for candidate in found if fits(candidate)] or list(found)
    least = min(map(growth, left))
    return min(
        (c for c in left if growth(c) <= least + ALIKE),
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
