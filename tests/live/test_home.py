import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.live.window_mean import WindowMean, make_home_model

from seq2point.appliances import APPLIANCES
from seq2point.errors import UsageError
from seq2point.live.home import Home
from seq2point.live.mains_parts import ALWAYS_ON, OTHER, join_answers
from seq2point.live.pace import Pace
from seq2point.live.sinks.jsonl import format_lines, known_parts
from seq2point.live.stream import Stream

BEGIN_S = 1_700_000_003.0


def make_models():
    """Return models of two periods and of delays of their own."""
    cycle = {"min_share": 0.2, "keep_share": 0.1, "least_w": 300, "bridge_s": 600}
    return [
        make_home_model(
            WindowMean(window=9, target=8, appliances=(APPLIANCES["kettle"],)), kettle=cycle
        ),
        make_home_model(WindowMean(window=31, target=15, appliances=(APPLIANCES["fridge"],))),
        make_home_model(
            WindowMean(window=7, target=1, period_s=60.0, appliances=(APPLIANCES["dishwasher"],)),
            dishwasher=cycle,
        ),
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
    for name, power_w in other.parts_w.items():
        np.testing.assert_allclose(one.parts_w[name], power_w, rtol=1e-4, atol=0.05)


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
    home, stream = (
        Home([make_home_model(WindowMean())], Pace(8.0)),
        Stream([WindowMean()], Pace(8.0)),
    )
    answers, rows = home.feed(times_s, mains_w), stream.feed(times_s, mains_w)
    np.testing.assert_array_equal(answers.predicted_w["kettle"], rows.power_w[:, 0])
    np.testing.assert_array_equal(answers.times_s, rows.times_s)


def test_another_model_starts_warm_from_the_same_readings():
    times_s, mains_w = make_readings(300)
    before = Home([make_home_model(WindowMean(window=31, target=15))], Pace(8.0))
    before.feed(times_s[:200], mains_w[:200])
    after = Home([make_home_model(WindowMean(window=9, target=4))], Pace(8.0))
    after.restore(before.as_json())
    answers = after.feed(times_s[200:203], mains_w[200:203])
    assert not np.isnan(answers.predicted_w["kettle"]).any()


def test_another_model_knows_what_the_homes_kettle_draws():
    cycle = {"min_share": 1.0, "rated_share": 0.25, "keep_share": 0.0}
    mains_w = np.where(np.arange(3000) % 300 < 30, 2900, 100).astype(np.float32)
    times_s = BEGIN_S + 8.0 * np.arange(3000)

    def make_home(window):
        kettle = WindowMean(window, window // 2, appliances=(APPLIANCES["kettle"],))
        kettle.predict_w = lambda recording: np.maximum(recording.mains_w - 100, 0)[:, None]
        return Home([make_home_model(kettle, kettle=cycle)], Pace(8.0))

    before, after = make_home(9), make_home(31)
    before.feed(times_s, mains_w)
    after.restore(json.loads(json.dumps(before.as_json())))
    (kept,) = after.as_json()["streams"]
    assert [level_w for level_w, _ in kept["decider"]["rated"]["kettle"]] == [2800] * 9


def test_two_models_of_one_appliance_are_refused():
    with pytest.raises(UsageError, match="two models predict the kettle"):
        Home([make_home_model(WindowMean()), make_home_model(WindowMean())], Pace(8.0))


def test_always_on_is_unknown_and_in_other_until_six_hours_are_known():
    kettle = WindowMean(window=9, period_s=60.0, appliances=(APPLIANCES["kettle"],))
    home = Home([make_home_model(kettle)], Pace(60.0))
    times_s = 1_700_006_400.0 + 60 * np.arange(600)
    mains_w = np.random.default_rng(1).uniform(80, 3000, 600).astype(np.float32)
    answers = join_answers([home.feed(times_s, mains_w), home.flush()])
    always_on_w = known_parts(answers)[ALWAYS_ON]
    assert np.isnan(always_on_w[:360]).all()
    assert (always_on_w[360:] > 80).any()
    assert not np.isnan(always_on_w[360:]).any()
    np.testing.assert_array_equal(sum(answers.parts_w.values()), answers.mains_w)
    first = json.loads(format_lines(answers)[0])
    assert first[ALWAYS_ON] is None
    told = [watts for name, watts in first.items() if name not in ("time", "mains")]
    assert sum(watts or 0 for watts in told) == pytest.approx(first["mains"], abs=0.05)
    assert first[OTHER] > 0
