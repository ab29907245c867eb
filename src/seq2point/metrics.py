"""Metrics: how well an estimate of an appliance's power fits the truth.

Truth and estimate are f32[T] in watts at one sampling period. A metric is None where the data give
it no meaning: no energy used, never on.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from seq2point.appliances import Appliance
from seq2point.recording.on_off import Flags, find_runs, is_on

Array = npt.NDArray[np.float32]
Metrics = dict[str, float | None]


class MetricDefinition(NamedTuple):
    """How every report names and writes a metric: its label, unit and decimals.

    `remark` says in a word or two what the label's abbreviation leaves open.
    """

    label: str
    unit: str = ""
    decimals: int = 3
    lower_is_better: bool = True
    remark: str = ""

    @property
    def heading(self) -> str:
        """The label with the unit, for the heading of a column: 'MAE, W'."""
        return ", ".join(filter(None, (self.label, self.unit)))

    def format(self, value: float | None, decimals: int | None = None) -> str:
        """Return a value with its unit: '12.3 W'; '-' for None."""
        if value is None:
            return "-"
        return self.add_unit(f"{value:,.{self.decimals if decimals is None else decimals}f}")

    def describe(self, value: float | None, decimals: int | None = None) -> str:
        """Return a value after its label: 'MAE 12.3 W'."""
        return f"{self.label} {self.format(value, decimals)}"

    def add_unit(self, number: str) -> str:
        """Return a number that is written already, with the unit."""
        return f"{number} {self.unit}" if self.unit else number


METRICS: Mapping[str, MetricDefinition] = {
    "mae_w": MetricDefinition("MAE", "W", 1),
    "on_mae_w": MetricDefinition("MAE while on", "W", 1),
    "sae": MetricDefinition("SAE", remark="energy error"),
    "sae_delta_w": MetricDefinition("SAE by the hour", "W", 1),
    "nde": MetricDefinition("NDE"),
    "energy_per_day_wh": MetricDefinition("energy error a day", "Wh", 1),
    "f1": MetricDefinition("F1", lower_is_better=False, remark="on/off"),
    "precision": MetricDefinition("precision", lower_is_better=False),
    "recall": MetricDefinition("recall", lower_is_better=False),
    "mcc": MetricDefinition("MCC", lower_is_better=False),
    "accuracy": MetricDefinition("accuracy", lower_is_better=False),
    "event_f1": MetricDefinition("F1 of events", lower_is_better=False),
    "event_precision": MetricDefinition("precision of events", lower_is_better=False),
    "event_recall": MetricDefinition("recall of events", lower_is_better=False),
    "cycle_precision": MetricDefinition("precision of cycles", lower_is_better=False),
    "cycle_recall": MetricDefinition("recall of cycles", lower_is_better=False),
}
"""Every metric that `score` gives, in the order of the reports.

