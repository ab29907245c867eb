"""The pace of a live meter: told, or learned from its first readings by batch reading's rules."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2point.data.change_reports import reports_changes, suggest_hold_s
from seq2point.data.grid import can_give, find_median_step_s
from seq2point.live.readings import Reading

MANY_READINGS = 40
"""So many readings show a pace."""

SHORTEST_S = 1.0
"""Readings that hold are there at any time: at this period, say."""

FEW_READINGS, LONG_S = 8, 600.0
"""So few do, once they span so long."""


class Pace(NamedTuple):
    """The usual time between readings, and how long one holds where a meter reports changes alone,
    None for one that reports at regular times.
    """

    step_s: float
    hold_s: float | None = None

    @property
    def period_s(self) -> float:
        """The shortest sampling period that the readings are for."""
        return self.step_s if self.hold_s is None else SHORTEST_S

    def can_give(self, period_s: float) -> bool:
        """Return whether the readings can be placed on a grid of a period."""
        return can_give(self.step_s, period_s, self.hold_s)


class PaceLearner:
    """Finds the pace of a meter, and keeps its readings until then.

    `step_s` and `hold_s` are what is known: a step is that of a meter that reports at regular
    times, a hold that of one that reports changes alone, and 0 says that it does not.
    """

    def __init__(self, step_s: float | None = None, hold_s: float | None = None):
        self._step_s, self._hold_s = step_s, hold_s
        self.readings: list[Reading] = []

    @property
    def known_pace(self) -> Pace | None:
        """The pace that is known without any reading."""
        if self._hold_s:
            return Pace(self._step_s or self._hold_s, self._hold_s)
        return Pace(self._step_s) if self._step_s else None

    def add(self, readings: Sequence[Reading]) -> Pace | None:
        """Keep readings, and return the pace once they show it, whatever batches they come in."""
        known = len(self.readings)
        self.readings += readings
        for count in range(known + 1, len(self.readings) + 1):
            if (pace := self._find_pace(self.readings[:count])) is not None:
                return pace
        return None

    def settle(self) -> Pace | None:
        """Return the pace that the readings so far show, however few; None for one alone."""
        return learn_pace(self.readings, self._hold_s) if self.readings else None

    def _find_pace(self, readings: Sequence[Reading]) -> Pace | None:
        if self.known_pace is not None:
            return self.known_pace
        first_s, last_s = readings[0].time_s, readings[-1].time_s
        few = len(readings) >= FEW_READINGS and last_s - first_s >= LONG_S
        return learn_pace(readings, self._hold_s) if few or len(readings) >= MANY_READINGS else None


def learn_pace(readings: Sequence[Reading], hold_s: float | None = None) -> Pace | None:
    """Return the pace that readings show, None where no two have different times.

    `hold_s` 0 says that the meter reports at regular times.
    """
    times_s, first = np.unique([reading.time_s for reading in readings], return_index=True)
    watts = np.array([reading.watts for reading in readings])[first]
    times_s, watts = times_s[np.isfinite(watts)], watts[np.isfinite(watts)]
    step_s = find_median_step_s(times_s)
    if not step_s:
        return None
    if hold_s == 0 or not reports_changes(times_s, watts):
        return Pace(step_s)
    return Pace(step_s, suggest_hold_s(times_s))
