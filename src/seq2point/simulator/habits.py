"""Habits of a household: waking, leaving, meals, darkness, and the activations that follow."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

DAY_S = 86400

Anchor = Literal["midnight", "wake", "leave", "noon", "return", "dinner", "dusk", "sleep"]


@dataclass(frozen=True)
class Peak:
    """A time of day around which an activation begins: hours after an anchor, and a width in
    hours.
    """

    anchor: Anchor
    offset_h: float = 0.0
    width_h: float = 0.5
    weight: float = 1.0


@dataclass(frozen=True)
class Habit:
    """How often and when an appliance is used.

    `per_day` counts the activations of a day when somebody is always in. Those during absence or
    sleep are left out unless `unattended`. `weekend` multiplies the rate on Saturday and Sunday;
    `winter` w multiplies it by 1 + w in January and 1 - w in July. A `regular` habit happens
    `per_day` times; another one varies by chance. `dark` keeps to the hours without daylight.
    """

    per_day: float
    peaks: tuple[Peak, ...]
    weekend: float = 1.0
    winter: float = 0.0
    regular: bool = False
    unattended: bool = False
    dark: bool = False

    @cached_property
    def shares(self) -> npt.NDArray[np.float64]:
        """The share of each peak in the activations."""
        weights = np.array([peak.weight for peak in self.peaks])
        shares: npt.NDArray[np.float64] = weights / weights.sum()
        return shares

    @cached_property
    def edges(self) -> list[float]:
        """Where one peak's share ends and the next one's begins, without the last."""
        edges: list[float] = np.cumsum(self.shares)[:-1].tolist()
        return edges

    def draw_peaks(self, count: int, rng: np.random.Generator) -> list[Peak]:
        """Draw the peaks of a day's activations: a regular habit's differ while they suffice."""
        if self.regular and 1 < count <= len(self.peaks):
            picks = rng.choice(len(self.peaks), count, replace=False, p=self.shares)
            return [self.peaks[pick] for pick in picks]
        return [self.peaks[bisect_right(self.edges, at)] for at in rng.random(count).tolist()]


@dataclass(frozen=True)
class Day:
    """One day in the house. Hours count from its midnight.

    `winter` runs from -1 in July to 1 in January. `out_h` are the spans when nobody is in.
    """

    ordinal: int
    weekend: bool
    away: bool
    winter: float
    busy: float
    anchors_h: Mapping[Anchor, float]
    out_h: tuple[tuple[float, float], ...]

    @property
    def wake_h(self) -> float:
        """The hour when the first person gets up."""
        return self.anchors_h["wake"]

    @property
    def sleep_h(self) -> float:
        """The hour when the last person goes to bed; above 24 after midnight."""
        return self.anchors_h["sleep"]

    def is_occupied(self, hour: float) -> bool:
        """Return whether somebody is in and awake."""
        if self.away or not self.wake_h - 0.15 <= hour <= self.sleep_h + 0.2:
            return False
        return all(not first < hour < last for first, last in self.out_h)

    def is_dark(self, hour: float) -> bool:
        """Return whether the sun is down."""
        dusk = self.anchors_h["dusk"]
        return not 24.2 - dusk < hour < dusk

    def draw_starts(self, habit: Habit, rng: np.random.Generator) -> list[int]:
        """Draw the seconds from midnight at which activations begin, in ascending order."""
        rate = habit.per_day * max(0.0, 1.0 + habit.winter * self.winter)
        rate *= habit.weekend if self.weekend else 1.0
        if habit.regular:
            count = int(rate + rng.random())
        else:
            count = int(rng.poisson(rate * self.busy))
        if not count:
            return []
        starts_s: list[int] = []
        for peak, deviation in zip(
            habit.draw_peaks(count, rng), rng.standard_normal(count).tolist(), strict=True
        ):
            hour = self.anchors_h[peak.anchor] + peak.offset_h + peak.width_h * deviation
            if not 0 <= hour < 30 or (habit.dark and not self.is_dark(hour)):
                continue
            if habit.unattended or self.is_occupied(hour):
                starts_s.append(int(3600 * hour))
        return sorted(starts_s)


@dataclass(frozen=True)
class Household:
    """The people of a house: how many, their hours, and how often they travel."""

    occupants: int
    wake_h: float
    lie_in_h: float
    leave_h: float
    return_h: float
    dinner_h: float
    sleep_h: float
    stays_in: float
    trips: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Household":
        """Draw the household of one house."""
        return cls(
            occupants=int(rng.choice([1, 2, 2, 3, 4, 4, 5])),
            wake_h=rng.uniform(6.0, 7.8),
            lie_in_h=rng.uniform(0.3, 1.8),
            leave_h=rng.uniform(7.9, 9.2),
            return_h=rng.uniform(15.3, 18.2),
            dinner_h=rng.uniform(17.6, 19.8),
            sleep_h=rng.uniform(22.2, 24.3),
            stays_in=float(rng.choice([0.1, 0.3, 0.6, 0.9])),
            trips=rng.uniform(0.01, 0.06),
        )

    def draw_trip(self, week: np.random.Generator) -> range:
        """Draw the days of a week on which all are away, from 0 for Monday; none of most weeks."""
        first, days = int(week.integers(0, 6)), int(week.integers(2, 6))
        return range(first, first + days if week.random() < self.trips else first)

    def draw_day(self, ordinal: int, trip: range, rng: np.random.Generator) -> Day:
        """Draw one day. `trip` are the days of its week on which all are away."""
        today = date.fromordinal(ordinal)
        weekday = today.weekday()
        weekend = weekday >= 5
        winter = math.cos(2 * math.pi * (today.timetuple().tm_yday - 12) / 365.25)
        wake = self.wake_h + (self.lie_in_h if weekend else 0.0) + rng.normal(0, 0.25)
        leave = max(self.leave_h + rng.normal(0, 0.25), wake + 0.5)
        home = max(self.return_h + rng.normal(0, 0.5), leave + 1)
        out: list[tuple[float, float]] = []
        if weekend or rng.random() < self.stays_in:
            if rng.random() < 0.6:
                gone = rng.uniform(9.5, 15.5)
                out.append((gone, gone + rng.uniform(0.7, 4.0)))
        else:
            out.append((leave, home))
        if rng.random() < 0.15:
            gone = rng.uniform(18.5, 20.5)
            out.append((gone, gone + rng.uniform(1.0, 3.5)))
        anchors: dict[Anchor, float] = {
            "midnight": 0.0,
            "wake": wake,
            "leave": leave,
            "noon": 12.4,
            "return": home,
            "dinner": self.dinner_h + rng.normal(0, 0.4),
            "dusk": 12.1 + (12.3 - 4.3 * winter) / 2,
            "sleep": self.sleep_h + (0.4 if weekday in (4, 5) else 0.0) + rng.normal(0, 0.35),
        }
        return Day(
            ordinal,
            weekend,
            weekday in trip,
            winter,
            float(rng.gamma(12, 1 / 12)),
            anchors,
            tuple(out),
        )
