"""The power of a home by the minute, month by month, for the browser to unpack when it is seen."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from seq2point.household import HomeEnergy
from seq2point.household.calendar import CalendarSpan, find_local_s, list_spans
from seq2point.recording import Watts
from seq2point.report.household.energy_periods import Part
from seq2point.report.packed_series import pack_json, pack_series

STEPS_S = (60, 120, 180, 300, 600, 900, 1200, 1800, 3600)
"""The steps that a page may have: whole minutes that an hour is a multiple of."""


class PackedMonth(NamedTuple):
    """A month of a home as text: the parts' power, and the activations of those that have some."""

    id: str
    power: str
    runs: str


def pack_months(home: HomeEnergy, parts: Sequence[Part]) -> list[PackedMonth]:
    """Return each local month of a home."""
    packed = []
    for month in list_months(home):
        power_w = [reduce_series(home, home.parts_w[part.name], month) for part in parts]
        runs = _list_runs(home, parts, month)
        packed.append(PackedMonth(str(month.start)[:7], pack_series(power_w), pack_json(runs)))
    return packed


def describe_grid(home: HomeEnergy) -> dict[str, Any]:
    """Return what the browser needs to lay out the minutes: the step, the clock, months and days.

    `clock` has [time, seconds that the clock is ahead of UTC] from each time on. Months and days
    are [id, first, end]; all times in seconds since 1970.
    """
    first_s, end_s = home.start_s, home.start_s + home.period_s * len(home.mains_w)
    days = list_spans(first_s, end_s, home.zone, "day")
    return {
        "step_s": find_step_s(home),
        "clock": _find_clock(days, home.zone),
        "months": [[str(each.start)[:7], *each[1:]] for each in list_months(home)],
        "days": [[str(each.start), *each[1:]] for each in days],
    }


def list_months(home: HomeEnergy) -> list[CalendarSpan]:
    """Return the local months that a home's samples touch."""
    end_s = home.start_s + home.period_s * len(home.mains_w)
    return list_spans(home.start_s, end_s, home.zone, "month")


def find_step_s(home: HomeEnergy) -> int:
    """Return the step of the page: a minute, or the next longer one of `STEPS_S`."""
    return next((step_s for step_s in STEPS_S if step_s >= home.period_s * 0.99), STEPS_S[-1])


def reduce_series(home: HomeEnergy, power_w: Watts, span: CalendarSpan) -> Watts:
    """Return the mean power f32[T] in each step of a span; NaN where nothing of it is known."""
    step_s = find_step_s(home)
    count = round((span.end_s - span.first_s) / step_s)
    first, end = (
        max(math.ceil((edge_s - home.start_s) / home.period_s), 0)
        for edge_s in (span.first_s, span.end_s)
    )
    inside_w = power_w[first:end]
    passed_s = home.start_s - span.first_s + home.period_s * np.arange(first, first + len(inside_w))
    at = np.minimum((passed_s / step_s).astype(np.int64), count - 1)
    known = ~np.isnan(inside_w)
    samples = np.bincount(at[known], minlength=count)
    sums_w = np.bincount(at[known], weights=inside_w[known], minlength=count)
    mean_w = np.full(count, np.nan, np.float32)
    np.divide(sums_w, samples, out=mean_w, where=samples > 0, casting="unsafe")
    return mean_w


def _list_runs(
    home: HomeEnergy, parts: Sequence[Part], month: CalendarSpan
) -> list[tuple[int, int, int, float]]:
    """Return the activations that touch a month: the part, start, end, and energy in kWh."""
    place: Mapping[str, int] = {part.name: i for i, part in enumerate(parts)}
    runs = [
        (place[name], round(each.start_s), round(each.end_s), round(each.energy_wh / 1000, 3))
        for name, several in home.cycles.items()
        for each in several
        if each.start_s < month.end_s and each.end_s > month.first_s and name in place
    ]
    return sorted(runs, key=lambda run: run[1])


def _find_clock(days: Sequence[CalendarSpan], zone: str) -> list[tuple[float, float]]:
    """Return the times from which the clock is that far ahead of UTC."""
    edges_s = np.array([day.first_s for day in days] + [days[-1].end_s]) if days else np.zeros(1)
    quarters_s = np.concatenate(
        [np.arange(a, b, 900.0) if b - a != 86400 else [a] for a, b in pairwise(edges_s)]
        or [edges_s]
    )
    ahead_s = find_local_s(quarters_s, zone) - quarters_s
    changes = np.flatnonzero(np.diff(ahead_s, prepend=np.nan) != 0)
    return [(float(quarters_s[i]), float(ahead_s[i])) for i in changes]
