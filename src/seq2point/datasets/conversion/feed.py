"""A meter's readings on the grid, a stretch of samples after another, with what was read ahead and
what a gap is filled from.
"""

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
    """The same items, the next of which is made while the last is worked on."""
    coming: Future[Rows | None] = pool.submit(next, items, None)
    while (item := coming.result()) is not None:
        coming = pool.submit(next, items, None)
        yield item


@dataclass(frozen=True)
class Stretch:
    """Some samples of a meter: its columns, where they were filled, and the last of its readings
    (-1: none).
    """

    columns: list[Watts]
    filled: list[npt.NDArray[np.bool_]]
    last: int
    last_s: float


@dataclass
class Feed:
    """A meter's rows that have been read and not yet taken, and the samples that its next gap may
    be filled from.
    """

    meter: Meter
    rows: Iterator[Rows]
    fill: int
    held: Rows | None = None
    before: list[tuple[Watts, npt.NDArray[np.bool_]]] = field(default_factory=list)

    def next_s(self) -> float:
        """The time of the next reading; infinite where there is none."""
        if self.held is None:
            self.held = next(self.rows, None)
        return np.inf if self.held is None else float(self.held.times_s[0])

    def begin_anew(self) -> None:
        """Forget what came before: nothing is filled across a jump."""
        nothing = np.full(self.fill, np.nan, np.float32), np.ones(self.fill, dtype=bool)
        self.before = [nothing] * len(self.meter.columns)

    def take(self, anchor_s: float, period_s: float, first: int, end: int) -> Stretch:
        """The means of the readings on samples [first, end) of the grid, gaps filled."""
        taken: list[tuple[npt.NDArray[np.int64], Rows]] = []
        while self.next_s() < np.inf and self.held is not None:
            sample = np.rint((self.held.times_s - anchor_s) / period_s).astype(np.int64)
            count = int(np.searchsorted(sample, end))
            if count:
                taken.append((sample[:count] - first, self.held.take(slice(count))))
            if count < len(sample):
                self.held = self.held.take(slice(count, None))
                break
            self.held = None
        if not taken:
            return self._stretch(
                np.empty(0, np.int64),
                [np.empty(0, np.float32)] * len(self.meter.columns),
                end - first,
                -np.inf,
            )
        sample = np.concatenate([s for s, _ in taken])
        watts = [
            np.concatenate([rows.watts[i] for _, rows in taken])
            for i in range(len(self.meter.columns))
        ]
        return self._stretch(sample, watts, end - first, float(taken[-1][1].times_s[-1]))

    def _stretch(
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
