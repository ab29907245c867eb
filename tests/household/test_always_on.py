"""The floor of a home's mains: learned over days, whatever gaps, holidays and heaters do to one."""

import numpy as np
import pytest

from seq2point.household.always_on import find_floor_w
from seq2point.household.calendar import list_spans

DAY = 1440


def make_days(floors_w: list[float], seed: int = 0) -> np.ndarray:
    """Days of minutes: a floor, a fridge of 80 W that is on and off, and an hour of 2 kW."""
    rng = np.random.default_rng(seed)
    days = []
    for floor_w in floors_w:
        day_w = floor_w + rng.normal(0, 1, DAY)
        for first in range(0, DAY, 45):
            day_w[first : first + 15] += 80
        day_w[1000:1060] += 2000
        days.append(day_w)
    return np.concatenate(days).astype(np.float32)


def find_floors(mains_w: np.ndarray) -> np.ndarray:
    """Return the floor of each day."""
    days = list_spans(0, 60 * len(mains_w), "UTC", "day")
    floor_w, _ = find_floor_w(mains_w, 0.0, 60.0, days)
    return floor_w[DAY // 2 :: DAY]


def test_the_floor_is_below_what_comes_and_goes():
    assert find_floors(make_days([120] * 10)) == pytest.approx(120, abs=3)


def test_one_night_with_a_heater_on_does_not_raise_it():
    mains_w = make_days([120] * 10)
    mains_w[4 * DAY : 5 * DAY] += 800
    assert find_floors(mains_w) == pytest.approx(120, abs=3)


def test_a_holiday_of_two_days_does_not_lower_it():
    assert find_floors(make_days([120] * 5 + [60] * 2 + [120] * 5)) == pytest.approx(120, abs=3)


def test_a_new_load_that_stays_raises_it():
    floors_w = find_floors(make_days([120] * 10 + [200] * 10))
    assert floors_w[:7] == pytest.approx(120, abs=3)
    assert floors_w[-7:] == pytest.approx(200, abs=3)


def test_days_without_enough_readings_take_that_of_the_others():
    mains_w = make_days([120] * 12)
    mains_w[2 * DAY : 10 * DAY] = np.nan
    mains_w[5 * DAY + 1000 : 5 * DAY + 1060] = 2120
    assert find_floors(mains_w) == pytest.approx(120, abs=3)


def test_an_hour_of_readings_has_a_floor_of_its_own():
    mains_w = np.full(DAY, np.nan, np.float32)
    mains_w[600:660] = np.linspace(100, 160, 60)
    assert find_floors(mains_w) == pytest.approx(103, abs=1)
