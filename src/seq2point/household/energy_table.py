"""The table of energy: kWh, cost and hours of each part of the mains by local day, week and month.

Energy is counted in whole watt-hours and cost in ten-thousandths by day, so that what is written
adds up: the parts to the mains, and the days to the weeks and months.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.events import Activation
from seq2point.household.calendar import (
    HOUR_S,
    PERIODS,
    CalendarSpan,
    Period,
    floor_date,
    list_spans,
)
from seq2point.recording import Watts

COST_UNITS = 10_000
"""Parts of a unit of currency that costs are counted in."""

FINE_KWH = 1000
"""Sums of energy below this are shown with two decimals, larger ones with one."""

Counts = npt.NDArray[np.int64]

SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "period": pl.String,
    "start": pl.Date,
    "hours": pl.Float64,
    "hours_known": pl.Float64,
    "name": pl.String,
    "kwh": pl.Float64,
    "cost": pl.Float64,
    "share": pl.Float64,
    "uses": pl.Int64,
    "hours_on": pl.Float64,
}


class DayTotals(NamedTuple):
    """The totals of each local day, D of them, with a column for each part and the mains last.

    `watt_hours` and `cost` are i64[D, N], `cost` in ten-thousandths; `known` bool[D] and `priced`
    bool[D] say where they count. `uses` i64[D, A] and `hours_on` f64[D, A] are of the appliances.
    """

    days: Sequence[CalendarSpan]
    hours_known: npt.NDArray[np.float64]
    watt_hours: Counts
    cost: Counts
    priced: npt.NDArray[np.bool_]
    uses: Counts
    hours_on: npt.NDArray[np.float64]

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """The days of which anything is known."""
        known: npt.NDArray[np.bool_] = self.hours_known > 0
        return known


def total_days(
    start_s: float,
    period_s: float,
    zone: str,
    mains_w: Watts,
    parts_w: Mapping[str, Watts],
    cycles: Mapping[str, Sequence[Activation]],
    price: npt.NDArray[np.float64] | None,
) -> DayTotals:
    """Return the totals of each local day of power f32[T] on a regular grid.

    `price` f64[T] is what a kWh costs at each sample, NaN where that is unknown; None without a
    tariff. A day with an unknown price for known power has no cost.
    """
    days = list_spans(start_s, start_s + period_s * len(mains_w), zone, "day")
    edges = [day.first_s for day in days]
    bounds = np.clip(np.ceil((np.array(edges) - start_s) / period_s), 0, len(mains_w))
    day_of = np.repeat(
        np.arange(len(days)), np.diff(np.append(bounds.astype(np.int64), len(mains_w)))
    )
    known = ~np.isnan(mains_w)

    def add_up(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.bincount(day_of[known], values[known], len(days)).astype(np.float64)

    hours = period_s / HOUR_S
    columns = [part_w.astype(np.float64) for part_w in (*parts_w.values(), mains_w)]
    watt_hours = np.column_stack([add_up(power_w) * hours for power_w in columns])
    cost, priced = np.zeros_like(watt_hours), np.zeros(len(days), bool)
    if price is not None:
        priced = add_up(np.isnan(price).astype(np.float64)) == 0
        per_wh = np.nan_to_num(price) * hours / 1000
        cost = np.column_stack([add_up(power_w * per_wh) for power_w in columns])
    uses, hours_on = _count_uses(cycles, days)
    return DayTotals(
        days,
        add_up(np.full(len(mains_w), hours)),
        round_to_sum(watt_hours),
        round_to_sum(cost * COST_UNITS),
        priced,
        uses,
        hours_on,
    )


def round_to_sum(values: npt.NDArray[np.float64]) -> Counts:
    """Return rows f64[D, N], whose last column is the sum of the others, rounded to stay so.

    The last column is rounded to the nearest whole number. Of the others, those with the largest
    remainders are rounded up.
    """
    total = np.round(values[:, -1]).astype(np.int64)
    parts = np.floor(values[:, :-1]).astype(np.int64)
    if not parts.shape[1]:
        return total[:, None]
    missing = total - parts.sum(axis=1)
    rest = values[:, :-1] - parts
    place = np.argsort(np.argsort(-rest, axis=1, kind="stable"), axis=1, kind="stable")
    each, extra = np.divmod(missing, parts.shape[1])
    parts += each[:, None] + (place < extra[:, None])
    return np.column_stack([parts, total])


def round_column(parts: Sequence[float], whole: float, decimals: int) -> list[float]:
    """Return parts, and the whole that they add up to, rounded so that they still do, for display.

    The whole is the last of them.
    """
    units = np.array([[*parts, whole]]) * 10**decimals
    return [int(each) / 10**decimals for each in round_to_sum(units)[0]]


def find_decimals(kwh: float | None) -> int:
    """Return the decimals of a column of energy whose sum is so many kWh."""
    return 2 if kwh is None or kwh < FINE_KWH else 1


def _count_uses(
    cycles: Mapping[str, Sequence[Activation]], days: Sequence[CalendarSpan]
) -> tuple[Counts, npt.NDArray[np.float64]]:
    """Return how many activations start on each day, and the hours on, [D, A]."""
    edges = np.array([day.first_s for day in days] + [day.end_s for day in days[-1:]])
    uses = np.zeros((len(days), len(cycles)), np.int64)
    hours_on = np.zeros((len(days), len(cycles)))
    last_day = len(days) - 1
    for column, several in enumerate(cycles.values()):
        if not several:
            continue
        spans_s = np.array([(cycle.start_s, cycle.end_s) for cycle in several])
        firsts = np.searchsorted(edges, spans_s[:, 0], side="right") - 1
        lasts = np.searchsorted(edges, spans_s[:, 1], side="left") - 1
        starts = firsts[(firsts >= 0) & (firsts <= last_day)]
        uses[:, column] = np.bincount(starts, minlength=len(days))
        first, last = np.clip(firsts, 0, None), np.clip(lasts, None, last_day)
        for more in range(int((last - first).max()) + 1):
            spans = first + more <= last
            day = (first + more)[spans]
            seconds = np.minimum(spans_s[spans, 1], edges[day + 1])
            seconds = np.maximum(seconds - np.maximum(spans_s[spans, 0], edges[day]), 0.0)
            hours_on[:, column] += np.bincount(day, seconds, len(days)) / HOUR_S
    return uses, hours_on


def tabulate_energy(
    totals: DayTotals, names: Sequence[str], zone: str, periods: Sequence[Period] = PERIODS
) -> pl.DataFrame:
    """Return the table of energy: a row for each name and each day, week and month of `periods`.

    `names` are those of the totals' columns, appliances first and the mains last. What is unknown
    is null.
    """
    rows: list[tuple[object, ...]] = []
    for period in periods:
        spans = list_spans(totals.days[0].first_s, totals.days[-1].end_s, zone, period)
        days_of: dict[date, list[int]] = {span.start: [] for span in spans}
        for i, day in enumerate(totals.days):
            days_of[floor_date(day.start, period)].append(i)
        for span in spans:
            head = (period, span.start, span.hours)
            rows += [(*head, *row) for row in _add_up_days(totals, names, days_of[span.start])]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _add_up_days(
    totals: DayTotals, names: Sequence[str], days: Sequence[int]
) -> list[tuple[object, ...]]:
    """Return a row for each name of some days: the table's columns from `hours_known` on."""
    at = np.array([day for day in days if totals.known[day]], np.int64)
    hours_known = round(float(totals.hours_known[at].sum()), 4)
    if not len(at):
        return [(0.0, name, None, None, None, None, None) for name in names]
    watt_hours = totals.watt_hours[at].sum(axis=0).tolist()
    cost = totals.cost[at].sum(axis=0).tolist() if totals.priced[at].all() else None
    uses = totals.uses[at].sum(axis=0).tolist()
    hours_on = totals.hours_on[at].sum(axis=0).tolist()
    return [
        (
            hours_known,
            name,
            watt_hours[i] / 1000,
            None if cost is None else cost[i] / COST_UNITS,
            round(watt_hours[i] / watt_hours[-1], 4) if watt_hours[-1] else None,
            uses[i] if i < len(uses) else None,
            round(hours_on[i], 4) if i < len(uses) else None,
        )
        for i, name in enumerate(names)
    ]
