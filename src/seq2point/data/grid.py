"""Regular grids: irregular times onto a grid, and predictions on the grid back to the times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from seq2point.data import native_reader
from seq2point.recording import Jump, Watts

FILL_S = 30.0
"""Gaps up to this long are filled when a data set is converted, unless told otherwise."""

JUMP_S = 3600.0
"""A longer gap is a jump in time: the grid holds no empty stretch for it."""

USUAL_STEPS = 1.5
"""Readings at most this many usual steps apart lack none between them."""

COARSEST = 1.5
"""Readings this many periods apart can still be resampled, by repeating every second one."""

REGULAR = 0.05
"""Steps of a regular series are whole periods to this share of a period."""

LEAST_KNOWN = 0.5
"""The share of a sample's time that must be known, where readings hold."""

Times = npt.NDArray[np.float64]


def can_give(step_s: float, period_s: float, hold_s: float | None = None) -> bool:
    """Return whether readings a step apart can be placed on a grid of a period.

    Readings that hold until the next change, for `hold_s`, can be at any.
    """
    return hold_s is not None or step_s <= COARSEST * period_s


def find_median_step_s(times_s: Times) -> float:
    """Return the median time between readings, to a millisecond; 0 for fewer than two readings.

    Time jumps are left out.
    """
    if len(times_s) < 2:
        return 0.0
    steps = np.diff(times_s)
    if steps.min() == steps.max():
        return round(float(steps[0]), 3)
    within = steps[steps <= JUMP_S]
    return round(find_median(within if len(within) else steps), 3)