What the letters mean: MAE, mean absolute error; SAE, signal aggregate error; NDE, normalised
disaggregation error; MCC, Matthews correlation coefficient.
"""

HOUR_S = 3600.0
LEAST_OVERLAP = 0.5
"""A cycle counts as found where intersection over union with the true one is at least a half."""
EVENT_TOLERANCE_S = 60.0
"""An onset counts as detected within a minute: ten readings at 6 s, one at 60 s."""


class ScoredStretch(NamedTuple):
    """A stretch of truth and estimate f32[T] in watts, and its times f64[T] in seconds.

    `known` bool[T] is where both were measured; None means everywhere. Only these samples are
    scored. In the short gaps between them both keep the value before, so that no gap ends an
    activation. `recording` numbers the recording that the stretch is from.
    """

    truth_w: Array
    estimate_w: Array
    times_s: npt.NDArray[np.float64]
    known: Flags | None = None
    recording: int = 0

    def select_known(self) -> Self:
        """Return the stretch with the scored samples alone."""
        if self.known is None:
            return self
        return self._replace(
            truth_w=self.truth_w[self.known],
            estimate_w=self.estimate_w[self.known],
            times_s=self.times_s[self.known],
            known=None,
        )

    def select_flags(self, flags: Flags) -> Flags:
        """Return flags bool[T] at the scored samples."""
        return flags if self.known is None else flags[self.known]


def _find_onsets(on: Flags) -> npt.NDArray[np.int64]:
    return np.flatnonzero(on & ~np.concatenate(([False], on[:-1])))


def count_matched_events(
    truth_s: Sequence[float], estimate_s: Sequence[float], tolerance_s: float = EVENT_TOLERANCE_S
) -> int:
    """Return how many onsets pair one to one within the tolerance. Both ascend, in seconds."""
    matched = i = j = 0
    while i < len(truth_s) and j < len(estimate_s):
        if abs(truth_s[i] - estimate_s[j]) <= tolerance_s:
            matched, i, j = matched + 1, i + 1, j + 1
        elif truth_s[i] < estimate_s[j]:
            i += 1
        else:
            j += 1
    return matched


def _divide(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _score_power(truth: Array, estimate: Array) -> Metrics:
    error = estimate.astype(np.float64) - truth
    squares = np.square(truth, dtype=np.float64).sum()
    return {
        "mae_w": float(np.abs(error).mean()),
        "sae": _divide(abs(error.sum()), truth.sum(dtype=np.float64)),
        "nde": _divide(np.square(error).sum(), squares),
    }


def _sum_blocks(
    stretches: Sequence[ScoredStretch], block_s: float, zone: tzinfo | None
) -> npt.NDArray[np.float64]:
    """Return the sums of (truth, estimate, samples) by block of the zone's clock: f64[blocks, 3].

    Blocks of different recordings are different blocks.
    """
    times_s = np.concatenate([s.times_s for s in stretches])
    clock = np.floor((times_s + find_utc_offset_s(times_s, zone)) / block_s)
    recording = np.repeat([s.recording for s in stretches], [len(s.times_s) for s in stretches])
    _, block = np.unique(recording * (np.ptp(clock) + 1) + clock, return_inverse=True)
    truth = np.concatenate([s.truth_w for s in stretches])
    estimate = np.concatenate([s.estimate_w for s in stretches])
    return np.stack(
        [np.bincount(block, truth), np.bincount(block, estimate), np.bincount(block)], axis=1
    )


def _score_energy(
    stretches: Sequence[ScoredStretch], period_s: float, zone: tzinfo | None
) -> Metrics:
    hours = _sum_blocks(stretches, HOUR_S, None)
    days = _sum_blocks(stretches, 24 * HOUR_S, zone)
    return {
        "sae_delta_w": float(np.abs((hours[:, 1] - hours[:, 0]) / hours[:, 2]).mean()),
        "energy_per_day_wh": float(np.abs(days[:, 1] - days[:, 0]).mean() * period_s / HOUR_S),
    }


def find_utc_offset_s(
    times_s: npt.NDArray[np.float64], zone: tzinfo | None
) -> npt.NDArray[np.float64]:
    """Return the zone's offset from UTC at each time. It is looked up once an hour."""
    if zone is None:
        return np.zeros_like(times_s)
    hours, where = np.unique(np.floor(times_s / HOUR_S), return_inverse=True)
    offsets = [
        datetime.fromtimestamp(hour * HOUR_S, UTC).astimezone(zone).utcoffset() for hour in hours
    ]
    return np.array([offset.total_seconds() if offset else 0.0 for offset in offsets])[where]


def _score_on_state(truth_on: Flags, estimate_on: Flags) -> Metrics:
    hits, false_alarms, misses, rejections = (
        int(np.count_nonzero((truth_on == truth) & (estimate_on == estimate)))
        for truth, estimate in ((True, True), (False, True), (True, False), (False, False))
    )
    accuracy = (hits + rejections) / len(truth_on)
    if not hits + misses:
        return dict.fromkeys(("f1", "precision", "recall", "mcc"), None) | {"accuracy": accuracy}
    spread = (
        (hits + misses)
        * (false_alarms + rejections)
        * (hits + false_alarms)
        * (misses + rejections)
    )
    covariance = hits * rejections - false_alarms * misses
    return {
        "f1": 2 * hits / (2 * hits + false_alarms + misses),
        "precision": _divide(hits, hits + false_alarms) or 0.0,
        "recall": hits / (hits + misses),
        "mcc": (
            None if not false_alarms + rejections else covariance / spread**0.5 if spread else 0.0
        ),
        "accuracy": accuracy,
    }


