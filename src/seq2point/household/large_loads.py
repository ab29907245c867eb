"""Large loads in 'other' whose pattern is plain: an electric car, a heat pump or other heating."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seq2point.events import Event, find_events
from seq2point.household.calendar import HOUR_S
from seq2point.recording import Watts

DAY_S = 86400.0
COARSEST_S = 300.0
"""With readings further apart no step is plain."""

BASE_QUANTILE = 0.3
"""What is left when nothing large is on. The base of an hour would be the car, while it charges."""

CAR, HEATING = "an electric car", "a heat pump or electric heating"
TIMED = "storage heaters, or a car on a timer"
TIMED_SHARE = 0.9
TIMED_MINUTES = 15.0
"""What starts on so many days at the same time, to so many minutes, is on a timer."""

CAR_W = (3000.0, 11500.0)
CAR_HOURS = (1.0, 16.0)
CAR_SAME = 0.1
"""A charging car draws the same power to this share for most of the time, and each time."""
CAR_STEADY = 0.8
CAR_RUNS = 2
CAR_RUNS_A_DAY = 1 / 7
"""A car charges once a week at least, and twice in a short recording."""

HEATING_W = (600.0, 5000.0)
HEATING_STEP_W = 500.0
HEATING_MINUTES = 8.0
HEATING_HOURS = 4.0
HEATING_RUNS = 3
"""A day of heating has so many hours and runs, and so has half of all days."""


class LargeLoad(NamedTuple):
    """A large load that no model is for: what it looks like, and its energy.

    `kwh` is in all, over runs on `days` days; `kw` is what it usually draws. `spans_s` are its
    runs, in seconds since 1970.
    """

    kind: str
    kwh: float
    days: int
    kw: float
    spans_s: tuple[tuple[float, float], ...] = ()

    def describe(self, known_days: float) -> str:
        """Return it in words: 'about 11 kWh a day look like an electric car (7.2 kW)'."""
        return (
            f"about {self.kwh / max(known_days, 1):.1f} kWh a day of 'other' look like {self.kind}:"
            f" {self.kw:.1f} kW on {self.days} days"
        )


def find_large_loads(other_w: Watts, start_s: float, period_s: float) -> tuple[LargeLoad, ...]:
    """Return the large loads in f32[T] watts that no appliance explains; NaN is a gap.

    A car draws 3 to 11 kW, always the same, for an hour and more. Heating runs again and again, for
    hours of half the days. What is less plain is not named.
    """
    if period_s > COARSEST_S or np.isnan(other_w).all():
        return ()
    base_w = np.full_like(other_w, np.nanquantile(other_w, BASE_QUANTILE))
    known_days = np.count_nonzero(~np.isnan(other_w)) * period_s / DAY_S
    cars: list[Event] = []
    if _may_hold_cars(other_w - base_w, period_s, known_days):
        cars = _find_cars(find_events(other_w, base_w, CAR_W[0] / 2), period_s, known_days)
    rest_w = other_w.copy()
    for event in cars:
        rest_w[event.span] = np.maximum(rest_w[event.span] - event.power_w, 0)
    events = find_events(rest_w, base_w, HEATING_STEP_W)
    heating = _find_heating(events, start_s, period_s, known_days)
    kind = TIMED if _is_timed(cars, period_s, known_days) else CAR
    found = ((kind, cars), (HEATING, heating))
    return tuple(_sum_up(kind, events, start_s, period_s) for kind, events in found if events)


def _find_cars(events: Sequence[Event], period_s: float, known_days: float) -> list[Event]:
    """Return the events that look like a car's: hours at one power, and the same each time."""
    steady = [event for event in events if _is_steady(event, period_s)]
    if not steady:
        return []
    usual_w = float(np.median([event.level_w for event in steady]))
    same = [event for event in steady if abs(event.level_w / usual_w - 1) <= CAR_SAME]
    return same if len(same) >= _count_least_runs(known_days) else []


def _count_least_runs(known_days: float) -> float:
    return max(CAR_RUNS, CAR_RUNS_A_DAY * known_days)


def _may_hold_cars(excess_w: Watts, period_s: float, known_days: float) -> bool:
    """Return whether power above the base is high for as long as the fewest charges of a car take.

    Without that there is none, and finding the events takes most of a home's time here.
    """
    cars = np.floor(np.nan_to_num(excess_w) / ((1 - CAR_SAME) * CAR_W[0])).clip(min=0).sum()
    hours = cars * period_s / HOUR_S
    return bool(hours >= CAR_STEADY * CAR_HOURS[0] * _count_least_runs(known_days))


def _is_timed(events: Sequence[Event], period_s: float, known_days: float) -> bool:
    if len(events) < max(TIMED_SHARE * known_days, CAR_RUNS + 1):
        return False
    of_day_s = np.array([event.first * period_s for event in events]) % DAY_S
    away_s = np.abs(of_day_s[:, None] - of_day_s)
    away_s = np.minimum(away_s, DAY_S - away_s)  # on either side of midnight
    return float(np.median(away_s, axis=1).min()) <= 60 * TIMED_MINUTES


def _is_steady(event: Event, period_s: float) -> bool:
    hours = len(event.power_w) * period_s / HOUR_S
    if not CAR_HOURS[0] <= hours <= CAR_HOURS[1]:
        return False
    level_w = event.level_w
    near = np.abs(event.power_w - level_w) <= CAR_SAME * level_w
    return CAR_W[0] <= level_w <= CAR_W[1] and float(near.mean()) >= CAR_STEADY


def _find_heating(
    events: Sequence[Event], start_s: float, period_s: float, known_days: float
) -> list[Event]:
    """Return the events of heating, where half of the days have hours of them."""
    enough = max(HEATING_RUNS, known_days / 2)
    long = [event for event in events if len(event.power_w) * period_s >= 60 * HEATING_MINUTES]
    if _count_days_of_heating(long, start_s, period_s) < enough:
        return []  # of whatever power: levels take time to find
    long = [event for event in long if HEATING_W[0] <= event.level_w <= HEATING_W[1]]
    return long if _count_days_of_heating(long, start_s, period_s) >= enough else []


def _count_days_of_heating(events: Sequence[Event], start_s: float, period_s: float) -> int:
    by_day: dict[int, list[Event]] = {}
    for event in events:
        by_day.setdefault(_find_day(event, start_s, period_s), []).append(event)
    return sum(_is_day_of_heating(several, period_s) for several in by_day.values())


def _find_day(event: Event, start_s: float, period_s: float) -> int:
    return int((start_s + event.first * period_s) // DAY_S)


def _is_day_of_heating(events: Sequence[Event], period_s: float) -> bool:
    hours = sum(len(event.power_w) for event in events) * period_s / HOUR_S
    return hours >= HEATING_HOURS and len(events) >= HEATING_RUNS


def _sum_up(kind: str, events: Sequence[Event], start_s: float, period_s: float) -> LargeLoad:
    watt_s = sum(float(event.power_w.sum(dtype=np.float64)) for event in events) * period_s
    return LargeLoad(
        kind,
        watt_s / HOUR_S / 1000,
        len({_find_day(event, start_s, period_s) for event in events}),
        float(np.median([event.level_w for event in events])) / 1000,
        tuple(
            (start_s + event.first * period_s, start_s + event.end * period_s) for event in events
        ),
    )