def find_median(values: Times) -> float:
    """Return the median of f64[N] without NaN, as numpy.median does; that imports numpy.ma."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    in_part = np.partition(values, (low, high))
    return float((in_part[low] + in_part[high]) / 2)


def drop_repeats(ascending: Times) -> Times:
    """Return known times that ascend, each once, as numpy.unique does; that imports numpy.ma."""
    return ascending[np.flatnonzero(np.diff(ascending, prepend=-np.inf))]


def is_regular(times_s: Times, period_s: float) -> bool:
    """Return whether every step is a whole number of periods. Time jumps are left out."""
    steps = np.diff(times_s)
    steps = steps[steps <= max(JUMP_S, 2 * period_s)]
    off = np.abs(steps - np.maximum(np.round(steps / period_s), 1) * period_s)
    return bool((off <= REGULAR * period_s).all())


@dataclass(frozen=True)
class Grid:
    """A regular grid of one period, and the place of each reading on it.

    `sample` i64[N] is the grid sample nearest to each reading. The grid has `size` samples from
    `start` on. Where more than an hour is missing it jumps (`jumps`).
    `between` i64[K] are the samples between two readings although no reading is missing there. They
    repeat the samples before them, `repeats` i64[K].
    """

    period_s: float
    sample: npt.NDArray[np.int64]
    size: int
    start: datetime
    jumps: tuple[Jump, ...]
    between: npt.NDArray[np.int64]
    repeats: npt.NDArray[np.int64]

    @property
    def is_plain(self) -> bool:
        """Whether readings and grid samples correspond one to one."""
        return self.size == len(self.sample) and bool((np.diff(self.sample) == 1).all())

    def mean(self, values: Watts) -> Watts:
        """Return the mean of the readings of each grid sample, f32[size]; NaN where one is
        missing.
        """
        if self.is_plain:
            return values
        ((mean, _),) = average_samples(self.sample, [values], self.size)
        mean[self.between] = mean[self.repeats]
        return mean

    def times_s(self) -> Times:
        """Return the times of the samples f64[size] in seconds since 1970, UTC."""
        firsts, starts_s = self._list_pieces()
        times_s = np.empty(self.size)
        for first, end, start_s in zip(firsts, [*firsts[1:], self.size], starts_s, strict=True):
            times_s[first:end] = start_s + np.arange(end - first) * self.period_s
        return times_s

    def mean_of(self, times_s: Times, values: Watts) -> Watts:
        """Return the mean of readings at ascending times of their own, f32[size].

        Readings outside of the grid are left out.
        """
        firsts, starts_s = map(np.array, self._list_pieces())
        ends = np.append(firsts[1:], self.size)
        piece = np.searchsorted(starts_s - self.period_s / 2, times_s, side="right") - 1
        sample = np.round((times_s - starts_s[piece]) / self.period_s).astype(np.int64)
        sample += firsts[piece]
        inside = (piece >= 0) & (sample < ends[piece])
        sample, times_s = sample[inside], times_s[inside]
        ((mean, _),) = average_samples(sample, [values[inside]], self.size)
        between, repeats = _find_between_readings(sample, times_s, find_median_step_s(times_s))
        mean[between] = mean[repeats]
        return mean

    def mean_held(self, times_s: Times, values: Watts, hold_s: float) -> Watts:
        """Return the mean over time of readings that hold, f32[size].

        A reading at an ascending time holds until the next one, for up to `hold_s`. A sample is the
        mean from its time on for one period, NaN where less than half of that is known.
        """
        known = np.isfinite(values)
        lasts_s = np.append(np.diff(times_s), hold_s).clip(max=hold_s) * known
        # the integrals of power and of known time rise while a reading holds, and stand after it
        knots_s = np.column_stack((times_s, times_s + lasts_s)).ravel()
        energy, known_s = (
            np.column_stack((np.cumsum(rise) - rise, np.cumsum(rise))).ravel()
            for rise in (np.where(known, values, 0) * lasts_s, lasts_s)
        )
        begins_s = self.times_s()
        ends_s = begins_s + self.period_s
        total, seconds = (
            np.interp(ends_s, knots_s, integral) - np.interp(begins_s, knots_s, integral)
            for integral in (energy, known_s)
        )
        seconds = np.where(seconds >= LEAST_KNOWN * self.period_s, seconds, np.nan)
        mean: Watts = (total / seconds).astype(np.float32)
        return mean

    def _list_pieces(self) -> tuple[list[int], list[float]]:
        """Return the first sample of each piece between jumps, and its time in seconds."""
        firsts = [0, *(jump.sample for jump in self.jumps)]
        return firsts, [self.start.timestamp(), *(jump.time.timestamp() for jump in self.jumps)]

    def at_readings(self, power_w: Watts) -> Watts:
        """Return predictions f32[size, A] on the grid at each reading's nearest sample: f32[N,
        A].
        """
        return power_w if self.is_plain else power_w[self.sample]


def average_samples(
    sample: npt.NDArray[np.int64], columns: Sequence[Watts], size: int
) -> list[tuple[Watts, npt.NDArray[np.bool_]]]:
    """Return for each column f32[N] the mean by grid sample f32[size], and where no value is.

    `sample` i64[N] is the grid sample of each value, in ascending order. NaN is a gap in the file.
    An infinite value is left out as if its row were missing.
    """
    return native_reader.average_columns(sample, columns, size) or [
        _average_samples(sample, values, size) for values in columns
    ]


def _average_samples(
    sample: npt.NDArray[np.int64], values: Watts, size: int
) -> tuple[Watts, npt.NDArray[np.bool_]]:
    known, present = np.isfinite(values), ~np.isinf(values)
    count = np.bincount(sample[known], minlength=size)
    total = np.bincount(sample[known], values[known], minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Watts = (total / count).astype(np.float32)
    return mean, np.bincount(sample[present], minlength=size) == 0


def find_jumps(times_s: Times, period_s: float) -> npt.NDArray[np.int64]:
    """Return the readings before which time jumps: by more than an hour and two periods."""
    return np.flatnonzero(np.diff(times_s) > max(JUMP_S, 2 * period_s)) + 1


def place_on_grid(
    times_s: Times,
    period_s: float,
    anchor_s: float | None = None,
    usual_step_s: float | None = None,
    hold_s: float | None = None,
) -> Grid:
    """Return the regular grid under ascending times f64[N], in seconds since 1970, UTC.

    Samples lie whole periods from the first time, or from `anchor_s`, the start of an earlier
    piece. `usual_step_s` is the usual time between readings, by default the median of these times.
    Where a reading holds for `hold_s`, time does not jump before that.
    """
    breaks = find_jumps(times_s, max(period_s, (hold_s or 0) / 2))
    firsts, ends = [0, *map(int, breaks)], [*map(int, breaks), len(times_s)]
    sample = np.empty(len(times_s), dtype=np.int64)
    size, jumps = 0, []
    for first, end in zip(firsts, ends, strict=True):
        if first:
            jumps.append(Jump(size, datetime.fromtimestamp(times_s[first], UTC)))
        origin_s = times_s[first] if first or anchor_s is None else anchor_s
        places = np.round((times_s[first:end] - origin_s) / period_s).astype(np.int64)
        sample[first:end] = size + places - places[0]
        size = int(sample[end - 1]) + 1
    between, repeats = _find_between_readings(
        sample, times_s, usual_step_s or find_median_step_s(times_s)
    )
    start = datetime.fromtimestamp(times_s[0], UTC)
    return Grid(period_s, sample, size, start, tuple(jumps), between, repeats)


def _find_between_readings(
    sample: npt.NDArray[np.int64], times_s: Times, usual_step_s: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the grid samples between readings at their usual step, and the sample before each."""
    skipped = np.diff(sample) - 1
    if not skipped.any():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    here = np.flatnonzero((skipped > 0) & (np.diff(times_s) <= USUAL_STEPS * usual_step_s))
    counts = skipped[here]
    repeats = np.repeat(sample[here], counts)
    along = np.arange(len(repeats)) - np.repeat(np.cumsum(counts) - counts, counts)
    return repeats + 1 + along, repeats
