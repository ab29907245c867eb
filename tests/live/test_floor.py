import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.household.always_on import LEAST_SPREAD_W, find_floor_w
from seq2point.household.calendar import list_spans
from seq2point.live.floor import DAYS, Floor

BEGIN_S = 1_700_006_400.0
DAY_S = 86_400.0


def make_days(count, period_s, seed=1):
    random = np.random.default_rng(seed)
    per_day = round(DAY_S / period_s)
    mains_w = np.concatenate(
        [random.uniform(80 + 10 * day, 900, per_day) for day in range(count)]
    ).astype(np.float32)
    return BEGIN_S + period_s * np.arange(len(mains_w)), mains_w


def spread(floor, times_s, mains_w):
    floors_w = np.empty(len(times_s))
    for span in floor.feed(times_s, mains_w):
        floors_w[span.first : span.end] = span.floor_w
    return floors_w


def test_the_floor_of_a_day_is_the_households_of_the_days_before():
    times_s, mains_w = make_days(DAYS + 1, 60.0)
    floor = Floor(60.0)
    floors_w = spread(floor, times_s, mains_w)
    until = len(times_s) - 1440
    days = list_spans(BEGIN_S, times_s[until], "UTC", "day")
    expected_w, _ = find_floor_w(mains_w[:until], BEGIN_S, 60.0, days)
    middle = 1440 * (DAYS // 2)  # the day about which the household takes all of these
    assert floors_w[-1] == pytest.approx(expected_w[middle], abs=1e-3)
    assert floor.error_w >= LEAST_SPREAD_W


def test_on_the_first_day_six_hours_tell_the_floor():
    times_s, mains_w = make_days(1, 60.0)
    floors_w = spread(Floor(60.0), times_s, mains_w)
    assert np.isnan(floors_w[:360]).all()
    assert (floors_w[360:] > 80).all()


@given(
    cuts=st.lists(st.integers(0, 30_000), max_size=5).map(sorted),
    period_s=st.sampled_from([8.0, 60.0]),
)
def test_any_pieces_and_restarts_give_the_same_floor(cuts, period_s):
    times_s, mains_w = make_days(2, period_s)
    mains_w[500:900] = np.nan
    whole_w = spread(Floor(period_s), times_s, mains_w)
    floor, parts = Floor(period_s), []
    for first, end in zip([0, *cuts], [*cuts, len(times_s)], strict=True):
        parts.append(spread(floor, times_s[first:end], mains_w[first:end]))
        kept, floor = floor.as_json(), Floor(period_s)
        floor.restore(json.loads(json.dumps(kept)))
    np.testing.assert_allclose(np.concatenate(parts), whole_w, rtol=1e-6)
