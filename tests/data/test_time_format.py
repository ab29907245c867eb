"""What the times of a column are is decided by the whole column, and what is open is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seq2point.choices import DateOrder
from seq2point.data.times.time_format import TimeFormat, find_time_format
from seq2point.data.times.time_patterns import holds_times_of_day
from seq2point.data.times.timestamps import Clock
from seq2point.errors import DataError

START = datetime(2023, 11, 5, tzinfo=UTC)


def minutes(count: int = 1440, start: datetime = START) -> list[datetime]:
    return [start + timedelta(minutes=i) for i in range(count)]


def write(times: list[datetime], pattern: str) -> pl.Series:
    return pl.Series([time.strftime(pattern) for time in times])


def read(
    column: pl.Series, name: str = "time", dates: DateOrder | None = None, zone: str | None = None
) -> np.ndarray:
    form = find_time_format(column, name, dates)
    assert form is not None
    return Clock(zone, format=form).to_seconds(column)


def seconds(times: list[datetime]) -> list[float]:
    return [time.timestamp() for time in times]


UNAMBIGUOUS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y-%m-%d %H:%M:%S+00:00",
    "%Y-%m-%d %H:%M:%S +0000",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %I:%M:%S %p",
    "%Y.%m.%d. %H:%M",
    "%Y-%m-%d-%H.%M.%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y, %H:%M",
    "%d.%m.%Y %H.%M",
    "%d.%m.%y %H:%M",
    "%d-%b-%Y %H:%M:%S",
    "%d %B %Y %H:%M",
    "%d/%b/%Y:%H:%M:%S",
    "%d%b%Y:%H:%M:%S",
    "%b-%d-%Y %H:%M",
    "  %Y-%m-%d %H:%M ",
    "%b %d, %Y, %I:%M:%S %p",
    "%B %d %Y %I:%M%p",
    "%A, %d %B %Y %H:%M",
    "%Y%m%d %H:%M",
    "%Y%m%dT%H%M%SZ",
    "%Y%m%d%H%M",
    "%Y%m%d%H%M%S",
)
OPEN = (
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
    "%m-%d-%Y %I:%M %p",
    "%d/%m/%y %H:%M",
    "%m/%d/%y %I:%M:%S %p",
    "%y-%m-%d %H:%M",
)
STARTS = st.integers(0, 60 * 24 * 365 * 30).map(
    lambda m: datetime(2001, 6, 1, tzinfo=UTC) + timedelta(minutes=m)
)


@given(st.sampled_from(UNAMBIGUOUS), STARTS, st.sampled_from([1, 5, 60]), st.integers(1, 400))
def test_times_in_any_clear_form_come_back(pattern: str, start: datetime, step: int, count: int):
    times = [start + timedelta(minutes=step * i) for i in range(count)]
    assert read(write(times, pattern)).tolist() == seconds(times)


@given(st.sampled_from(OPEN), STARTS, st.sampled_from([1, 5, 60]), st.integers(1, 400))
def test_times_in_an_open_form_come_back_or_are_refused(
    pattern: str, start: datetime, step: int, count: int
):
    times = [start + timedelta(minutes=step * i) for i in range(count)]
    try:
        assert read(write(times, pattern)).tolist() == seconds(times)
    except DataError as error:
        assert "set `dates` to" in str(error)  # noqa: PT017


@given(st.sampled_from(OPEN), STARTS, st.integers(1, 100))
def test_an_open_form_is_read_by_the_order_that_the_user_says(
    pattern: str, start: datetime, count: int
):
    first = pattern[1]
    order = {"d": "day-first", "m": "month-first", "y": "year-first"}[first]
    times = minutes(count, start)
    assert read(write(times, pattern), dates=order).tolist() == seconds(times)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["5/11/2023 0:00", "15/11/2023 0:00"], (2023, 11, 5)),
        (["11/5/2023 0:00", "11/15/2023 0:00"], (2023, 11, 5)),
        (["11/5/23 0:00", "11/25/23 0:00"], (2023, 11, 5)),
        (["05-Nov-2023", "06-Nov-2023"], (2023, 11, 5)),
        (["Nov 5, 2023", "Nov 6, 2023"], (2023, 11, 5)),
        (["11/11/2023 00:00"], (2023, 11, 11)),
        (["2023-5-1 0:00"], (2023, 5, 1)),
    ],
)
def test_days_above_twelve_and_names_of_months_decide(cells: list[str], expected: tuple):
    assert read(pl.Series(cells))[0] == datetime(*expected, tzinfo=UTC).timestamp()


def test_the_order_by_which_the_days_run_on_is_it():
    times = minutes(3 * 1440)
    for pattern in ("%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M"):
        assert read(write(times, pattern)).tolist() == seconds(times)


def test_one_day_of_open_order_is_refused_with_both_readings():
    with pytest.raises(
        DataError,
        match=r"the order of day and month of column 'Date/Time' is open: '11/05/2023' is 11 May"
        r" 2023 \(day first\) or 5 November 2023 \(month first\); set `dates` to day-first or"
        r" month-first",
    ):
        find_time_format(write(minutes(), "%m/%d/%Y %H:%M"), "Date/Time")


def test_one_reading_a_month_is_no_proof_of_days_that_run_on():
    with pytest.raises(DataError, match="is open"):
        read(pl.Series(["01/01/2023", "02/01/2023", "03/01/2023", "04/01/2023"]))


def test_dates_of_two_orders_are_refused():
    with pytest.raises(
        DataError, match="several orders: '11/26/2023' is not day first and '25/11/2023' is not"
    ):
        read(pl.Series(["25/11/2023 00:00", "11/26/2023 00:00"]))


def test_an_order_that_the_dates_contradict_is_refused():
    cells = pl.Series(["11/05/2023 00:00", "11/25/2023 00:00"])
    with pytest.raises(DataError, match="not day first: '11/25/2023'; set `dates` to month-first"):
        read(cells, dates="day-first")
    with pytest.raises(DataError, match="not year first: '11/05/2023'"):
        read(cells, dates="year-first")
    assert read(pl.Series(["2023-11-05 00:00"]), dates="day-first")[0] == START.timestamp()


def test_the_whole_column_is_read_only_where_its_sample_is_open():
    asked = []

    def yield_pieces() -> Iterator[pl.Series]:
        asked.append(1)
        yield pl.Series(["11/05/2023 00:00"])
        yield pl.Series(["11/13/2023 00:00"])

    form = find_time_format(pl.Series(["11/05/2023 00:00"]), "time", None, yield_pieces)
    assert form is not None
    assert form.kind == "month-first"
    assert asked == [1]
    find_time_format(pl.Series(["11/25/2023 00:00"]), "time", None, yield_pieces)
    assert asked == [1]


def test_twelve_in_the_morning_is_midnight_and_without_am_and_pm_there_are_24_hours():
    times = minutes()
    column = write(times, "%Y-%m-%d %I:%M %p")
    assert column[0] == "2023-11-05 12:00 AM"
    assert read(column).tolist() == seconds(times)
    assert read(column.str.to_lowercase()).tolist() == seconds(times)


def test_offsets_and_fractions_may_differ_from_row_to_row():
    paris = ZoneInfo("Europe/Paris")
    times = minutes(600, datetime(2023, 10, 28, 22, tzinfo=UTC))
    column = pl.Series(
        [
            (time + timedelta(milliseconds=i % 3)).astimezone(paris).isoformat()
            for i, time in enumerate(times)
        ]
    )
    expected = [time.timestamp() + i % 3 / 1000 for i, time in enumerate(times)]
    assert read(column).tolist() == expected


@pytest.mark.parametrize("kind", [list, lambda cells: [str(cell) for cell in cells]])
@pytest.mark.parametrize(
    ("make", "name", "described"),
    [
        (lambda t: int(t.timestamp()), "", "Unix seconds"),
        (lambda t: int(t.timestamp()) * 1000, "column_1", "Unix milliseconds"),
        (lambda t: int(t.timestamp()) * 10**6, "index", "Unix microseconds"),
        (lambda t: int(t.timestamp()) * 10**9, "ts", "Unix nanoseconds"),
        (lambda t: int(t.strftime("%Y%m%d%H%M")), "", "dates in digits, 24 h"),
        (lambda t: int(t.strftime("%Y%m%d%H%M%S")), "stamp", "dates in digits, 24 h"),
        (lambda t: (t.timestamp() / 86400) + 25569, "", "Excel days"),
        (lambda t: round((t.timestamp() / 86400) + 25569, 10), "time", "Excel days"),
    ],
)
def test_numbers_that_are_times(kind, make, name: str, described: str):
    times = minutes()
    column = pl.Series(kind([make(time) for time in times]))
    form = find_time_format(column, name)
    assert form is not None
    assert form.describe() == described
    np.testing.assert_allclose(read(column, name), seconds(times), rtol=0, atol=2e-3)


def test_small_numbers_are_seconds_only_in_a_column_that_says_time():
    steps = pl.Series([0.0, 6.0, 12.0, 18.0])
    form = find_time_format(steps, "seconds")
    assert form is not None
    assert form.nominal
    assert form.describe() == "seconds from an unknown start"
    assert find_time_format(pl.Series([0, 1, 2, 3]), "time") is not None
    for name in ("", "index", "id", "row", "no", "nr", "#", "Unnamed: 0", "column_1", "power"):
        assert find_time_format(pl.Series([0, 1, 2, 3]), name) is None
        assert find_time_format(steps, name) is None
    assert find_time_format(pl.Series([0, 1, 2, 3]), "index", is_time=True) is None
    assert find_time_format(steps, "x", is_time=True) is not None


@pytest.mark.parametrize(
    ("column", "name"),
    [
        (pl.Series(["231105000000W", "231105000100W"]), "timestamp"),
        (pl.Series([231105000000, 231105000100]), "timestamp"),
        (pl.Series([202313050000, 202399050000]), "timestamp"),
        (pl.Series([270.0, 180.0, 2020.0, 90.0]), "power"),
        (pl.Series([40_000.5, 40_020.25, 40_031.0]), "energy"),
        (pl.Series([40_000.5, 40_020.25, 40_031.0]), "a"),
        (pl.Series([700_000_000, 700_000_100]), "energy_mwh"),
        (pl.Series(["kettle", "fridge"]), "name"),
        (pl.Series(["00:00", "00:15"]), "time"),
        (pl.Series(["31/02/2023 00:00"]), "time"),
        (pl.Series(["2023-13-05 00:00"]), "time"),
        (pl.Series(["2023-11-05-08:00"]), "time"),
        (pl.Series(["2023-11-05 00:00 CET"]), "time"),
        (pl.Series([None, None], dtype=pl.String), "time"),
        (pl.Series([None, None]), "time"),
        (pl.Series([], dtype=pl.String), "time"),
        (pl.Series([np.nan, np.nan]), "time"),
        (pl.Series([True, False]), "time"),
        (pl.Series(["13:00 PM 2023-11-05"]), "time"),
    ],
)
def test_columns_that_hold_no_times(column: pl.Series, name: str):
    assert find_time_format(column, name) is None


def test_typed_columns_and_categories():
    times = minutes()
    for column in (
        pl.Series(times),
        pl.Series([time.replace(tzinfo=None) for time in times]),
        write(times, "%Y-%m-%d %H:%M").cast(pl.Categorical),
    ):
        assert read(column, "x").tolist() == seconds(times)
    form = find_time_format(pl.Series(times).dt.date(), "day")
    assert form is not None
    assert form.kind == "date-time"
    assert not form.says_hour


@pytest.mark.parametrize("reset", [[7, 8, 9, 10, 11], [0, 60], [946_684_800, 946_684_860]])
@pytest.mark.parametrize("at", [0, 700])
@pytest.mark.parametrize("words", [False, True])
def test_times_of_a_clock_that_was_not_set_are_unreadable_amid_the_rest(
    reset: list[int], at: int, words: bool
):
    numbers = [int(time.timestamp()) for time in minutes()]
    numbers[at : at + len(reset)] = reset
    column = pl.Series(numbers)
    if words:
        column = write([datetime.fromtimestamp(n, UTC) for n in numbers], "%d/%m/%Y %H:%M:%S")
    times_s = read(column, dates="day-first" if words else None)
    assert np.flatnonzero(np.isnan(times_s)).tolist() == list(range(at, at + len(reset)))


def test_a_recording_of_2000_or_of_the_future_is_no_unset_clock():
    for year in (1970, 2000, 2150):
        times = minutes(100, datetime(year, 1, 1, tzinfo=UTC))
        assert read(write(times, "%Y-%m-%d %H:%M")).tolist() == seconds(times)


@pytest.mark.parametrize(
    "cells", [["2000-01-01 01:00:00"] * 9, [946_684_800] * 9, ["01.01.2000 01:00"] * 9]
)
def test_a_clock_that_stood_is_refused_without_advice_to_repair(cells: list):
    with pytest.raises(DataError, match=r"'timestamp' are the same, .* the clock") as error:
        find_time_format(pl.Series(cells), "timestamp")
    assert "repair" not in str(error.value)


def test_dates_alone_say_no_hours():
    form = find_time_format(pl.Series(["16/12/2006"] * 5), "Date")
    assert form is not None
    assert not form.says_hour
    assert form.describe() == "day first, without hours"
    assert holds_times_of_day(pl.Series(["00:00:00", "00:01:00"]))
    assert holds_times_of_day(pl.Series(["12:00 AM"]))
    assert not holds_times_of_day(pl.Series(["2023-11-05 00:00"]))
    assert not holds_times_of_day(pl.Series([None], dtype=pl.String))


@pytest.mark.parametrize(
    ("cells", "described"),
    [
        (["2023-11-05T00:00:00Z"], "year first, 24 h, with zone"),
        (["25/11/2023 12:00 AM"], "day first, AM/PM"),
        (["20231105"], "dates in digits, without hours"),
        ([START], "date-times, with zone"),
    ],
)
def test_a_form_is_described_in_a_few_words(cells: list, described: str):
    form = find_time_format(pl.Series(cells), "time")
    assert isinstance(form, TimeFormat)
    assert form.describe() == described


def test_some_rows_that_are_no_times_spoil_none_of_the_others():
    column = pl.Series(["2023-11-05 00:00:00", "Total", None, "", " 2023-11-05T00:01:00.5 "])
    np.testing.assert_array_equal(
        read(column) - START.timestamp(), [0, np.nan, np.nan, np.nan, 60.5]
    )


def test_times_with_and_without_a_zone_are_never_mixed():
    column = pl.Series(["2023-11-05 00:00:00+01:00"] * 2 + ["2023-11-05 00:02:00"])
    times_s = read(column, zone="Europe/Berlin")
    assert np.isnan(times_s).tolist() == [False, False, True]


def test_days_of_excel_and_digits_are_local_times_of_the_zone():
    local = (START - timedelta(hours=1)).timestamp()
    assert read(pl.Series([45235.0]), zone="Europe/Berlin")[0] == local
    assert read(pl.Series([20231105000000]), zone="Europe/Berlin")[0] == local
    assert read(pl.Series([1699142400]), zone="Europe/Berlin")[0] == START.timestamp()


@given(st.lists(st.text("0123456789-/.:, TZAPMNov+", max_size=20), max_size=8), st.booleans())
def test_any_text_is_read_or_refused_in_one_line(cells: list[str], is_time: bool):
    column = pl.Series(cells, dtype=pl.String)
    try:
        form = find_time_format(column, "time", is_time=is_time)
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert form is None or len(Clock(format=form).to_seconds(column)) == len(cells)


@example([1e308, 1e308], "time")
@given(st.lists(st.floats(), max_size=8), st.sampled_from(["time", "", "power"]))
def test_any_numbers_are_read_or_refused_in_one_line(cells: list[float], name: str):
    column = pl.Series(cells, dtype=pl.Float64)
    try:
        form = find_time_format(column, name)
        assert form is None or len(Clock(format=form).to_seconds(column)) == len(cells)
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017
