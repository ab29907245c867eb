"""Irregular stamps fall on a regular grid by the mean; what is missing is a gap, and a jump where
it is long.
"""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.data.grid import find_median_step_s, is_regular, place_on_grid

NAN = np.nan


def at(*seconds: float, first: float = 1_700_000_000.0) -> np.ndarray:
    return first + np.array(seconds, dtype=float)


def on_grid(seconds, watts, period_s: float = 6.0) -> np.ndarray:
    return place_on_grid(at(*seconds), period_s).mean(np.array(watts, dtype=np.float32))


@st.composite
def irregular_times(draw: st.DrawFn) -> np.ndarray:
    steps = draw(
        st.lists(
            st.one_of(st.floats(1, 12), st.sampled_from([30.0, 200.0, 3599.0, 4000.0, 9e5])),
            max_size=40,
        )
    )
    return at(0, *np.cumsum(steps))


@given(irregular_times(), st.sampled_from([6.0, 7.0, 8.0]))
def test_every_reading_falls_on_the_nearest_sample_of_its_piece(
    times_s: np.ndarray, period_s: float
):
    grid = place_on_grid(times_s, period_s)
    firsts = [0, *(jump.sample for jump in grid.jumps)]
    starts = np.array([grid.start.timestamp(), *(jump.time.timestamp() for jump in grid.jumps)])
    piece = np.searchsorted(firsts, grid.sample, side="right") - 1
    grid_s = starts[piece] + (grid.sample - np.array(firsts)[piece]) * period_s
    assert (np.abs(grid_s - times_s) <= period_s / 2 + 1e-3).all()
    assert grid.sample[0] == 0
    assert grid.size == grid.sample[-1] + 1


@given(irregular_times(), st.data())
def test_a_grid_sample_is_the_mean_of_the_readings_that_fall_on_it(
    times_s: np.ndarray, data: st.DataObject
):
    watts = np.array(
        data.draw(
            st.lists(
                st.one_of(st.just(NAN), st.floats(0, 5000)),
                min_size=len(times_s),
                max_size=len(times_s),
            )
        )
    )
    grid = place_on_grid(times_s, 6.0)
    mean = grid.mean(watts.astype(np.float32))
    for sample in sorted(set(range(grid.size)) - set(grid.between)):
        here = watts[grid.sample == sample]
        known = here[~np.isnan(here)]
        expected = known.mean() if len(known) else NAN
        assert mean[sample] == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_readings_at_the_period_are_taken_as_they_are():
    watts = np.array([1, NAN, 3], dtype=np.float32)
    grid = place_on_grid(at(0, 6, 12), 6.0)
    assert grid.is_plain
    assert grid.mean(watts) is watts


@pytest.mark.parametrize("gap", [1, 2, 7])
def test_a_missing_row_is_a_gap_as_one_without_a_reading_is(gap: int):
    seconds = [0, 6, 12, 18, *(18 + 6 * (gap + 1) + 6 * i for i in range(4))]
    expected = [1, 2, 3, 4, *[NAN] * gap, 5, 6, 7, 8]
    np.testing.assert_array_equal(on_grid(seconds, range(1, 9)), expected)


def test_readings_a_little_slower_than_the_grid_leave_no_gap():
    slow_s = 8 * np.arange(40)
    averaged_w = on_grid(slow_s, range(40))
    expected = [np.flatnonzero(slow_s <= 6 * i + 3).max() for i in range(len(averaged_w))]
    np.testing.assert_array_equal(averaged_w, expected)


def test_a_reading_that_is_missing_among_slow_ones_is_a_gap_at_every_sample_until_the_next():
    assert list(np.isnan(on_grid([0, 8, 16, 32, 40, 48], range(6)))) == [False] * 4 + [
        True,
        False,
        False,
        False,
        False,
    ]


def test_an_hour_without_rows_is_an_empty_stretch_and_more_is_a_jump():
    assert place_on_grid(at(0, 3600), 6.0).jumps == ()
    (jump,) = place_on_grid(at(0, 6, 3606.5), 6.0).jumps
    assert jump.sample == 2
    assert jump.time == datetime.fromtimestamp(1_700_003_606.5, UTC)


def test_nothing_stands_between_the_readings_around_a_jump():
    np.testing.assert_array_equal(
        on_grid([0, 6, 10_000, 10_006, 10_018], [1, 2, 3, 4, 5]), [1, 2, 3, 4, NAN, 5]
    )


def test_hourly_readings_do_not_jump_at_each_of_them():
    assert place_on_grid(at(0, 7200, 14400, 21600), 7200.0).jumps == ()


@pytest.mark.parametrize(
    ("seconds", "regular"),
    [
        ((0, 6, 12, 18), True),
        ((0, 6, 18, 24), True),
        ((0, 6, 13, 18), False),
        ((0, 6.2, 12, 18), True),
        ((0, 6, 9000, 9006), True),
    ],
)
def test_times_are_regular_where_steps_are_whole_periods(seconds: tuple[float, ...], regular: bool):
    assert is_regular(at(*seconds), 6.0) is regular


def test_the_usual_step_is_the_median_and_zero_for_a_single_reading():
    assert find_median_step_s(at(0, 6, 12, 3000)) == 6.0
    assert find_median_step_s(at(0)) == 0.0


def test_the_usual_step_leaves_time_jumps_out_however_many_there_are():
    assert find_median_step_s(at(0, 6, 9000, 9006, 90000)) == 6.0
    assert find_median_step_s(at(0, 7200, 14400)) == 7200.0


def test_a_reading_that_holds_counts_by_time_from_its_own_on():
    times_s = np.array([0.0, 90.0, 120.0, 600.0])
    grid = place_on_grid(times_s, 60.0, hold_s=120.0)
    held = grid.mean_held(times_s, np.array([100, 300, 500, 700], dtype=np.float32), 120.0)
    nan = np.nan
    np.testing.assert_array_equal(held, [100, 200, 500, 500, nan, nan, nan, nan, nan, nan, 700])
