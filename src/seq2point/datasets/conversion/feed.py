"""Feeds: a meter's readings on the grid, one stretch of samples after another."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import average_samples
from seq2point.datasets.contract import Meter
from seq2point.datasets.conversion.cleaning import Rows
from seq2point.recording import Watts
from seq2point.recording.gaps import fill_forward


def prefetch(items: Iterator[Rows], pool: ThreadPoolExecutor) -> Iterator[Rows]:
    """Yield the same items. The next one is made while the last one is used."""
    coming: Future[Rows | None] = pool.submit(next, items, None)
    while (item := coming.result()) is not None:
        coming = pool.submit(next, items, None)
        yield item


@dataclass(frozen=True)
class Stretch:
    """Some samples of a meter.

    `columns` are f32[N] in watts, `filled` bool[N] marks samples that were missing. `last` is the
    sample of the last reading, -1 for none, and `last_s` its time.
    """

    columns: list[Watts]
    filled: list[npt.NDArray[np.bool_]]
    last: int
    last_s: float


@dataclass
class Feed:
    """A meter's readings on the way to the grid.

    `held` are rows that were read and not yet taken. `before` are the last samples of each column,
    from which the next gap may be filled.
    """

    meter: Meter
    rows: Iterator[Rows]
    fill: int
    held: Rows | None = None
    before: list[tuple[Watts, npt.NDArray[np.bool_]]] = field(default_factory=list)

    def peek_time_s(self) -> float:
        """Return the time of the next reading; infinity where there is none."""
        if self.held is None:
            self.held = next(self.rows, None)
        return np.inf if self.held is None else float(self.held.times_s[0])

    def forget_samples(self) -> None:
        """Forget the samples before a time jump: no gap is filled across it."""
        nothing = np.full(self.fill, np.nan, np.float32), np.ones(self.fill, dtype=bool)
        self.before = [nothing] * len(self.meter.columns)

    def take(self, anchor_s: float, period_s: float, first: int, end: int) -> Stretch:
        """Return samples [first, end) of the grid: means of the readings, with gaps filled."""
        taken: list[tuple[npt.NDArray[np.int64], Rows]] = []
        while self.peek_time_s() < np.inf and self.held is not None:
            sample = np.rint((self.held.times_s - anchor_s) / period_s).astype(np.int64)
            count = int(np.searchsorted(sample, end))
            if count:
                taken.append((sample[:count] - first, self.held.take(slice(count))))
            if count < len(sample):
                self.held = self.held.take(slice(count, None))
                break
            self.held = None
        if not taken:
            no_watts = [np.empty(0, np.float32)] * len(self.meter.columns)
            return self._average(np.empty(0, np.int64), no_watts, end - first, -np.inf)
        sample = np.concatenate([s for s, _ in taken])
        watts = [
            np.concatenate([rows.watts[i] for _, rows in taken])
            for i in range(len(self.meter.columns))
        ]
        return self._average(sample, watts, end - first, float(taken[-1][1].times_s[-1]))

    def _average(
        self, sample: npt.NDArray[np.int64], watts: list[Watts], size: int, last_s: float
    ) -> Stretch:
        columns, filled = [], []
        for i, (mean, absent) in enumerate(average_samples(sample, watts, size)):
            after = mean[size - self.fill :].copy(), absent[size - self.fill :]
            fill_forward(mean, absent, self.fill, self.before[i])
            self.before[i] = after
            columns.append(mean)
            filled.append(absent & ~np.isnan(mean))
        return Stretch(columns, filled, int(sample[-1]) if len(sample) else -1, last_s)
