"""The mains as loads that switch on and off."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.events import find_events
from seq2point.events.base_power import find_base_w
from seq2point.events.segmentation import find_steps, find_upper_quartile_w


def spans(mains_w, base_w: float = 100.0, least_w: float = 200.0):
    mains_w = np.asarray(mains_w, np.float32)
    events = find_events(mains_w, np.full_like(mains_w, base_w), least_w)
    return [(event.first, event.end, round(event.level_w)) for event in events]


@pytest.mark.parametrize(
    ("mains_w", "expected"),
    [
        ([100] * 9, []),
        ([100, 100, 2100, 2100, 100, 100], [(2, 4, 2000)]),
        ([100, 100, 900, 2100, 2100, 800, 100, 100], [(2, 6, 2000)]),
        ([2100, 2100, 100, 100], []),
        ([100, 2100, 2100], [(1, 3, 2000)]),
        ([100, 2100, 2100, 5100, 5100, 2100, 2100, 100], [(1, 7, 2000), (3, 5, 3000)]),
        ([100, 2100, 2100, 5100, 5100, 3100, 3100, 100], [(1, 5, 2000), (3, 7, 3000)]),
        ([100, 2100, 2100, 3100, 3100, 100, 100], [(1, 5, 2000), (3, 5, 1000)]),
        ([100, 4900, 2100, 2100, 2100, 100], [(1, 5, 2000), (1, 2, 2800)]),
        ([100, 2100, np.nan, 2100, 2100, 100, 100], [(1, 2, 2000)]),
    ],
)
def test_steps_pair_into_loads(mains_w, expected):
    assert spans(mains_w) == expected


def test_a_rise_over_three_samples_is_one_step_and_a_fall_ends_with_its_last():
    steps = find_steps(np.array([0, 0, 500, 1200, 2000, 2000, 900, 0, 0], np.float32), 200)
    assert steps.sample.tolist() == [2, 7]
    assert steps.before_w.tolist() == [0, 2000]
    assert steps.after_w.tolist() == [2000, 0]


@given(st.lists(st.floats(0, 4000, width=32), max_size=80))
def test_events_are_parts_of_the_mains_above_the_base(watts):
    mains_w = np.array(watts, np.float32)
    base_w = np.full_like(mains_w, 200)
    total_w = np.zeros_like(mains_w)
    for event in find_events(mains_w, base_w, 200):
        assert 0 <= event.first < event.end <= len(mains_w)
        assert (event.power_w >= 0).all()
        total_w[event.span] += event.power_w
    assert (total_w <= np.maximum(mains_w - base_w, 0) + 1e-2).all()


@pytest.mark.parametrize("period_s", [6.0, 8.0, 30.0, 60.0])
def test_the_base_is_what_runs_for_most_of_an_hour(period_s: float):
    per_minute = round(60 / period_s)
    mains_w = np.full(600 * per_minute, 120, np.float32)
    mains_w[200 * per_minute : 230 * per_minute] = 2500
    np.testing.assert_array_equal(find_base_w(mains_w, period_s), 120)
    np.testing.assert_array_equal(find_base_w(mains_w, period_s, causal=True), 120)


@pytest.mark.parametrize("period_s", [6.0, 8.0, 30.0, 60.0, 600.0])
@pytest.mark.parametrize("causal", [False, True])
def test_the_base_is_numpys_quantile_of_the_hour_about_each_sample(period_s: float, causal: bool):
    rng = np.random.default_rng(0)
    mains_w = np.round(rng.normal(300, 100, 9000), -1).astype(np.float32)
    mains_w[6000:6010] = np.nan
    stride = max(round(60 / period_s), 1)
    count = max(round(3600 / (stride * period_s)), 1)
    ahead = 0 if causal else count - count // 2
    base_w = find_base_w(mains_w, period_s, causal)
    for sample in rng.integers(0, len(mains_w), 300):
        places = sample + stride * np.arange(ahead - count, ahead + 1)
        hour_w = mains_w[places[(places >= 0) & (places < len(mains_w))]]
        expected = np.nanquantile(hour_w, 0.3, method="lower")
        assert base_w[sample] == expected, sample


def test_the_base_passes_over_gaps_and_is_unknown_without_readings():
    mains_w = np.full(300, 120, np.float32)
    mains_w[100:250] = np.nan
    base_w = find_base_w(mains_w, 60.0)
    assert np.isnan(base_w[131:219]).all()
    np.testing.assert_array_equal(base_w[:130], 120)


@given(st.lists(st.floats(0, 4000, width=32), min_size=1, max_size=150), st.integers(0, 150))
def test_a_causal_base_only_looks_back(watts, cut):
    mains_w = np.array(watts, np.float32)
    before = find_base_w(mains_w, 60.0, causal=True)[:cut]
    np.testing.assert_array_equal(before, find_base_w(mains_w[:cut], 60.0, causal=True))


@given(st.lists(st.floats(0, 20_000, width=32), min_size=1, max_size=40))
def test_the_upper_quartile_is_that_of_numpy(watts: list[float]):
    power_w = np.array(watts, np.float32)
    assert find_upper_quartile_w(power_w) == float(np.quantile(power_w, 0.75, method="higher"))


def test_the_upper_quartile_of_long_events_is_that_of_numpy():
    rng = np.random.default_rng(3)
    for size in (1, 2, 3, 4, 5, 1000, 40_001, 300_002, 300_003):
        power_w = (3000 * rng.random(size)).astype(np.float32)
        assert find_upper_quartile_w(power_w) == float(np.quantile(power_w, 0.75, method="higher"))
