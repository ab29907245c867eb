"""The pictures of a home's energy by day, week and month, each with the table beside it."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from seq2point.household.calendar import Period
from seq2point.report.household.amounts import format_period
from seq2point.report.household.energy_periods import EnergyPeriod, Part
from seq2point.report.household.stacked_bars import BarChart, draw_bars

MOST_TOGETHER = 60
"""Weeks or months that one picture has room for."""


class BarGroup(NamedTuple):
    """Bars that stand in one picture: the days of a month, for example."""

    id: str
    title: str
    chart: BarChart

    @property
    def is_known(self) -> bool:
        """Whether anything is known of one of its periods."""
        return any(bar.period.is_known for bar in self.chart.bars)


class BarView(NamedTuple):
    """All pictures of one kind of period. `title` says which, `each` what a bar is."""

    title: str
    each: str
    groups: Sequence[BarGroup]


def list_views(
    periods: Mapping[Period, Sequence[EnergyPeriod]], parts: Sequence[Part], is_dated: bool
) -> list[BarView]:
    """Return the pictures by day, by week and by month; without times by day alone."""
    views = [
        _make_view("Days", periods["day"], parts, is_dated),
        _make_view("Weeks", periods["week"], parts, is_dated),
        _make_view("Months", periods["month"], parts, is_dated),
    ]
    return views if is_dated else views[:1]


def _make_view(
    title: str, periods: Sequence[EnergyPeriod], parts: Sequence[Part], is_dated: bool
) -> BarView:
    """Return the pictures of days by month; of weeks and months together, or by year.

    All have one axis.
    """
    top_kwh = max((sum(each.kwh(part.name) for part in parts) for each in periods), default=0.0)
    groups = []
    for key, together in groupby(periods, key=partial(_find_group, count=len(periods))):
        some = list(together)
        labels = [_label_bar(each, is_dated) for each in some]
        chart = draw_bars(some, parts, top_kwh, labels)
        groups.append(BarGroup(f"{title.lower()}-{key}", _name_group(some, is_dated), chart))
    return BarView(title, title.removesuffix("s"), groups)


def _find_group(period: EnergyPeriod, count: int) -> str:
    """Return the month of a day; the year of a month, and of a week where it ends.

    A few weeks or months stand together, whatever the year.
    """
    if period.period == "day":
        return str(period.last)[:7]
    return "all" if count <= MOST_TOGETHER else str(period.last)[:4]


def _name_group(periods: Sequence[EnergyPeriod], is_dated: bool) -> str:
    """Return what the bars of a picture are: 'January 2025', 'Weeks of 2025'."""
    first, last = periods[0], periods[-1]
    if first.period != "day":
        years = dict.fromkeys((first.last.year, last.last.year))
        return f"{first.period.title()}s of {' to '.join(map(str, years))}"
    return format_period(first.start, last.last, "month", is_dated)


def _label_bar(period: EnergyPeriod, is_dated: bool) -> str:
    """Return what stands below a bar: a day's number, a week's first day, a month's name."""
    start = period.start
    if period.period == "month":
        return f"{start:%b}"
    if period.period == "week":
        return f"{start.day} {start:%b}"
    return str(start.day) if is_dated else format_period(start, start, "day", False)[4:]
