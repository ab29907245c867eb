"""Always on: the floor of a home's mains, learned over its days."""

from collections.abc import Sequence
from statistics import median

import numpy as np
import numpy.typing as npt

from seq2point.household.calendar import HOUR_S, CalendarSpan
from seq2point.recording import Watts

QUANTILE = 0.05
"""The share of a day in which the mains may be lower: a fridge's pauses are longer than that."""
LEAST_HOURS = 6.0
"""A day with fewer hours that are known says nothing of the floor by itself."""
NEIGHBOURS = 3
"""Days on either side whose median the floor of a day is: a holiday or a night with a heater on
does not move it, a new router does."""
LEAST_SPREAD_W = 5.0

HALF = 0.5

Floors = npt.NDArray[np.float64]


def find_floor_w(
    mains_w: Watts, start_s: float, period_s: float, days: Sequence[CalendarSpan]
) -> tuple[Watts, float]:
    """Return the floor f32[T] of mains f32[T] on a grid in watts, and how far days differ from it.

    It is the median, over neighbouring days, of each day's low quantile. Days with few readings
    take the floor of the others. Where no day has enough, all readings count as one.
    """
    first_s = np.array([day.first_s for day in days])
    first = np.clip(np.ceil((first_s - start_s) / period_s), 0, len(mains_w)).astype(np.int64)
    counts = np.diff(np.append(first, len(mains_w)))
    daily_w = np.array(
        [
            find_low_quantile_w(mains_w[a : a + n], LEAST_HOURS * HOUR_S / period_s)
            for a, n in zip(first, counts, strict=True)
        ]
    )
    if np.isnan(daily_w).all():
        daily_w[:] = find_low_quantile_w(mains_w, 1)
    floors_w = _smooth(daily_w)
    spread_w = float(np.nanmedian(np.abs(daily_w - floors_w)))
    return np.repeat(floors_w, counts).astype(np.float32), max(spread_w, LEAST_SPREAD_W)


def find_low_quantile_w(power_w: Watts, least: float) -> float:
    """Return the low quantile of the known samples; NaN where fewer than `least` are known."""
    known_w = power_w[~np.isnan(power_w)]
    return _find_quantile_w(known_w) if len(known_w) >= max(least, 1) else np.nan


def _find_quantile_w(known_w: Watts) -> float:
    """Return the low quantile of f32[N] watts, which `np.quantile` tells in five times as long."""
    place = QUANTILE * (len(known_w) - 1)
    below = int(place)
    above = min(below + 1, len(known_w) - 1)
    low_w, high_w = np.partition(known_w, (below, above))[[below, above]]
    share, step_w = place - below, high_w - low_w
    nearest_w = low_w + step_w * share if share < HALF else high_w - step_w * (1 - share)
    return float(nearest_w)


def _smooth(daily_w: Floors) -> Floors:
    """Return the median of the known days about each day, the nearest known ones where none is."""
    known = np.flatnonzero(~np.isnan(daily_w))
    floors_w = np.empty(len(daily_w))
    for day in range(len(daily_w)):
        a, b = np.searchsorted(known, (day - NEIGHBOURS, day + NEIGHBOURS + 1))
        near = known[a:b]
        if not len(near):
            near = known[np.argsort(np.abs(known - day), kind="stable")[: 2 * NEIGHBOURS + 1]]
        floors_w[day] = median(daily_w[near].tolist())
    return floors_w
