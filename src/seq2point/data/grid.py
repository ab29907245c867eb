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

REGULAR = 0.05
"""Steps of a regular series are whole periods to this share of a period."""

Times = npt.NDArray[np.float64]


def find_median_step_s(times_s: Times) -> float:
    """Return the median time between readings, to a millisecond; 0 for fewer than two readings.

    Time jumps are left out.
    """
    if len(times_s) < 2:
        return 0.0
    steps = np.diff(times_s)
    within = steps[steps <= JUMP_S]
    return round(float(np.median(within if len(within) else steps)), 3)


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
) -> Grid:
    """Return the regular grid under ascending times f64[N], in seconds since 1970, UTC.

    Samples lie whole periods from the first time, or from `anchor_s`, the start of an earlier
    piece. `usual_step_s` is the usual time between readings, by default the median of these times.
    """
    breaks = find_jumps(times_s, period_s)
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
