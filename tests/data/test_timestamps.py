"""Times in any of their forms are seconds since 1970, through the clocks' changes in spring and
autumn.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.data.times.timestamps import Clock, find_autumn_hour
from seq2point.errors import DataError

NOON = datetime(2014, 3, 30, 12, 0, tzinfo=UTC)


def words(times: list[datetime], zone: str) -> pl.Series:
    return pl.Series(
        [time.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S") for time in times]
    )


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["2014-03-30T12:00:00Z"]),
        pl.Series(["2014-03-30 13:00:00+01:00"]),
        pl.Series(["2014-03-30 12:00:00"]),
        pl.Series(["30/03/2014 12:00"]),
        pl.Series(["1396180800"]),
        pl.Series([1396180800]),
        pl.Series([1396180800.0]),
        pl.Series([1396180800_000]),
        pl.Series([1396180800_000_000]),
        pl.Series([1396180800_000_000_000]),
        pl.Series([NOON]),
        pl.Series([NOON]).dt.convert_time_zone("Asia/Tokyo"),
        np.array([1396180800.0]),
    ],
)
def test_one_moment_in_every_form(column: pl.Series | np.ndarray):
    assert Clock().to_seconds(column).tolist() == [NOON.timestamp()]


UNITS = (1, 10**3, 10**6, 10**9)


@pytest.mark.parametrize("most", UNITS)
@pytest.mark.parametrize("few", UNITS)
@pytest.mark.parametrize("kind", [list, lambda numbers: list(map(str, numbers))])
def test_a_column_has_one_unit_and_a_mixture_is_refused_with_its_place(
    most: int, few: int, kind: Callable[[list[int]], list]
):
    numbers = [(1_396_180_800 + 6 * i) * (few if 4 < i < 8 else most) for i in range(12)]
    clock = Clock(describe_row=lambda row: f"line {row + 2}")
    if most == few:
        assert clock.to_seconds(pl.Series(kind(numbers))).tolist() == [
            NOON.timestamp() + 6 * i for i in range(12)
        ]
    else:
        with pytest.raises(
            DataError, match=rf"line 7: the time {numbers[5]} is in another unit than the rest"
        ):
            clock.to_seconds(pl.Series(kind(numbers)))


def test_the_unit_of_the_first_piece_is_that_of_all():
    clock = Clock()
    clock.to_seconds(np.array([1396180800.0, 1396180806.0]))
    with pytest.raises(
        DataError,
        match="row 4: the time 1396180818000 is in another unit than the rest, which are seconds",
    ):
        clock.to_seconds(np.array([1396180812.0, 1396180818e3]))


def test_a_date_time_far_ahead_is_no_unix_number():
    far = datetime(7000, 1, 1, tzinfo=UTC)
    assert Clock().to_seconds(pl.Series([far])).tolist() == [far.timestamp()]


def test_what_is_no_time_is_none():
    seconds = Clock().to_seconds(pl.Series(["2014-03-30 12:00:00", "yesterday", None, ""]))
    np.testing.assert_array_equal(seconds, [NOON.timestamp(), np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(
        Clock().to_seconds(np.array([1.0, 2.0, -1e300, np.nan])), [1, 2, np.nan, np.nan]
    )
    assert np.isnan(Clock().to_seconds(pl.Series(["nonsense"]))).all()


def test_a_value_that_is_cut_short_or_in_another_form_spoils_none_of_the_others():
    words = [
        "2014",
        "rubbish",
        *["2014-03-30 12:00:00"] * 5,
        "2014-03-30 12:00:00.500",
        "30/03/2014 12:00",
        "2014-03",
    ]
    seconds = Clock().to_seconds(pl.Series(words)) - NOON.timestamp()
    np.testing.assert_array_equal(seconds, [np.nan, np.nan, 0, 0, 0, 0, 0, 0.5, 0, np.nan])


def test_local_times_are_those_of_their_zone_and_a_zone_that_is_written_down_counts_before_it():
    assert Clock("Europe/London").to_seconds(pl.Series(["2014-03-30 13:00:00"])).tolist() == [
        NOON.timestamp()
    ]
    assert Clock("Europe/London").to_seconds(pl.Series(["2014-03-30T12:00:00Z"])).tolist() == [
        NOON.timestamp()
    ]


def test_the_hour_that_spring_leaps_over_has_no_times():
    seconds = Clock("Europe/London").to_seconds(
        pl.Series(["2014-03-30 00:59:50", "2014-03-30 01:30:00", "2014-03-30 02:00:00"])
    )
    np.testing.assert_array_equal(seconds - NOON.timestamp(), [-11 * 3600 - 10, np.nan, -11 * 3600])


@given(
    st.integers(0, 3),
    st.integers(1, 40),
    st.sampled_from([60, 300, 900, 1800, 3600]),
    st.sampled_from(["Europe/London", "America/New_York"]),
)
def test_both_passes_of_the_hour_that_autumn_repeats_are_told_apart_whatever_the_pieces(
    missing: int, piece: int, step: int, zone: str
):
    first = (
        datetime(2014, 10, 26, 0, 0, tzinfo=UTC)
        if zone == "Europe/London"
        else datetime(2014, 11, 2, 5, 0, tzinfo=UTC)
    )
    times = [
        first - timedelta(hours=1) + timedelta(seconds=i * step) for i in range(4 * 3600 // step)
    ]
    missing = min(missing, 3600 // step - 1)
    del times[3600 // step : 3600 // step + missing]
    column, clock = words(times, zone), Clock(zone)
    seconds = np.concatenate(
        [clock.to_seconds(column[i : i + piece]) for i in range(0, len(column), piece)]
    )
    np.testing.assert_array_equal(seconds, [time.timestamp() for time in times])


def test_an_hour_that_comes_once_is_summer_time_and_the_next_autumn_begins_anew():
    clock = Clock("Europe/London")
    assert clock.to_seconds(pl.Series(["2014-10-26 01:30:00"])).tolist() == [
        datetime(2014, 10, 26, 0, 30, tzinfo=UTC).timestamp()
    ]
    twice = pl.Series(
        ["2014-10-26 01:30:00", "2014-10-26 01:00:00", "2014-10-26 02:00:00", "2015-10-25 01:10:00"]
    )
    expected = [
        (2014, 10, 26, 0, 30),
        (2014, 10, 26, 1, 0),
        (2014, 10, 26, 2, 0),
        (2015, 10, 25, 0, 10),
    ]
    seconds = Clock("Europe/London").to_seconds(twice)
    assert seconds.tolist() == [datetime(*of, tzinfo=UTC).timestamp() for of in expected]


@pytest.mark.parametrize("step", [60, 300, 900, 1800, 3600])
@pytest.mark.parametrize("missing", [False, True])
def test_the_row_where_a_local_clock_went_back_is_found(step: int, missing: bool):
    start = datetime(2017, 11, 5, 0, tzinfo=ZoneInfo("America/Chicago")).astimezone(UTC)
    times = [start + timedelta(seconds=i * step) for i in range(12 * 3600 // step)]
    column = words(times, "America/Chicago")
    times_s = Clock().to_seconds(column)
    if missing:
        times_s[0] = np.nan
    row = 2 * 3600 // step
    assert find_autumn_hour(times_s) == row
    assert find_autumn_hour(times_s[:row]) is None
    set_zone_s = Clock("America/Chicago").to_seconds(column)
    assert find_autumn_hour(set_zone_s) is None


def test_other_times_that_go_back_are_no_autumn():
    day = np.arange(0, 86400, 60.0)
    twice = np.concatenate([day[:100], day[50:], day[1000:]])
    assert find_autumn_hour(twice) is None
    assert find_autumn_hour(np.concatenate([day, day])) is None
    assert find_autumn_hour(np.concatenate([day[:10], day[9:]])) is None
    assert find_autumn_hour(np.empty(0)) is None
    year = np.concatenate([day[:120], day[60:]])
    assert find_autumn_hour(np.concatenate([year, year + 364 * 86400])) == 120


def test_a_first_piece_of_empty_cells_leaves_the_form_to_the_next():
    clock = Clock()
    assert np.isnan(clock.to_seconds(pl.Series([None, None]))).all()
    assert np.isnan(clock.to_seconds(pl.Series(["", ""]))).all()
    assert clock.to_seconds(pl.Series(["2014-03-30 12:00"])).tolist() == [NOON.timestamp()]


def test_dates_of_open_order_are_refused_by_place():
    with pytest.raises(DataError, match=r"line 2: the order of day and month .* is open"):
        Clock(describe_row=lambda row: f"line {row + 2}").to_seconds(pl.Series(["01/02/2014 0:00"]))
