"""The package from Python: data frames wherever a recording is, settings by name, and what is listed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import seq2point
from seq2point import Columns, DataError, Recording, load_recording, recording_from_frame

FIRST = datetime(2024, 3, 1, tzinfo=UTC)
FLOATS = st.floats(0, 3000, width=32).map(lambda value: float(np.float32(value)))
CELLS = st.one_of(FLOATS, st.none())


def same(one: Recording, other: Recording) -> None:
    """Two recordings hold the same readings at the same times."""
    assert (one.period_s, one.start, one.jumps) == (other.period_s, other.start, other.jumps)
    assert list(one.appliances_w) == list(other.appliances_w)
    np.testing.assert_array_equal(one.mains_w, other.mains_w)
    for name, power_w in one.appliances_w.items():
        np.testing.assert_array_equal(power_w, other.appliances_w[name])


def polars_frame(rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(rows)


def lazy_frame(rows: dict[str, Any]) -> pl.LazyFrame:
    return pl.LazyFrame(rows)


def pandas_frame(rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(rows)


def indexed_frame(rows: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    return frame.set_index(pd.DatetimeIndex(pd.to_datetime(frame.pop("time"), utc=True)).rename(None))


FRAMES = pytest.mark.parametrize("framed", [polars_frame, lazy_frame, pandas_frame, indexed_frame])
Framed = Callable[[dict[str, Any]], Any]


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Rows of readings at irregular times with gaps, an appliance under a usual name and a column of no use."""
    steps = draw(st.lists(st.sampled_from([5, 6, 6, 6, 7, 18, 60, 5000]), min_size=1, max_size=30))
    times = [FIRST + timedelta(seconds=int(s)) for s in np.cumsum([0, *steps])]
    cells = st.lists(CELLS, min_size=len(times), max_size=len(times))
    mains = [100.0, *draw(cells)[1:]]
    return {"time": times, "Aggregate": mains, "Washing Machine": draw(cells), "note": ["x"] * len(times)}


@FRAMES
@given(rows=tables())
def test_a_frame_gives_the_recording_that_its_file_gives(framed: Framed, rows: dict[str, Any], tmp_path: Path):
    pl.DataFrame(rows).write_parquet(tmp_path / "house.parquet")
    same(recording_from_frame(framed(rows)), load_recording(tmp_path / "house.parquet"))


ROWS: dict[str, Any] = {
    "time": [FIRST + timedelta(seconds=6 * i) for i in range(4)],
    "mains": [100.0, 200.0, None, 400.0],
    "kettle": [0.0, 0.0, 2000.0, 0.0],
}


@pytest.mark.parametrize(
    "times",
    [
        pd.to_datetime(ROWS["time"]),
        pd.DatetimeIndex(ROWS["time"]).tz_convert("Europe/London").as_unit("s"),
        pd.DatetimeIndex(ROWS["time"]).tz_convert(timezone(timedelta(hours=5, minutes=30))),
        [int(time.timestamp()) for time in ROWS["time"]],
        [1000 * int(time.timestamp()) for time in ROWS["time"]],
        [time.isoformat() for time in ROWS["time"]],
    ],
    ids=["dates", "London", "Delhi", "seconds", "milliseconds", "text"],
)
def test_times_are_read_however_a_column_or_an_index_holds_them(times: Any):
    want = recording_from_frame(pl.DataFrame(ROWS))
    frame = pd.DataFrame({**ROWS, "time": times})
    same(recording_from_frame(frame), want)
    same(recording_from_frame(frame.set_index("time")), want)


@pytest.mark.parametrize("dtype", ["float64", "float32", "Float64", "object", "string", "double[pyarrow]"])
def test_readings_of_every_type_of_pandas_are_numbers_with_their_gaps(dtype: str):
    frame = pd.DataFrame(ROWS).astype({"mains": dtype})
    same(recording_from_frame(frame), recording_from_frame(pl.DataFrame(ROWS)))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a negative reading": (
        {"mains": [1.0, -50.0, 3.0, 4.0]},
        "frame, row 2: 'mains' is -50 W, below zero; mend it, or use recording_from_frame with Columns(repair=True)",
    ),
    "an absurd one": ({"kettle": [0.0, 0.0, 1e9, 0.0]}, "frame, row 3: 'kettle' is 1e+09 W, more than a house can draw"),
    "an infinite one": ({"mains": [1.0, 2.0, 3.0, np.inf]}, "frame, row 4: 'mains' is inf W, more than a house can draw"),
    "a word": ({"mains": ["1", "2", "off", "4"]}, "frame, row 3: 'mains' is 'off', not a number; mend it"),
    "true and false": ({"mains": [True, False, True, True]}, "frame: column 'mains' holds Boolean, not numbers"),
    "no mains": ({"mains": None, "a": [1, 2, 3, 4]}, "frame: no column for the mains (columns: time, kettle, a)"),
    "a time that goes back": (
        {"time": [*ROWS["time"][:3], FIRST]},
        "frame, row 4: the time goes back; sort the file, or use recording_from_frame with Columns(repair=True)",
    ),
    "a time that is missing": ({"time": [*ROWS["time"][:3], None]}, "frame, row 4: the time is missing or unreadable"),
    "no times": (
        {"time": None},
        "frame: has no times; give its sampling period with recording_from_frame(frame, period_s=...)",
    ),
    "no rows": ({"time": [], "mains": [], "kettle": []}, "frame: holds no rows"),
}


@pytest.mark.parametrize("framed", [polars_frame, pandas_frame])
@pytest.mark.parametrize("case", REFUSED)
def test_a_frame_is_refused_as_a_file_is_with_what_to_do_in_python(case: str, framed: Framed):
    other, says = REFUSED[case]
    rows = {name: cells for name, cells in (ROWS | other).items() if cells is not None}
    with pytest.raises(DataError) as refused:
        recording_from_frame(framed(rows))
    assert str(refused.value).startswith(says)


def test_kilowatts_are_refused_and_read_by_their_unit():
    frame = pl.DataFrame({"mains": [0.2] * 200})
    with pytest.raises(DataError, match=r"if they are kilowatts, say Columns\(unit='kW'\) in recording_from_frame"):
        recording_from_frame(frame, period_s=6)
    recording = recording_from_frame(frame, period_s=6, columns=Columns(unit="kW"), house="mine")
    assert (recording.house, recording.start, recording.mains_w[0]) == ("mine", None, 200)


def test_a_cell_that_is_no_number_among_numbers_is_named_by_its_row():
    frame = pd.DataFrame({"mains": [1.0, None, "off", 4.0]}, dtype=object)
    with pytest.raises(DataError, match="frame, row 3: 'mains' is 'off', not a number"):
        recording_from_frame(frame, period_s=6)


def test_two_columns_of_one_name_and_what_is_no_frame_are_refused():
    twice = pd.DataFrame([[1.0, 2.0]], columns=["mains", "mains"])
    with pytest.raises(DataError, match="frame: two columns are called 'mains'"):
        recording_from_frame(twice, period_s=6)
    with pytest.raises(DataError, match="frame: of type list; give a data frame of pandas or Polars"):
        recording_from_frame([1, 2])  # type: ignore[arg-type]


def test_a_heading_of_several_levels_is_read_by_its_words():
    heading = pd.MultiIndex.from_tuples([("power", "active")])
    frame = pd.DataFrame({("power", "active"): [1.0, 2.0]}, index=pd.DatetimeIndex(ROWS["time"][:2]))
    frame.columns = heading
    assert list(recording_from_frame(frame).mains_w) == [1, 2]
    assert seq2point.recording_from_frame is recording_from_frame
