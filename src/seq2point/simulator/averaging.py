"""Means over sampling periods of series at 1 s that come day by day."""

import numpy as np
import numpy.typing as npt

from seq2point.simulator.habits import DAY_S

_EVEN_PERIODS_S = tuple(second for second in range(1, 3601) if DAY_S % second == 0)
"""Periods that divide a day, short enough to add their seconds up in float32."""


class PeriodMeans:
    """Averages days of seconds over periods of any length.

    The first period begins `skip_s` seconds into the first day.
    """

    def __init__(self, period_s: float, skip_s: float) -> None:
        self._period_s, self._skip_s = period_s, skip_s
        self._done, self._days = 0, 0
        self._left: npt.NDArray[np.float64] | None = None

    def add(self, powers_w: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Add a day f32[rows, 86400], and return the means f32[rows, n] of the periods that end."""
        if self._skip_s == 0 and self._period_s in _EVEN_PERIODS_S:
            period_s = int(self._period_s)
            starts = np.arange(0, DAY_S, period_s)
            means_w: npt.NDArray[np.float32] = np.add.reduceat(powers_w, starts, axis=1)
            means_w /= np.float32(period_s)
            return means_w
        return self._add_any(powers_w)

    def _add_any(self, powers_w: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        day_s = self._days * float(DAY_S)
        self._days += 1
        # the small number makes up for rounding where a period ends at midnight
        last = int(np.floor((day_s + DAY_S - self._skip_s) / self._period_s + 1e-9))
        left = np.zeros(len(powers_w)) if self._left is None else self._left
        ends = np.arange(self._done + 1, last + 1) * self._period_s + self._skip_s - day_s
        first = max(self._done * self._period_s + self._skip_s - day_s, 0.0)
        edges = np.concatenate(([first], np.minimum(ends, DAY_S), [float(DAY_S)]))
        whole = np.minimum(edges.astype(np.int64), DAY_S - 1)
        part = edges - whole
        sums = np.zeros(DAY_S + 1)
        means = np.empty((len(powers_w), len(ends)), np.float32)
        for row, power_w in enumerate(powers_w):
            np.cumsum(power_w, out=sums[1:], dtype=np.float64)
            pieces = np.diff(sums[whole] + part * power_w[whole])
            pieces[0] += left[row]
            left[row] = pieces[-1] if len(ends) else pieces.sum()
            means[row] = pieces[:-1] / self._period_s
        self._left, self._done = left, max(last, self._done)
        return means
