"""The calendar of a home: local days, weeks and months as spans of time, whatever the clocks do."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from seq2point.data.times.zones import require_zone

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = ("day", "week", "month")

HOUR_S = 3600.0


class CalendarSpan(NamedTuple):
    """A local day, week or month: its first date, and its half-open span in seconds since 1970."""

    start: date
    first_s: float
    end_s: float

    @property
    def hours(self) -> float:
        """Its length: 24 hours for most days, 23 and 25 where the clocks change."""
        return (self.end_s - self.first_s) / HOUR_S


def list_spans(first_s: float, end_s: float, zone: str, period: Period) -> list[CalendarSpan]:
    """Return the days, weeks (from Monday) or months of a zone that a span of time touches.

    Times are in seconds since 1970, UTC. A date that the zone skipped has no span.
    Raises UsageError for an unknown zone.
    """
    place = _find_zone(zone)
    starts = [floor_date(_find_date(first_s, place), period)]
    edges_s = [_find_midnight_s(starts[0], place)]
    while edges_s[-1] < end_s:
        starts.append(_step(starts[-1], period))
        edges_s.append(_find_midnight_s(starts[-1], place))
    return [
        CalendarSpan(start, a, b)
        for start, a, b in zip(starts, edges_s, edges_s[1:], strict=False)
        if b > max(a, first_s)
    ]


def _step(start: date, period: Period) -> date:
    if period == "month":
        return (start + timedelta(days=31)).replace(day=1)
    return start + timedelta(days=1 if period == "day" else 7)


_FLOORS: dict[Period, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


def floor_date(day: date, period: Period) -> date:
    """Return the first date of the day, week or month that a date is in."""
    return _FLOORS[period](day)


def _find_zone(zone: str) -> ZoneInfo:
    place = require_zone(zone)
    assert place is not None
    return place


def _find_date(time_s: float, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(time_s, UTC).astimezone(zone).date()


def _find_midnight_s(day: date, zone: ZoneInfo) -> float:
    """Return the first moment of a local date: where midnight comes twice, the first time."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def find_local_minutes(times_s: npt.NDArray[np.float64], zone: str) -> npt.NDArray[np.int64]:
    """Return the minutes since local midnight that the clock shows, i64[N], of UTC times f64[N]."""
    return np.floor(find_local_s(times_s, zone) / 60).astype(np.int64) % (24 * 60)


def find_local_s(times_s: npt.NDArray[np.float64], zone: str) -> npt.NDArray[np.float64]:
    """Return what the clock of a zone shows at UTC times f64[N], in seconds as if it were UTC.

    Offsets change at whole quarters of an hour: one look-up serves all times of a quarter.
    """
    place = _find_zone(zone)
    quarters, at = np.unique(np.floor(times_s / 900).astype(np.int64), return_inverse=True)
    offsets_s = np.empty(len(quarters))
    for i, quarter in enumerate(quarters.tolist()):
        offset = datetime.fromtimestamp(quarter * 900, UTC).astimezone(place).utcoffset()
        offsets_s[i] = offset.total_seconds() if offset is not None else 0.0
    local_s: npt.NDArray[np.float64] = times_s + offsets_s[at]
    return local_s
