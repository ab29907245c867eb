"""Irregular stamps onto a regular grid, and answers on the grid back to the stamps."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from seq2point.recording import Jump, Watts

FILL_S = 30.0
JUMP_S = 3600.0

Times = npt.NDArray[np.float64]


def median_step_s(times_s: Times) -> float:
    """The usual time between readings, time jumps aside, rounded to a millisecond; 0 for fewer than two readings."""
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

    `sample` i64[N] is the grid sample nearest to each reading; the grid has `size` samples from `start` on. Where more than
    an hour is missing the grid jumps (`jumps`) instead of holding an empty stretch.
    """

    period_s: float
    sample: npt.NDArray[np.int64]
    size: int
    start: datetime
    jumps: tuple[Jump, ...]

    @property
    def is_plain(self) -> bool:
        """Whether every reading is a grid sample of its own and none is missing."""
        return self.size == len(self.sample) and bool((np.diff(self.sample) == 1).all())

    def mean(self, values: Watts, fill_s: float = FILL_S) -> Watts:
        """The mean of the readings of each grid sample, f32[size]; what is missing is filled forward for `fill_s` seconds.

        A reading that is NaN is a gap that its file means: it is not filled.
        """
        if self.is_plain:
            return values
        known = ~np.isnan(values)
        count = np.bincount(self.sample[known], minlength=self.size)
        total = np.bincount(self.sample[known], values[known], minlength=self.size)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: Watts = (total / count).astype(np.float32)
        absent = np.bincount(self.sample, minlength=self.size) == 0
        return self._fill_forward(mean, absent, int(fill_s / self.period_s + 1e-9))

    def at_readings(self, power_w: Watts, readings: Watts) -> Watts:
        """Answers f32[size, A] on the grid, at each reading's nearest sample: f32[N, A], NaN where the reading is a gap."""
        if self.is_plain:
            return power_w
        answer = power_w[self.sample]
        answer[np.isnan(readings)] = np.nan
        return answer

    def _fill_forward(self, values: Watts, absent: npt.NDArray[np.bool_], limit: int) -> Watts:
        here = np.arange(self.size)
        last = np.maximum.accumulate(np.where(absent, 0, here))
        piece = np.zeros(self.size, dtype=np.int64)
        for jump in self.jumps:
            piece[jump.sample :] += 1
        fillable = absent & (here - last <= limit) & (piece == piece[last])
        values[fillable] = values[last[fillable]]
        return values


def place_on_grid(times_s: Times, period_s: float) -> Grid:
    """The grid of one period nearest to ascending times f64[N] (seconds since 1970, UTC)."""
    steps = np.diff(times_s)
    breaks = np.flatnonzero(steps > max(JUMP_S, 2 * period_s)) + 1
    firsts, ends = [0, *map(int, breaks)], [*map(int, breaks), len(times_s)]
    sample = np.empty(len(times_s), dtype=np.int64)
    size, jumps = 0, []
    for first, end in zip(firsts, ends, strict=True):
        if first:
            jumps.append(Jump(size, datetime.fromtimestamp(times_s[first], UTC)))
        sample[first:end] = size + np.round((times_s[first:end] - times_s[first]) / period_s).astype(np.int64)
        size = int(sample[end - 1]) + 1
    return Grid(period_s, sample, size, datetime.fromtimestamp(times_s[0], UTC), tuple(jumps))
