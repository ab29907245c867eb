"""The order of day, month and year in dates like 11/05/2023, decided by all dates of a column."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from seq2point.choices import DateOrder
from seq2point.errors import DataError

if TYPE_CHECKING:
    import polars as pl

DATE = r"^\D*(\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))(?:\D|$)"
"""The date in a cell, where its order may be open."""

PLACES: Mapping[DateOrder, tuple[int, int, int]] = {
    "day-first": (2, 1, 0),
    "month-first": (2, 0, 1),
    "year-first": (0, 1, 2),
}
"""Where year, month and day stand among the three fields of a date."""

RESET_DATES = (date(1970, 1, 1), date(2000, 1, 1))
"""A clock that lost power counts from one of these days."""

GAP_DAYS = 2
"""Dates run on where no step between two days of readings is longer."""

ROWS_A_DAY = 3
"""Fewer rows a day may be readings once a month: then the days prove nothing."""

SHORT_YEARS = 15
"""With years of two digits, an order by which a file spans more years than this is wrong."""


def make_date(text: str, order: DateOrder) -> date | None:
    """Return the day that a date like 11/5/23 means in an order; None where it means none."""
    fields = text.replace("-", "/").replace(".", "/").split("/")
    year, month, day = (fields[place] for place in PLACES[order])
    full_year = int(year) + (0 if len(year) == 4 else 2000 if int(year) < 70 else 1900)
    try:
        return date(full_year, int(month), int(day))
    except ValueError:
        return None


@dataclass
class _Dates:
    """The different dates of a column, and how many rows have one."""

    texts: set[str] = field(default_factory=set)
    rows: int = 0

    def add(self, cells: "pl.Series") -> None:
        dates = cells.str.extract(DATE).drop_nulls()
        self.rows += len(dates)
        self.texts.update(dates.unique().to_list())

    def find_days(self, orders: Iterable[DateOrder]) -> dict[DateOrder, dict[str, date | None]]:
        """Return the day of each date by order, without dates that no order can read."""
        by_order = {order: {t: make_date(t, order) for t in self.texts} for order in orders}
        readable = [t for t in sorted(self.texts) if any(d[t] for d in by_order.values())]
        return {order: {t: days[t] for t in readable} for order, days in by_order.items()}


def find_date_order(
    sample: "pl.Series",
    name: str,
    dates: DateOrder | None = None,
    whole: Callable[[], Iterable["pl.Series"]] | None = None,
) -> DateOrder:
    """Return the order in which all dates of a column can be read.

    `sample` holds cells of the column as text. `whole` yields all of them; it is read only where
    the sample leaves the order open. Days above 12 decide. Else an order decides by which the days
    run on, where by no other they do. Dotted dates are day first. `dates` overrides.
    Raises DataError where the order is open, where the dates contradict each other, and where they
    contradict `dates`.
    """
    known = _Dates()
    known.add(sample)
    possible = _find_possible(known, name, dates)
    if len(possible) > 1 and whole is not None:
        known = _Dates()
        for cells in whole():
            known.add(cells)
        possible = _find_possible(known, name, dates)
    return next(iter(possible)) if len(possible) == 1 else _choose(known, possible, name)


def _find_possible(
    known: _Dates, name: str, dates: DateOrder | None
) -> dict[DateOrder, dict[str, date | None]]:
    """Return the days by order, of the orders that can read all dates.

    Raises DataError where none can, and where `dates` is none of them.
    """
    has_short_years = all(re.fullmatch(r"\d\d(.\d\d){2}", text) for text in known.texts)
    orders: list[DateOrder] = ["day-first", "month-first"]
    if has_short_years:
        orders.append("year-first")
    by_order = known.find_days(orders)
    if not by_order["day-first"]:
        return {dates or "day-first": {}}
    possible = {order: days for order, days in by_order.items() if all(days.values())}
    if dates is not None:
        if dates not in possible:
            wrong = next((t for t, day in by_order.get(dates, {}).items() if day is None), None)
            wrong = wrong or min(known.texts)
            raise DataError(
                f"the dates of column '{name}' are not {describe_order(dates)}: '{wrong}'; set"
                f" `dates` to {_list_choices(possible or ['another order'])}"
            )
        return {dates: possible[dates]}
    if not possible:
        wrong_by_order = [
            f"'{next(t for t, day in by_order[order].items() if day is None)}' is not"
            f" {describe_order(order)}"
            for order in orders[:2]
        ]
        raise DataError(
            f"the dates of column '{name}' are in several orders: {' and '.join(wrong_by_order)};"
            " write all of them year first, like 2023-11-05"
        )
    if "day-first" in possible and all("." in text for text in known.texts):
        return {"day-first": possible["day-first"]}
    return possible


def _choose(
    known: _Dates, possible: dict[DateOrder, dict[str, date | None]], name: str
) -> DateOrder:
    """Return the one order by which the days run on; raises DataError where it is open."""
    days_by_order = {order: _sort_days(days) for order, days in possible.items()}
    near = {
        order: days
        for order, days in days_by_order.items()
        if (days[-1] - days[0]).days <= 366 * SHORT_YEARS or "year-first" not in possible
    }
    if len(near) == 1:
        return next(iter(near))
    orders = list(near or days_by_order)
    if all(possible[order] == possible[orders[0]] for order in orders):
        return orders[0]
    connected = [order for order in orders if _run_on(days_by_order[order])]
    if len(connected) == 1 and known.rows >= ROWS_A_DAY * len(days_by_order[connected[0]]):
        return connected[0]
    text = next(t for t in possible[orders[0]] if len({possible[order][t] for order in orders}) > 1)
    readings = _list_choices(
        [f"{_write_day(possible[o][text])} ({describe_order(o)})" for o in orders]
    )
    raise DataError(
        f"the order of day and month of column '{name}' is open: '{text}' is {readings}; set"
        f" `dates` to {_list_choices(orders)}"
    )


def _list_choices(choices: Iterable[str]) -> str:
    """Return choices as 'a, b or c'."""
    *before, last = choices
    return f"{', '.join(before)} or {last}" if before else last


def describe_order(order: DateOrder) -> str:
    """Return an order of dates in words: 'day first'."""
    return order.replace("-", " ")


def _sort_days(days: dict[str, date | None]) -> list[date]:
    known = sorted({day for day in days.values() if day is not None})
    set_days = [day for day in known if day not in RESET_DATES]
    return set_days or known


def _run_on(days: list[date]) -> bool:
    steps = [(after - before).days for before, after in pairwise(days)]
    return bool(steps) and max(steps) <= GAP_DAYS


def _write_day(day: date | None) -> str:
    return "" if day is None else f"{day.day} {day:%B} {day.year}"
