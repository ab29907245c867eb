import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.live.window_mean import WindowMean

from seq2point.appliances import APPLIANCES
from seq2point.errors import UsageError
from seq2point.live.home import Home
from seq2point.live.mains_parts import ALWAYS_ON, OTHER, cap_at_mains, join_answers, split_always_on
from seq2point.live.pace import Pace
from seq2point.live.stream import Stream

BEGIN_S = 1_700_000_003.0
watts = st.floats(0, 5000, width=32)


def make_models():
    """Return models of two periods and of delays of their own."""
    return [
        WindowMean(window=9, target=8, appliances=(APPLIANCES["kettle"],)),
        WindowMean(window=31, target=15, appliances=(APPLIANCES["fridge"],)),
        WindowMean(window=7, target=1, period_s=60.0, appliances=(APPLIANCES["dishwasher"],)),
    ]


def make_readings(count=900, seed=1):
    random = np.random.default_rng(seed)
    steps = 8 * (1 + random.uniform(-0.1, 0.1, count))
    steps[random.integers(count, size=3)] += [300, 1500, 5000]
    return BEGIN_S + np.cumsum(steps), random.uniform(50, 3000, count).astype(np.float32)


def require_same(one, other):
    np.testing.assert_allclose(one.times_s, other.times_s, atol=1e-3, rtol=0)
    np.testing.assert_allclose(one.mains_w, other.mains_w, rtol=1e-5)
    for name, power_w in other.predicted_w.items():
        np.testing.assert_allclose(one.predicted_w[name], power_w, rtol=1e-4, atol=1e-3)


@given(cuts=st.lists(st.integers(0, 900), max_size=8).map(sorted))
def test_answers_are_the_same_for_any_batches(cuts):
    times_s, mains_w = make_readings()
    whole = Home(make_models(), Pace(8.0))
    expected = join_answers([whole.feed(times_s, mains_w), whole.flush()])
    home = Home(make_models(), Pace(8.0))
    parts = [
        home.feed(times_s[a:b], mains_w[a:b])
        for a, b in zip([0, *cuts], [*cuts, len(times_s)], strict=True)
    ]
    require_same(join_answers([*parts, home.flush()]), expected)


@given(cut=st.integers(0, 900))
def test_a_home_goes_on_where_another_was_saved(cut):
    times_s, mains_w = make_readings()
    whole = Home(make_models(), Pace(8.0))
    expected = join_answers([whole.feed(times_s, mains_w), whole.flush()])
    before = Home(make_models(), Pace(8.0))
    first = before.feed(times_s[:cut], mains_w[:cut])
    after = Home(make_models(), Pace(8.0))
    after.restore(json.loads(json.dumps(before.as_json())))
    second = after.feed(times_s[cut:], mains_w[cut:])
    require_same(join_answers([first, second, after.flush()]), expected)


def test_one_model_alone_answers_as_its_stream():
    times_s, mains_w = make_readings(300)
    home, stream = Home([WindowMean()], Pace(8.0)), Stream(WindowMean(), Pace(8.0))
    answers, rows = home.feed(times_s, mains_w), stream.feed(times_s, mains_w)
    np.testing.assert_array_equal(answers.predicted_w["kettle"], rows.power_w[:, 0])
    np.testing.assert_array_equal(answers.times_s, rows.times_s)


def test_another_model_starts_warm_from_the_same_readings():
    times_s, mains_w = make_readings(300)
    before = Home([WindowMean(window=31, target=15)], Pace(8.0))
    before.feed(times_s[:200], mains_w[:200])
    after = Home([WindowMean(window=9, target=4)], Pace(8.0))
    after.restore(before.as_json())
    answers = after.feed(times_s[200:203], mains_w[200:203])
    assert not np.isnan(answers.predicted_w["kettle"]).any()


def test_two_models_of_one_appliance_are_refused():
    with pytest.raises(UsageError, match="two models predict the kettle"):
        Home([WindowMean(), WindowMean()], Pace(8.0))


@given(rows=st.lists(st.tuples(watts, watts, watts), min_size=1), floor_w=st.floats(0, 300))
def test_parts_add_up_to_the_mains_and_none_is_below_zero(rows, floor_w):
    mains_w, kettle_w, fridge_w = np.array(rows, np.float32).T
    capped = cap_at_mains(mains_w, {"kettle": kettle_w, "fridge": fridge_w})
    parts = split_always_on(capped, floor_w)
    np.testing.assert_allclose(sum(parts.values()), mains_w, atol=0.01)
    assert all((power_w >= 0).all() for power_w in parts.values())
    assert (parts["kettle"] <= kettle_w).all()
    assert (parts[ALWAYS_ON] <= floor_w + 1e-3).all()


def test_unknown_mains_have_unknown_parts_and_an_unknown_appliance_is_in_other():
    mains_w = np.array([np.nan, 100], np.float32)
    parts = cap_at_mains(mains_w, {"kettle": np.full(2, np.nan, np.float32)})
    assert np.isnan(parts["kettle"][0])
    assert np.isnan(parts[OTHER][0])
    assert (parts["kettle"][1], parts[OTHER][1]) == (0, 100)
