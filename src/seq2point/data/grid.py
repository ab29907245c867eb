"""Irregular stamps onto a regular grid, and answers on the grid back to the stamps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from seq2point.data import native_reader
from seq2point.recording import Jump, Watts

FILL_S = 30.0
JUMP_S = 3600.0
USUAL_STEPS = 1.5  # readings no further apart than this many usual steps lack none between them

Times = npt.NDArray[np.float64]


def find_median_step_s(times_s: Times) -> float:
    """The usual time between readings, time jumps aside, rounded to a millisecond; 0 for fewer than
    two readings.
    """
    if len(times_s) < 2:
        return 0.0
    steps = np.diff(times_s)
    within = steps[steps <= JUMP_S]
    return round(float(np.median(within if len(within) else steps)), 3)


def is_regular(times_s: Times, period_s: float) -> bool:
    """Whether every step is a whole number of periods, to a twentieth of one, time jumps aside."""
    steps = np.diff(times_s)
    steps = steps[steps <= max(JUMP_S, 2 * period_s)]
    off = np.abs(steps - np.maximum(np.round(steps / period_s), 1) * period_s)
    return bool((off <= 0.05 * period_s).all())


@dataclass(frozen=True)
class Grid:
    """Where each reading falls on a regular grid of one period.

    `sample` i64[N] is the grid sample nearest to each reading; the grid has `size` samples from
    `start` on. Where more than an hour is missing the grid jumps (`jumps`) instead of holding an
    empty stretch. `between` i64[K] are the samples that fall between two readings although none is
    missing there, and `repeats` i64[K] the samples before them, which they repeat.
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
        """Whether every reading is a grid sample of its own and none is missing."""
        return self.size == len(self.sample) and bool((np.diff(self.sample) == 1).all())

    def mean(self, values: Watts) -> Watts:
        """The mean of the readings of each grid sample, f32[size], NaN where a reading is missing."""
        if self.is_plain:
            return values
        ((mean, _),) = average_samples(self.sample, [values], self.size)
        mean[self.between] = mean[self.repeats]
        return mean

    def at_readings(self, power_w: Watts) -> Watts:
        """Predictions f32[size, A] on the grid, at each reading's nearest sample: f32[N, A]."""
        return power_w if self.is_plain else power_w[self.sample]


def average_samples(
    sample: npt.NDArray[np.int64], columns: Sequence[Watts], size: int
) -> list[tuple[Watts, npt.NDArray[np.bool_]]]:
    """For each column f32[N], the mean of the values that fall on each grid sample, f32[size], and
    where there is none at all.

    `sample` i64[N] is the grid sample of each value, in order. A value that is NaN is a gap that
    the file means; one that is infinite counts as if it had not been there.
    """
    return native_reader.average_columns(sample, columns, size) or [
        _average_samples(sample, values, size) for values in columns
    ]


def _average_samples(
    sample: npt.NDArray[np.int64], values: Watts, size: int
) -> tuple[Watts, npt.NDArray[np.bool_]]:
    known, there = np.isfinite(values), ~np.isinf(values)
    count = np.bincount(sample[known], minlength=size)
    total = np.bincount(sample[known], values[known], minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Watts = (total / count).astype(np.float32)
    return mean, np.bincount(sample[there], minlength=size) == 0


def find_jumps(times_s: Times, period_s: float) -> npt.NDArray[np.int64]:
    """The readings before which the time jumps: more than an hour, and more than two periods, are
    missing.
    """
    return np.flatnonzero(np.diff(times_s) > max(JUMP_S, 2 * period_s)) + 1


def place_on_grid(
    times_s: Times,
    period_s: float,
    anchor_s: float | None = None,
    usual_step_s: float | None = None,
) -> Grid:
    """The grid of one period nearest to ascending times f64[N] (seconds since 1970, UTC).

    Its samples lie whole periods from the first time, or from `anchor_s` where the times go on a
    stretch that began then. `usual_step_s` is the usual time between readings, found from the times
    by default.
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
    between, repeats = _between_readings(
        sample, times_s, usual_step_s or find_median_step_s(times_s)
    )
    start = datetime.fromtimestamp(times_s[0], UTC)
    return Grid(period_s, sample, size, start, tuple(jumps), between, repeats)


def _between_readings(
    sample: npt.NDArray[np.int64], times_s: Times, usual_step_s: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Grid samples between readings that follow one another as usual, and the sample before each."""
    skipped = np.diff(sample) - 1
    if not skipped.any():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    here = np.flatnonzero((skipped > 0) & (np.diff(times_s) <= USUAL_STEPS * usual_step_s))
    counts = skipped[here]
    repeats = np.repeat(sample[here], counts)
    along = np.arange(len(repeats)) - np.repeat(np.cumsum(counts) - counts, counts)
    return repeats + 1 + along, repeats
