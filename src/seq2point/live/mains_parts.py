"""Answers: what a home's mains are made of, on one grid, with parts that add up to the mains."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import Times
from seq2point.household.balance import ALWAYS_ON, MAINS, OTHER
from seq2point.recording import Watts

__all__ = ["ALWAYS_ON", "MAINS", "OTHER", "Answers", "average_rows", "join_answers"]


class Answers(NamedTuple):
    """Consecutive samples of a home: times f64[N] in seconds since 1970, UTC, and watts f32[N].

    A sample is the mean of `period_s`. `predicted_w` is what the models say, by appliance, decided
    by event, and what is learned of 'always_on'; NaN is unknown. `parts_w` are appliances,
    'always_on' and 'other', in multiples of 1/64 W, which add up to `mains_w` exactly: what an
    unknown part draws is in 'other'.
    """

    period_s: float
    times_s: Times
    mains_w: Watts
    predicted_w: Mapping[str, Watts]
    parts_w: Mapping[str, Watts]
    jumps: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.times_s)

    def slice(self, first: int, end: int | None = None) -> "Answers":
        """Return the samples [first, end)."""
        rows = slice(first, end)
        return Answers(
            self.period_s,
            self.times_s[rows],
            self.mains_w[rows],
            {name: power_w[rows] for name, power_w in self.predicted_w.items()},
            {name: power_w[rows] for name, power_w in self.parts_w.items()},
            self.jumps[rows],
        )

    @property
    def end_s(self) -> float:
        """The end of the last sample."""
        return float(self.times_s[-1]) + self.period_s


def average_rows(
    times_s: Times, power_w: Watts, starts_s: Times, span_s: float, least: float
) -> Watts:
    """Return the mean f32[N, A] of the rows f32[T, A] in each span from its start on.

    It is NaN where fewer than `least` of its rows are known.
    """
    firsts = np.searchsorted(times_s, starts_s)
    ends = np.searchsorted(times_s, starts_s + span_s)
    known = ~np.isnan(power_w)
    nothing = np.zeros((1, power_w.shape[1]))
    sums = np.vstack((nothing, np.cumsum(np.nan_to_num(power_w), axis=0, dtype=float)))
    counts = np.vstack((nothing, np.cumsum(known, axis=0)))
    count, total = counts[ends] - counts[firsts], sums[ends] - sums[firsts]
    mean_w = np.where(count >= max(least, 1), total / np.maximum(count, 1), np.nan)
    return mean_w.astype(np.float32)


def join_answers(parts: Sequence[Answers]) -> Answers:
    """Return answers one after the other, as one; of one period and the same names."""
    first = parts[0]
    return Answers(
        first.period_s,
        np.concatenate([part.times_s for part in parts]),
        np.concatenate([part.mains_w for part in parts]),
        {n: np.concatenate([part.predicted_w[n] for part in parts]) for n in first.predicted_w},
        {n: np.concatenate([part.parts_w[n] for part in parts]) for n in first.parts_w},
        np.concatenate([part.jumps for part in parts]),
    )
