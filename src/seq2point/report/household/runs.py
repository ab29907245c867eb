"""When each appliance ran: its last activations, and the hours of the day that it starts in."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seq2point.events import Activation
from seq2point.household import HomeEnergy
from seq2point.household.calendar import find_local_minutes, find_local_s
from seq2point.report.household.amounts import format_clock, format_duration, format_kwh
from seq2point.report.household.energy_periods import Part, Use
from seq2point.wording import format_number

MOST_RUNS = 10
"""Activations of each appliance that the page lists without script."""
LITTLE = 0.1
"""The share of an appliance's energy outside of its activations that needs no word."""


class Run(NamedTuple):
    """One activation in words."""

    start: str
    duration: str
    kwh: str


class HourOfDay(NamedTuple):
    """How many activations began in an hour of the day, and as a share of the most in one."""

    hour: int
    times: int
    share: float


class ApplianceRuns(NamedTuple):
    """An appliance's activations: their number, their hours, a usual one, and the last few.

    `kwh` is that of all of them; `outside_kwh` is what the appliance draws at other times, None
    where that is little.
    """

    part: Part
    times: int
    kwh: str
    outside_kwh: str | None
    usual_duration: str
    usual_kwh: str
    hours: Sequence[HourOfDay]
    last: Sequence[Run]


def list_runs(
    home: HomeEnergy, parts: Sequence[Part], totals: Mapping[str, Use]
) -> list[ApplianceRuns]:
    """Return the activations of each appliance that has some; `totals` are of all days."""
    return [
        _describe_runs(home, part, cycles, totals[part.name].kwh or 0.0)
        for part in parts
        if (cycles := home.cycles.get(part.name))
    ]


def _describe_runs(
    home: HomeEnergy, part: Part, cycles: Sequence[Activation], whole_kwh: float
) -> ApplianceRuns:
    starts_s = np.array([each.start_s for each in cycles])
    counts = np.bincount(find_local_minutes(starts_s, home.zone) // 60, minlength=24)
    durations_s = [each.end_s - each.start_s for each in cycles]
    kwh = sum(each.energy_wh for each in cycles) / 1000
    outside_kwh = whole_kwh - kwh
    return ApplianceRuns(
        part=part,
        times=len(cycles),
        kwh=format_kwh(kwh),
        outside_kwh=format_kwh(outside_kwh) if outside_kwh > LITTLE * whole_kwh else None,
        usual_duration=format_duration(float(np.median(durations_s))),
        usual_kwh=format_number(float(np.median([each.energy_wh for each in cycles])) / 1000, 2),
        hours=[HourOfDay(i, int(n), float(n / counts.max())) for i, n in enumerate(counts)],
        last=_describe_last(home, cycles),
    )


def _describe_last(home: HomeEnergy, cycles: Sequence[Activation]) -> list[Run]:
    last = sorted(cycles, key=lambda each: each.start_s)[: -MOST_RUNS - 1 : -1]
    local_s = find_local_s(np.array([each.start_s for each in last]), home.zone)
    return [
        Run(
            format_clock(float(start_s), home.is_dated),
            format_duration(each.end_s - each.start_s),
            format_kwh(each.energy_wh / 1000),
        )
        for each, start_s in zip(last, local_s, strict=True)
    ]
