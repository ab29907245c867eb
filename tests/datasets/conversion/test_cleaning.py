"""What a meter says wrongly is dropped and counted: repeats, clocks that step, marked rows,
readings that no plug can draw.
"""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.datasets.conversion.conftest import START_S, make_meter

from seq2point.datasets.contract import Meter
from seq2point.datasets.conversion.cleaning import (
    BACK,
    KEPT,
    TWICE,
    OutOfOrder,
    clean_readings,
    find_order,
    judge_rows,
)
from seq2point.datasets.conversion.conversion_report import Tally

NAN, INF = np.nan, np.inf


def clean(
    meter: Meter, plug_limit_w: float | None = 4000.0
) -> tuple[np.ndarray, list[np.ndarray], Tally]:
    """Seconds, columns and counts of a meter, read again in order where its time goes back."""
    tally = Tally()
    try:
        rows = list(clean_readings(meter, plug_limit_w, tally, None, lambda _: None))
    except OutOfOrder:
        tally = Tally()
        rows = list(clean_readings(meter, plug_limit_w, tally, find_order(meter), lambda _: None))
    times_s = np.concatenate([np.empty(0), *(r.times_s for r in rows)])
    return (
        times_s - START_S,
        [np.concatenate([r.watts[i] for r in rows]) for i in range(len(meter.columns))],
        tally,
    )


# seconds that a clock showed -> those that are kept
CLOCKS = {
    "repeats": ([0, 6, 6, 6, 12, 18, 18], [0, 6, 12, 18]),
    "a step back of one reading": ([0, 6, 12, 9, 15, 21], [0, 6, 12, 15, 21]),
    "two readings come again": ([0, 6, 12, 6, 12, 18, 24], [0, 6, 12, 18, 24]),
    "one reading far ahead": ([0, 6, 99_999, 12, 18, 24], [0, 6, 12, 18, 24]),
    "two readings far ahead": ([0, 6, 99_990, 99_999, 12, 18, 24], [0, 6, 12, 18, 24]),
    "one reading far behind": ([0, 6, -99_999, 12, 18], [0, 6, 12, 18]),
    "an hour that comes again": (
        [*range(0, 7200, 600), *range(3600, 10_800, 600)],
        list(range(0, 10_800, 600)),
    ),
}


@pytest.mark.parametrize("name", CLOCKS)
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_a_clock_that_repeats_or_steps_loses_the_fewest_readings(name: str, pieces: int):
    showed, kept = CLOCKS[name]
    showed = [*showed, *range(200_000, 206_000, 6)]
    times_s, (watts,), tally = clean(make_meter(showed, pieces, mains=range(len(showed))))
    assert times_s.tolist() == [*kept, *range(200_000, 206_000, 6)]
    assert [showed[int(w)] for w in watts] == times_s.tolist()
    assert tally.rows == len(showed)
    assert sum(tally.dropped.values()) == len(showed) - len(times_s)
    assert tally.dropped["repeated" if name == "repeats" else "clock stepped back"] > 0


@given(st.lists(st.integers(0, 30), max_size=40))
def test_what_is_kept_ascends_and_nothing_is_dropped_without_a_reason(seconds: list[int]):
    times_s = np.array(seconds, dtype=float)
    verdicts = judge_rows(times_s)
    kept = times_s[verdicts == KEPT]
    assert (np.diff(kept) > 0).all()
    assert set(times_s[verdicts == TWICE]) <= set(kept) | set(times_s[verdicts == BACK])
    if (np.diff(times_s) > 0).all():
        assert (verdicts == KEPT).all()
    assert len(kept) >= bool(seconds)


def test_rows_in_no_order_at_all_are_sorted():
    seconds = np.random.default_rng(0).permutation(500) * 6
    times_s, (watts,), tally = clean(make_meter([*seconds, 0, 6], 3, mains=[*seconds, 9, 9]))
    np.testing.assert_array_equal(times_s, np.arange(500) * 6)
    np.testing.assert_array_equal(watts, times_s)
    assert tally.sorted_rows > 100
    assert tally.dropped == Counter({"repeated": 2})


def test_newest_first_is_sorted_too():
    times_s, (watts,), _ = clean(make_meter(range(600, 0, -6), mains=range(600, 0, -6)))
    np.testing.assert_array_equal(times_s, np.arange(6, 606, 6))
    np.testing.assert_array_equal(watts, times_s)


def test_marked_rows_and_rows_without_a_time_are_dropped_and_counted():
    times_s, (mains, kettle), tally = clean(
        make_meter(
            [0, 6, NAN, 18, 24],
            2,
            flags=[False, True, True, False, False],
            mains=[1, 2, 3, 4, 5],
            kettle=[1, NAN, 3, 4, NAN],
        )
    )
    assert times_s.tolist() == [0, 18, 24]
    assert mains.tolist() == [1, 4, 5]
    np.testing.assert_array_equal(kettle, np.float32([1, 4, NAN]))
    assert +tally.dropped == Counter({"issues": 1, "unreadable time": 1})


def test_more_than_a_plug_or_a_house_can_draw_is_a_glitch_and_noise_below_zero_is_zero():
    readings = [0, 4000, 4001, 32_766, 32_767, 65_535, -0.5, -2, NAN]
    _, (mains, kettle), tally = clean(make_meter(range(0, 54, 6), mains=readings, kettle=readings))
    np.testing.assert_array_equal(mains, np.float32([0, 4000, 4001, 32_766, INF, INF, 0, INF, NAN]))
    np.testing.assert_array_equal(kettle, np.float32([0, 4000, INF, INF, INF, INF, 0, INF, NAN]))
    assert tally.glitches == Counter({"mains": 2, "kettle": 4})
    assert tally.below_zero == Counter({"mains": 1, "kettle": 1})


def test_a_circuit_may_draw_what_no_plug_can():
    _, (oven,), tally = clean(make_meter([0, 6], oven=[5000, 40_000]), plug_limit_w=None)
    assert oven.tolist() == [5000, INF]
    assert tally.glitches == Counter({"oven": 1})


def test_the_period_found_is_the_usual_step():
    rng = np.random.default_rng(1)
    seconds = np.cumsum(rng.choice([6, 7, 8, 9000], 3000, p=[0.2, 0.6, 0.19, 0.01]))
    assert clean(make_meter(seconds, 7, mains=seconds))[2].period_s == 7.0
    assert clean(make_meter([0], mains=[1]))[2].period_s is None
