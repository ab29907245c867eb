"""Sums over spans of time, of which the oldest are forgotten: what charts and days are made of."""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


class TimeSums:
    """Sums of values and of their weights by name, in spans of `step_s` aligned with 1970.

    The last `steps` spans up to the latest one are kept. With watts times seconds as values and
    seconds as weights, a sum is an energy and a quotient a mean power.
    """

    def __init__(self, step_s: int, steps: int):
        self.step_s, self.steps = step_s, steps
        self._first: int | None = None
        self._sums: dict[str, Numbers] = {}

    def add(self, name: str, times_s: Numbers, values: Numbers, weights: Numbers) -> None:
        """Add values f64[N] and their weights f64[N] at times f64[N] in seconds since 1970."""
        if not len(times_s):
            return
        spans = np.floor(times_s / self.step_s).astype(np.int64)
        self._advance(int(spans.max()) + 1)
        assert self._first is not None
        sums = self._sums.setdefault(name, np.zeros((2, self.steps)))
        at = spans - self._first
        kept = at >= 0
        np.add.at(sums[0], at[kept], values[kept])
        np.add.at(sums[1], at[kept], weights[kept])

    def _advance(self, end: int) -> None:
        """Forget the oldest spans, so that those before `end` fit."""
        if self._first is None:
            self._first = end - self.steps
        shift = end - self.steps - self._first
        if shift <= 0:
            return
        for sums in self._sums.values():
            kept = max(self.steps - shift, 0)
            sums[:, :kept] = sums[:, self.steps - kept :].copy()
            sums[:, kept:] = 0
        self._first += shift

    def read(self, name: str, first_s: float, end_s: float) -> tuple[Numbers, Numbers]:
        """Return the sums and weights f64[N] of the whole spans from `first_s` to `end_s`.

        Both are multiples of the step. Spans of which nothing is kept are zero.
        """
        first, end = round(first_s / self.step_s), round(end_s / self.step_s)
        result = np.zeros((2, max(end - first, 0)))
        if self._first is not None and name in self._sums:
            low, high = max(first, self._first), min(end, self._first + self.steps)
            if low < high:
                part = self._sums[name][:, low - self._first : high - self._first]
                result[:, low - first : high - first] = part
        return result[0], result[1]
