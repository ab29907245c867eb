"""Large loads of a plain pattern are named, and other ones are not."""

import numpy as np
import pytest

from seq2point.household.large_loads import CAR, HEATING, TIMED, find_large_loads

DAY = 1440


def make_other(days: int, seed: int = 1) -> np.ndarray:
    """Days of lights, ovens and showers: nothing of one power for hours."""
    rng = np.random.default_rng(seed)
    other_w = 100 + 30 * rng.random(days * DAY)
    for day in range(days):
        other_w[day * DAY + 420 : day * DAY + 428] += 8500
        oven = day * DAY + 1050
        for first in range(oven, oven + 60, 6):
            other_w[first : first + 3] += 2200
        other_w[day * DAY + 1080 : day * DAY + 1380] += 150
    return other_w.astype(np.float32)


def test_showers_ovens_and_lights_are_not_named():
    assert find_large_loads(make_other(10), 0.0, 60.0) == ()


@pytest.mark.parametrize("kw", [3.6, 7.2, 11.0])
def test_hours_at_one_power_look_like_a_car(kw: float):
    other_w = make_other(10)
    for day in (1, 3, 4, 8):
        other_w[day * DAY + 30 : day * DAY + 150] += np.float32(1000 * kw)
    (car,) = find_large_loads(other_w, 0.0, 60.0)
    assert (car.kind, car.days, len(car.spans_s)) == (CAR, 4, 4)
    assert car.kwh == pytest.approx(4 * 2 * kw, rel=0.05)
    assert car.kw == pytest.approx(kw, rel=0.05)
    assert f"kWh a day of 'other' look like {CAR}" in car.describe(10)


def test_what_starts_each_night_at_one_time_may_be_storage_heaters():
    other_w = make_other(10)
    for day in range(10):
        other_w[day * DAY + 30 : day * DAY + 300] += 5000
    (timed,) = find_large_loads(other_w, 0.0, 60.0)
    assert (timed.kind, timed.days) == (TIMED, 10)


def test_one_long_load_is_no_pattern():
    other_w = make_other(10)
    other_w[3 * DAY : 3 * DAY + 200] += 7000
    assert find_large_loads(other_w, 0.0, 60.0) == ()


def test_hours_of_runs_on_most_days_look_like_heating():
    other_w = make_other(10)
    for first in range(0, 10 * DAY, 60):
        other_w[first : first + 25] += 1800
    (heating,) = find_large_loads(other_w, 0.0, 60.0)
    assert heating.kind == HEATING
    assert heating.kwh == pytest.approx(10 * 24 * 25 / 60 * 1.8, rel=0.15)


def test_gaps_and_coarse_readings_name_nothing():
    assert find_large_loads(np.full(5000, np.nan, np.float32), 0.0, 60.0) == ()
    assert find_large_loads(make_other(2), 0.0, 900.0) == ()
