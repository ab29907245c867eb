"""Where the errors of a test are: by the hour of the day, and by activation."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

import numpy as np

from seq2point.appliances import Appliance
from seq2point.metrics import ScoredStretch, find_utc_offset_s
from seq2point.recording.on_off import find_runs, is_on

HOURS = 24
HOUR_S = 3600.0
MOST_ACTIVATIONS = 100
"""Activations of a test that are kept, evenly over it: a picture holds no more."""


def measure_by_hour(
    stretches: Sequence[ScoredStretch], zone: tzinfo | None = None
) -> dict[str, list[float | None]]:
    """Return the error, the true and the estimated mean power of each hour of the day, in watts.

    Hours are those of `zone`, or UTC. Of an hour in which nothing was scored all are None.
    """
    scored = [s.select_known() for s in stretches]
    times_s = np.concatenate([s.times_s for s in scored])
    truth_w = np.concatenate([s.truth_w for s in scored])
    estimate_w = np.maximum(np.concatenate([s.estimate_w for s in scored]), 0)
    hour = ((times_s + find_utc_offset_s(times_s, zone)) // HOUR_S % HOURS).astype(np.int64)
    counts = np.bincount(hour, minlength=HOURS)

    def average(power_w: Any) -> list[float | None]:
        sums = np.bincount(hour, power_w, HOURS)
        return [
            round(total / count, 2) if count else None
            for total, count in zip(sums.tolist(), counts.tolist(), strict=True)
        ]

    return {
        "mae_w": average(np.abs(estimate_w - truth_w)),
        "truth_w": average(truth_w),
        "estimate_w": average(estimate_w),
    }


def measure_activations(
    stretches: Sequence[ScoredStretch], appliance: Appliance, period_s: float
) -> dict[str, Any]:
    """Return what was used, and what was estimated, in each true activation, in watt hours.

    `count` is that of all activations. Where there are more than `MOST_ACTIVATIONS`, so many are
    kept, evenly over the test.
    """
    energies: list[tuple[float, float]] = []
    for stretch in stretches:
        sums = [
            np.concatenate([[0.0], np.cumsum(np.maximum(power_w, 0), dtype=np.float64)])
            for power_w in (stretch.truth_w, stretch.estimate_w)
        ]
        first, length = find_runs(is_on(stretch.truth_w, appliance, period_s))
        truth_wh, estimate_wh = (
            (total[first + length] - total[first]) * period_s / HOUR_S for total in sums
        )
        energies += zip(truth_wh.tolist(), estimate_wh.tolist(), strict=True)
    kept = energies
    if len(energies) > MOST_ACTIVATIONS:
        chosen = np.linspace(0, len(energies) - 1, MOST_ACTIVATIONS).round().astype(int)
        kept = [energies[i] for i in chosen]
    return {
        "count": len(energies),
        "truth_wh": [round(truth_wh, 1) for truth_wh, _ in kept],
        "estimate_wh": [round(estimate_wh, 1) for _, estimate_wh in kept],
    }