def _score_events(
    stretches: Sequence[ScoredStretch], truth_on: Sequence[Flags], estimate_on: Sequence[Flags]
) -> Metrics:
    true_count = estimated_count = matched = 0
    for stretch, truth, estimate in zip(stretches, truth_on, estimate_on, strict=True):
        truth_s = stretch.times_s[_find_onsets(truth)]
        estimate_s = stretch.times_s[_find_onsets(estimate)]
        true_count += len(truth_s)
        estimated_count += len(estimate_s)
        matched += count_matched_events(list(truth_s), list(estimate_s))
    return {
        "event_precision": _divide(matched, estimated_count),
        "event_recall": _divide(matched, true_count),
        "event_f1": _divide(2 * matched, true_count + estimated_count) if true_count else None,
    }


def count_matched_cycles(truth_on: Flags, estimate_on: Flags) -> int:
    """Return how many cycles of two on states bool[T] overlap by at least half of their union.

    Cycles pair one to one. A true cycle can overlap two estimated ones by a half of the union only
    where each covers one half of it exactly; the first of them counts.
    """
    first, length = find_runs(truth_on)
    other_first, other_length = find_runs(estimate_on)
    matched = j = 0
    for begin, count in zip(first.tolist(), length.tolist(), strict=True):
        while j < len(other_first) and other_first[j] + other_length[j] <= begin:
            j += 1
        for k in range(j, len(other_first)):
            other_begin, other_end = other_first[k], other_first[k] + other_length[k]
            if other_begin >= begin + count:
                break
            shared = min(begin + count, other_end) - max(begin, other_begin)
            if shared >= LEAST_OVERLAP * (count + other_length[k] - shared):
                matched, j = matched + 1, k + 1
                break
    return matched


def _score_cycles(truth_on: Sequence[Flags], estimate_on: Sequence[Flags]) -> Metrics:
    pairs = list(zip(truth_on, estimate_on, strict=True))
    matched = sum(count_matched_cycles(truth, estimate) for truth, estimate in pairs)
    true_count, estimated_count = (
        sum(len(find_runs(flags)[0]) for flags in states) for states in (truth_on, estimate_on)
    )
    return {
        "cycle_precision": _divide(matched, estimated_count),
        "cycle_recall": _divide(matched, true_count),
    }


def score(
    stretches: Sequence[ScoredStretch],
    appliance: Appliance,
    period_s: float,
    zone: tzinfo | None = None,
) -> Metrics:
    """Return every metric of an estimate, over stretches of one or several recordings.

    mae_w: mean absolute error. on_mae_w: the same where the truth is on.
    sae: |sum y' - sum y| / sum y. nde: sum (y' - y)^2 / sum y^2, without a root.
    sae_delta_w: mean absolute error of the mean power of each clock hour (SAE delta of Shin et al.
    2019, 'Subtask gated networks').
    energy_per_day_wh: mean |Wh' - Wh| over the days of each recording, in UTC or in `zone`.
    f1, precision, recall, mcc, accuracy: of the on state.
    event_*: of onsets, paired within a minute.
    cycle_*: of activations, paired where they overlap by at least half of their union.
    Estimates below zero count as zero.
    Raises ValueError where there is nothing to score.
    """
    stretches = [s._replace(estimate_w=np.maximum(s.estimate_w, 0)) for s in stretches]
    scored = [s.select_known() for s in stretches]
    truth = np.concatenate([s.truth_w for s in scored]) if scored else np.empty(0, np.float32)
    if not len(truth):
        raise ValueError("no sample has both a truth and an estimate")
    estimate = np.concatenate([s.estimate_w for s in scored])
    truth_on = [is_on(s.truth_w, appliance, period_s) for s in stretches]
    estimate_on = [is_on(s.estimate_w, appliance, period_s) for s in stretches]
    on, estimated_on = (
        np.concatenate([s.select_flags(flags) for s, flags in zip(stretches, states, strict=True)])
        for states in (truth_on, estimate_on)
    )
    power = _score_power(truth, estimate)
    on_mae = float(np.abs(estimate - truth)[on].mean(dtype=np.float64)) if on.any() else None
    return (
        {"mae_w": power.pop("mae_w"), "on_mae_w": on_mae}
        | power
        | _score_energy(scored, period_s, zone)
        | _score_on_state(on, estimated_on)
        | _score_events(stretches, truth_on, estimate_on)
        | _score_cycles(truth_on, estimate_on)
    )
