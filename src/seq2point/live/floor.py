"""The floor of the mains as time passes: what is always on, by the days before."""

from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from seq2point.data.grid import LEAST_KNOWN, Times
from seq2point.household.always_on import (
    LEAST_HOURS,
    LEAST_SPREAD_W,
    NEIGHBOURS,
    find_low_quantile_w,
)
from seq2point.household.calendar import HOUR_S, list_spans
from seq2point.household.common_grid import MINUTE_S
from seq2point.live.text_arrays import decode, encode
from seq2point.recording import Watts

DAYS = 2 * NEIGHBOURS + 1
"""As many days as `household.always_on` takes about a day, but all of them before it."""


class FloorSpan(NamedTuple):
    """The floor of samples [first, end), and how far days differ from it, in watts.

    It is NaN until it is known.
    """

    first: int
    end: int
    floor_w: float
    error_w: float


class Floor:
    """Learns what is always on from mains at one period, which come in any pieces.

    The floor of a local day of `zone` is the median of the low quantiles of the last seven days
    before it that are known, as `household.always_on` takes those on either side. Before there is
    one it is the quantile of the day so far, once six hours are known, and NaN until then.
    """

    def __init__(self, period_s: float, zone: str = "UTC"):
        self.period_s, self.zone = period_s, zone
        self.learned_zone = zone
        """The zone whose days it has learned from."""
        self.floor_w, self.error_w = np.nan, LEAST_SPREAD_W
        self._days_w: deque[float] = deque(maxlen=DAYS)
        self._today_w: list[float] = []
        self._day_s: float | None = None
        """When the day so far began."""
        self._hour: int | None = None
        self._minute, self._sum_w, self._count = 0, 0.0, 0

    def feed(self, times_s: Times, mains_w: Watts) -> Iterator[FloorSpan]:
        """Yield the floors of further samples f32[N], a span for each that holds."""
        if not len(times_s):
            return
        spans = list_spans(float(times_s[0]), float(times_s[-1]) + 1, self.zone, "day")
        begins_s = np.array([span.first_s for span in spans])
        days = np.searchsorted(begins_s, times_s, side="right") - 1
        hours = np.floor(times_s / HOUR_S).astype(np.int64)
        edges = np.flatnonzero(np.diff(hours) | np.diff(days)) + 1
        for first, end in pairwise([0, *edges.tolist(), len(hours)]):
            self._go_on(float(begins_s[days[first]]), int(hours[first]))
            yield FloorSpan(first, end, self.floor_w, self.error_w)
            self._learn(times_s[first:end], mains_w[first:end])

    def relearn(self, times_s: Times, mains_w: Watts) -> None:
        """Learn anew from all minutes of the past: when they begin f64[N], and watts f32[N].

        That is for days of another zone than those that were learned from. Without minutes their
        floors stay, and the day begins anew.
        """
        past = Floor(max(self.period_s, MINUTE_S), self.zone)
        if len(times_s):
            for _ in past.feed(times_s, mains_w):
                pass
            past._end_minute()
            self.floor_w, self.error_w, self._days_w = past.floor_w, past.error_w, past._days_w
        self._today_w, self._day_s, self._hour = past._today_w, past._day_s, past._hour
        self._minute, self._sum_w, self._count = 0, 0.0, 0
        self.learned_zone = self.zone

    def _go_on(self, day_s: float, hour: int) -> None:
        """End the minute, the hour and the day that are over."""
        before, self._hour = self._hour, hour
        if day_s != self._day_s:
            self._end_minute()
            if self._day_s is not None:
                self._end_day()
            self._day_s = day_s
        elif hour != before:
            self._end_minute()
            if not self._days_w and (floor_w := self._find_quantile_w()) is not None:
                self.floor_w = floor_w

    def _end_day(self) -> None:
        quantile_w = self._find_quantile_w()
        self._today_w = []
        if quantile_w is None:
            return
        self._days_w.append(quantile_w)
        self.floor_w = float(np.median(self._days_w))
        spread_w = float(np.median(np.abs(np.array(self._days_w) - self.floor_w)))
        self.error_w = max(spread_w, LEAST_SPREAD_W)

    def _find_quantile_w(self) -> float | None:
        """Return the low quantile of the day so far; None where too little of it is known."""
        least = LEAST_HOURS * HOUR_S / max(MINUTE_S, self.period_s)
        quantile_w = find_low_quantile_w(np.array(self._today_w, np.float32), least)
        return None if np.isnan(quantile_w) else quantile_w

    def _learn(self, times_s: Times, mains_w: Watts) -> None:
        """Add the minutes of samples of one hour."""
        known = ~np.isnan(mains_w)
        minutes = np.floor(times_s[known] / MINUTE_S).astype(np.int64).tolist()
        for minute, watts in zip(minutes, mains_w[known].tolist(), strict=True):
            if minute != self._minute:
                self._end_minute()
                self._minute = minute
            self._sum_w += watts
            self._count += 1

    def _end_minute(self) -> None:
        if self._count and self._count * self.period_s >= LEAST_KNOWN * MINUTE_S:
            self._today_w.append(self._sum_w / self._count)
        self._sum_w, self._count = 0.0, 0

    def as_json(self) -> dict[str, Any]:
        """Return what a later start goes on from, as JSON."""
        return {
            "period_s": self.period_s,
            "zone": self.learned_zone,
            "day_s": self._day_s,
            "floor_w": None if np.isnan(self.floor_w) else self.floor_w,
            "error_w": self.error_w,
            "days_w": [*self._days_w],
            "today_w": encode(np.array(self._today_w, np.float32)),
            "hour": self._hour,
            "minute": [self._minute, self._sum_w, self._count],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `as_json` returned; of another period the days alone are known."""
        floor_w, self.error_w = state["floor_w"], state["error_w"]
        self.floor_w = np.nan if floor_w is None else floor_w
        self.learned_zone, self._day_s = state["zone"], state["day_s"]
        self._days_w.extend(state["days_w"])
        self._hour = state["hour"]
        if state["period_s"] == self.period_s:
            self._today_w = decode(state["today_w"]).tolist()
            self._minute, self._sum_w, self._count = state["minute"]
