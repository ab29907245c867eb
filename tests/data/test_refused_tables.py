"""Every table that cannot be used gives one DataError line that says which file, where and what."""

import pickle
import random
import re
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seq2point import DataError, Recording, load_recording
from seq2point.configuration import ColumnsConfig
from seq2point.data.interpretation.interpret import interpret
from seq2point.data.parquet_file import write_recording
from seq2point.data.table import read_table
from seq2point.data.table_file import open_table_file

COLUMNS = ColumnsConfig()
REPAIR = ColumnsConfig(repair=True)
GOOD = "time,mains,kettle\n0,100,1\n6,200,2\n12,300,3\n"
HOW_TO_WRITE_TIMES = "write times like 2024-03-31T07:15:00Z or as Unix seconds, or "
OR_DROP = HOW_TO_WRITE_TIMES + "set `repair` to drop such rows"
NO_TIMES = (
    f", which is no time that can be read; {HOW_TO_WRITE_TIMES}name another column with `time`"
    " (columns: time, mains)"
)


def refusal(path: Path, appliances=None, period_s=None, columns: ColumnsConfig = COLUMNS) -> str:
    with pytest.raises(DataError) as caught:
        load_recording(path, appliances, period_s, columns)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    return text.removeprefix(str(path))


def loads_or_is_refused(
    path: Path, columns: ColumnsConfig, period_s: float | None = None
) -> Recording | None:
    refused = None
    try:
        return load_recording(path, None, period_s, columns)
    except DataError as error:
        refused = str(error)
    assert refused.startswith(str(path))
    assert "\n" not in refused
    return None


def written(folder: Path, content: str | bytes, name: str = "house.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", ["missing.csv", "missing.parquet"])
def test_a_missing_file(tmp_path: Path, name: str):
    assert refusal(tmp_path / name) == ": no such file"


@pytest.mark.parametrize("name", ["folder.csv", "folder.parquet"])
def test_a_folder_in_place_of_a_file(tmp_path: Path, name: str):
    (tmp_path / name).mkdir()
    assert refusal(tmp_path / name) == ": is a folder: name a file in it"


@pytest.mark.parametrize("name", ["house.csv", "house.parquet"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"\x00\xff\x93\x1b garbage" * 50,
        b"PAR1",
        b"PAR1" + bytes(40) + b"PAR1",
        pickle.dumps([1]),
        b"\xff\xd8\xff\xe0",
    ],
)
def test_an_empty_file_or_garbage(tmp_path: Path, name: str, content: bytes):
    path = written(tmp_path, content, name)
    assert re.match(
        r": (the file is empty$|not a CSV or Parquet table \(|holds no rows$"
        r"|is neither text nor Parquet: save the readings as CSV$)",
        refusal(path),
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("time,mains\n", ": holds no rows"),
        (f"{GOOD}18,40,4,5\n", ", line 5: 4 cells under 3 columns; mend it"),
        (f"{GOOD}18,400,4,5\n", ", line 5: 4 cells under 3 columns; mend it"),
        (f"{GOOD}18,4,400,500\n", ", line 5: 4 cells under 3 columns; mend it"),
        (
            "room,colour\nkitchen,red\nhall,blue\n",
            ": holds neither times nor numbers (columns: room, colour); give a table with a row for"
            " each reading: its time and its watts",
        ),
        (f"\n\n{GOOD}18,40,4,5\n", ", line 7: 4 cells under 3 columns; mend it"),
        (
            f"{GOOD}18,4,400,4\n",
            ", line 5: 4 cells under 3 columns; '4,400' has a comma for thousands: write it"
            " without the comma, or in quotes",
        ),
        (
            "time,mains\n0,100,5\n6,200,5\n",
            ", line 2: 3 cells under 2 columns; name every column, or write decimal points, or ';'"
            " between the cells, if '100,5' is one number",
        ),
        (
            b"time,mains\n0,1\n6,\xff\n",
            ", line 3: 'mains' is '\xff', not a number; mend it, or set `repair`",
        ),
        (
            'mains\n"1\n2"\n',
            ", line 2: a quote is opened and not closed on its line; mend it",
        ),
        (
            "time,mains\n0," + "x" * 10**5,
            f": column 'mains' holds '{'x' * 40}', not numbers; mend it, or name another column"
            " with `mains`",
        ),
        (
            f"{GOOD}18,{'x' * 10**5},4\n",
            f", line 5: 'mains' is '{'x' * 40}', not a number; mend it, or set `repair`",
        ),
        (
            "time;mains\n0;1\n",
            ": has one reading alone; give its sampling period with `period_s`",
        ),
    ],
)
def test_a_table_without_rows_or_with_broken_ones(tmp_path: Path, content: str | bytes, says: str):
    assert refusal(written(tmp_path, content)) == says


def test_a_broken_row_far_into_the_file(tmp_path: Path):
    content = (
        b"time,mains\n"
        + b"".join(b"%d,100\n" % (6 * i) for i in range(20_000))
        + b"120000,1\xff0\n"
    )
    assert (
        refusal(written(tmp_path, content))
        == ", line 20002: 'mains' is '1\xff0', not a number; mend it, or set `repair`"
    )


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (ColumnsConfig(mains="total"), ": no column 'total' (columns: time, mains, kettle)"),
        (ColumnsConfig(time="when"), ": no column 'when' (columns: time, mains, kettle)"),
        (
            ColumnsConfig(appliances={"fridge": "Plug 9"}),
            ": no column 'Plug 9' (columns: time, mains, kettle)",
        ),
    ],
)
def test_a_column_that_is_not_there(tmp_path: Path, columns: ColumnsConfig, says: str):
    assert refusal(written(tmp_path, GOOD), columns=columns) == says


def test_mains_that_no_usual_name_tells(tmp_path: Path):
    path = written(tmp_path, "time,x,y\n0,1,2\n")
    assert refusal(path) == ": no column for the mains (columns: time, x, y); name it with `mains`"
    path = written(tmp_path, "time,kettle,voltage\n0,1,230\n")
    says = ": no column for the mains (columns: time, kettle, voltage); name it with `mains`"
    assert refusal(path) == says


@pytest.mark.parametrize("column", ["kettle", "kettle_power", "Washer Dryer(2)"])
def test_a_lone_column_called_as_an_appliance_is_the_mains_where_it_is_said(
    tmp_path: Path, column: str
):
    path = written(tmp_path, f"time,{column}\n0,1\n6,2\n")
    says = f": no column for the mains (columns: time, {column}); name it with `mains`"
    assert refusal(path) == says
    recording = load_recording(path, columns=ColumnsConfig(mains=column))
    assert recording.mains_w.tolist() == [1, 2]


@pytest.mark.parametrize("names", [("Mains", "mains"), ("mains [W]", "Mains_kW")])
def test_two_columns_of_the_mains_in_other_letters(tmp_path: Path, names: tuple[str, str]):
    path = written(tmp_path, f"time,{names[0]},{names[1]}\n0,1,3\n6,2,4\n")
    says = f": '{names[0]}' and '{names[1]}' may both be the mains: name one with `mains`"
    assert refusal(path) == says
    named = ColumnsConfig(mains=names[0])
    assert load_recording(path, columns=named).mains_w.tolist() == [1, 2]
    explained = interpret(open_table_file(path), None, named, every=True)
    assert explained.series["mains"].columns == names[:1]
    assert explained.alternatives == names[1:]


@pytest.mark.parametrize("time", ["2013-03-31 01:30:00", "31/03/2013 01:30"])
def test_an_hour_that_the_zone_leaps_over_is_said_to_be_none(tmp_path: Path, time: str):
    before, after = time.replace("01:", "00:"), time.replace("01:", "02:")
    path = written(tmp_path, f"time,mains\n{before},1\n{time},2\n{after},3\n")
    says = refusal(path, columns=ColumnsConfig(zone="Europe/London"))
    assert says == (
        f", line 3: the time '{time}' does not exist in Europe/London, whose clocks leap over this"
        " hour; the times are likely UTC: leave out `zone`, set it to another, or set `repair` to"
        " drop such rows"
    )
    assert len(load_recording(path)) == 3


def test_an_appliance_that_the_house_lacks(tmp_path: Path):
    assert (
        refusal(written(tmp_path, GOOD), ["fridge"])
        == ": no column for 'fridge' (columns: time, mains, kettle)"
    )


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("x,1", "'mains' is 'x', not a number; mend it, or set `repair`"),
        ("0x10,1", "'mains' is '0x10', not a number; mend it, or set `repair`"),
        ("1.2.3,1", "'mains' is '1.2.3', not a number; mend it, or set `repair`"),
        ("true,1", "'mains' is 'true', not a number; mend it, or set `repair`"),
        ("100,1 W", "'kettle' is '1 W', not a number; mend it, or set `repair`"),
        (
            "1000000,1",
            "'mains' is 1,000,000 W, more than a house can draw; check the unit, or set `repair`",
        ),
        (
            "inf,1",
            "'mains' is inf W, more than a house can draw; check the unit, or set `repair`",
        ),
        (
            "100,1e39",
            "'kettle' is inf W, more than a house can draw; check the unit, or set `repair`",
        ),
    ],
)
def test_a_cell_that_is_no_power(tmp_path: Path, cells: str, says: str):
    assert (
        refusal(written(tmp_path, f"time,mains,kettle\n0,1,1\n6,{cells}\n")) == f", line 3: {says}"
    )
    assert (
        load_recording(
            written(tmp_path, f"time,mains,kettle\n0,1,1\n6,{cells}\n"), columns=REPAIR
        ).mains_w[0]
        == 1
    )


@pytest.mark.parametrize(
    ("cells", "name"), [("-50,1", "mains"), ("-inf,1", "mains"), ("100,-50", "kettle")]
)
def test_a_cell_below_zero_is_a_gap_with_a_note(tmp_path: Path, cells: str, name: str):
    path = written(tmp_path, f"time,mains,kettle\n0,1,1\n6,{cells}\n12,2,2\n")
    table = read_table(path, ["kettle"])
    for series, watts in table.watts.items():
        assert np.isnan(watts).tolist() == [False, series == name, False]
    assert table.notes == (
        f"1 reading of '{name}' made gaps: below zero, as where a home exports solar power; add the"
        " production back to have the load (`solar` names its column)",
    )


@pytest.mark.parametrize(
    ("content", "line"),
    [("100\nx\n", 2), ("mains\n100\nx\n", 3), ("\n\n100\nx\n", 4), ("mains\n1\n\nx\n", 4)],
)
def test_the_line_that_is_named_is_the_files_own(tmp_path: Path, content: str, line: int):
    assert refusal(written(tmp_path, content), period_s=6.0).startswith(f", line {line}: ")


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (("0", "12", "6"), ", line 4: the time goes back; sort the file, or set `repair`"),
        (
            ("0", "6", "6"),
            ", line 4: the time repeats the row before; sort the file, or set `repair`",
        ),
        (("0", "x", "12"), f", line 3: the time 'x' is unreadable; {OR_DROP}"),
        (("0", "", "12"), f", line 3: the time is missing; {OR_DROP}"),
        (("0", "nan", "12"), f", line 3: the time 'nan' is unreadable; {OR_DROP}"),
        (("0", "6", "inf"), f", line 4: the time 'inf' is unreadable; {OR_DROP}"),
        (("-inf", "6", "12"), f", line 2: the time '-inf' is unreadable; {OR_DROP}"),
        (("nan", "nan", "nan"), f": column 'time' holds 'nan'{NO_TIMES}"),
        (("-9e10", "0", "6"), f": column 'time' holds '-9e10'{NO_TIMES}"),
        (("1e30", "2e30", "3e30"), f": column 'time' holds '1e30'{NO_TIMES}"),
        (("yesterday", "today", "tomorrow"), f": column 'time' holds 'yesterday'{NO_TIMES}"),
        (
            ("2024-03-31T07:15:00Z", "", "2024-03-31T07:15:12Z"),
            f", line 3: the time is missing; {OR_DROP}",
        ),
        (
            ("2024-03-31T07:15:00Z", "2024-03-31T07:15:06Z", "2024-02-30T07:15:12Z"),
            f", line 4: the time '2024-02-30T07:15:12Z' is unreadable; {OR_DROP}",
        ),
        (
            ("2024-03-31T07:15:06Z", "2024-03-31T07:15:00Z", "2024-03-31T07:15:12Z"),
            ", line 3: the time goes back; sort the file, or set `repair`",
        ),
    ],
)
def test_times_out_of_order_repeated_or_unreadable(
    tmp_path: Path, times: tuple[str, ...], says: str
):
    content = "time,mains\n" + "".join(f"{t},100\n" for t in times)
    assert refusal(written(tmp_path, content)) == says


@pytest.mark.parametrize(
    "values",
    [
        [[1], [2]],
        pl.Series([b"a", b"b"]),
        [True, False],
        [{"a": 1}, {"a": 2}],
    ],
)
def test_parquet_columns_that_hold_no_times_or_no_numbers(tmp_path: Path, values: object):
    path = tmp_path / "house.parquet"
    pl.DataFrame({"time": values, "mains": [1.0, 2.0]}).write_parquet(path)
    assert "column 'time' holds" in refusal(path)
    pl.DataFrame({"time": [0, 6], "mains": values}).write_parquet(path)
    assert "column 'mains' holds" in refusal(path)


def test_a_parquet_column_of_nulls_holds_gaps(tmp_path: Path):
    path, nulls = tmp_path / "house.parquet", pl.Series([None, None], dtype=pl.Null)
    pl.DataFrame({"time": nulls, "mains": [1.0, 2.0]}).write_parquet(path)
    assert "column 'time' holds" in refusal(path)
    pl.DataFrame({"time": [0, 6], "mains": nulls}).write_parquet(path)
    assert refusal(path) == ": the mains hold no reading at all, only gaps"
    pl.DataFrame({"time": [0, 6], "mains": [1.0, 2.0], "kettle": nulls}).write_parquet(path)
    assert np.isnan(load_recording(path).appliance_w("kettle")).all()


def test_a_parquet_row_is_counted_from_one(tmp_path: Path):
    path = tmp_path / "house.parquet"
    pl.DataFrame({"time": [0, 6, 12], "mains": [100, 10**6, 100]}).write_parquet(path)
    assert refusal(path).startswith(", row 2: 'mains' is 1,000,000 W, more than a house can draw")


def test_mains_that_are_all_gaps(tmp_path: Path):
    path = written(tmp_path, "time,mains,kettle\n0,,1\n6,nan,2\n")
    assert refusal(path) == ": the mains hold no reading at all, only gaps"
    words = written(tmp_path, "time,mains\n0,x\n6,y\n")
    assert refusal(words, columns=REPAIR).startswith(": column 'mains' holds 'x', not numbers")
    below_zero = written(tmp_path, "time,mains\n0,-5\n6,-6\n")
    assert refusal(below_zero) == (
        ": all readings of the mains are below zero; turn the meter's clamp round, or the signs in"
        " the file"
    )


def test_mains_so_small_that_they_must_be_kilowatts(tmp_path: Path):
    rows = "".join(f"{6 * i},{i % 20 / 10}\n" for i in range(200))
    path = written(tmp_path, "time,mains\n" + rows)
    says = ": the mains, 'mains', never exceed 1.9 W; if they are kilowatts, set `unit` to kW"
    assert refusal(path) == says


def test_mains_that_only_rise_are_a_counter_unless_the_file_says_watts(
    tmp_path: Path, make_recording
):
    path = written(tmp_path, "time,mains\n" + "".join(f"{6 * i},{i}\n" for i in range(200)))
    assert refusal(path) == (
        ": 'mains' only ever rises: it looks like a counter of energy, not power; set `unit` to kWh"
        " or Wh to have power from it, or `measures` to power"
    )
    assert load_recording(path, columns=ColumnsConfig(measures="power")).mains_w[-1] == 199
    write_recording(make_recording(range(200)), tmp_path / "house.parquet")
    assert load_recording(tmp_path / "house.parquet").mains_w[-1] == 199


def test_a_file_without_times_or_period(tmp_path: Path):
    assert (
        refusal(written(tmp_path, "mains\n1\n2\n"))
        == ": has no times; give its sampling period with `period_s`"
    )


def test_readings_too_far_apart_for_the_period(tmp_path: Path):
    path = written(tmp_path, "time,mains\n0,1\n60,2\n120,3\n")
    assert refusal(path, period_s=6.0) == (
        ": a reading every 60 s cannot be resampled to one every 6 s; if the meter reports changes"
        " alone, set `hold_s` to how long a reading holds"
    )
    held = load_recording(path, None, 6.0, ColumnsConfig(hold_s=60))
    np.testing.assert_array_equal(held.mains_w, [1] * 10 + [2] * 10 + [3])


def with_metadata(folder: Path, metadata: dict[bytes, bytes]) -> Path:
    path = folder / "house.parquet"
    columns = pa.table({"time": [0, 8, 16], "mains": [100.0, 200.0, 300.0]})
    pq.write_table(columns.replace_schema_metadata(metadata), path)
    return path


def test_metadata_that_contradict_the_times(tmp_path: Path):
    text = refusal(with_metadata(tmp_path, {b"period_s": b"6"}))
    assert text == ": its metadata claims a reading every 6 s, its times show one every 8 s"


@pytest.mark.parametrize("claim", [b"8 s", b"", b"0", b"-8", b"nan", b"inf", b"\xff\xfe"])
def test_metadata_whose_period_is_no_number_of_seconds(tmp_path: Path, claim: bytes):
    assert "its metadata has an invalid period_s" in refusal(
        with_metadata(tmp_path, {b"period_s": claim})
    )


def test_metadata_in_no_known_encoding_do_not_matter_elsewhere(tmp_path: Path):
    assert load_recording(
        with_metadata(tmp_path, {b"house": b"caf\xe9", b"\xff": b"\xff"})
    ).house.startswith("caf")


def test_a_damaged_parquet_file_is_refused_or_read_and_nothing_else(tmp_path: Path, make_recording):
    sound = tmp_path / "sound.parquet"
    write_recording(make_recording(range(200, 400), kettle=range(200)), sound)
    content, rng = sound.read_bytes(), random.Random(1)
    damaged = tmp_path / "damaged.parquet"
    outcomes = set()
    for i in range(1000):
        if i % 5:
            altered = bytearray(content)
            altered[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        else:
            altered = content[: rng.randrange(len(content))]
        damaged.write_bytes(altered)
        outcomes.add(loads_or_is_refused(damaged, COLUMNS) is not None)
    assert outcomes == {True, False}


cells = st.one_of(
    st.sampled_from(
        [
            "0",
            "6",
            "12",
            "100",
            "-5",
            "",
            "nan",
            "inf",
            "-inf",
            "1e30",
            "1e308",
            "x",
            '"',
            "2024-01-01T00:00:00Z",
            "2024-01-01",
        ]
    ),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(allow_nan=False).map(str),
    st.text(max_size=5),
)
rows = st.lists(cells, min_size=1, max_size=4).map(",".join)
header = st.sampled_from(
    [
        "time,mains",
        "time,mains,kettle",
        "mains",
        "mains,kettle,fridge",
        "0,1",
        "",
        "time,time",
        "unix,power",
    ]
)
texts = st.one_of(
    st.tuples(header, st.lists(rows, max_size=6), st.sampled_from(["\n", "\r\n"])).map(
        lambda t: t[2].join([t[0], *t[1], ""])
    ),
    st.text(max_size=60),
)


@given(
    st.one_of(texts.map(lambda text: text.encode(errors="surrogatepass")), st.binary(max_size=40)),
    st.booleans(),
    st.booleans(),
)
@example(b"time,mains\n0,1\n1e10,2\n", False, False)
@example(b"mains,mains\n1,2\n", True, False)
@example(b"mains\n1e308\n", False, False)
@example(b"time,mains kW\n0,1e308\n6,-1e308\n12,inf\n18,inf\n", False, True)
def test_any_text_is_a_recording_or_a_data_error(
    tmp_path: Path, content: bytes, with_period: bool, repair: bool
):
    path = written(tmp_path, content)
    recording = loads_or_is_refused(
        path, ColumnsConfig(repair=repair), 6.0 if with_period else None
    )
    if recording is not None:
        assert len(recording) >= 1
        assert not recording.mains_w[recording.mains_w < 0].size


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_times_half_in_seconds_and_half_in_milliseconds_are_refused_with_the_line(
    tmp_path: Path, ending: str
):
    times = [
        1_700_000_000 + 6 * i if i < 50 else (1_700_000_000 + 6 * i) * 1000 for i in range(101)
    ]
    frame = pl.DataFrame({"time": times, "mains": [100.0] * len(times)})
    path = tmp_path / f"mixed.{ending}"
    frame.write_csv(path) if ending == "csv" else frame.write_parquet(path)
    place = "line 2" if ending == "csv" else "row 1"
    with pytest.raises(
        DataError,
        match=(
            f"{place}: the time 1700000000 is in another unit than the rest, which are milliseconds"
        ),
    ):
        load_recording(path)


def test_a_message_names_the_first_of_very_many_columns(tmp_path: Path):
    path = tmp_path / "wide.csv"
    path.write_text(
        ",".join(f"socket {i}" for i in range(1000)) + "\n" + ",".join(["1"] * 1000) + "\n"
    )
    assert re.search(r"columns: socket 0, socket 1, .*, socket 39 and 960 more\)", refusal(path))


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("far", [2**62, -(2**62)])
def test_a_date_that_cannot_be_is_missing(tmp_path: Path, unit: str, far: int):
    per_second = {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    times = pl.Series([1_700_000_000 * per_second, 1_700_000_006 * per_second, far])
    path = tmp_path / "house.parquet"
    frame = pl.DataFrame({"time": times.cast(pl.Datetime(unit)), "mains": [1.0, 2.0, 3.0]})
    frame.write_parquet(path)
    cell = "is missing" if unit != "ns" else f"'{frame['time'][2]}' is unreadable"
    says = f", row 3: the time {cell}; {OR_DROP}"
    assert refusal(path) == says
    days = pl.Series([2**31 - 1, 19_000, 19_001], dtype=pl.Int32).cast(pl.Date)
    pl.DataFrame({"time": days, "mains": [1.0, 2.0, 3.0]}).write_parquet(path)
    assert refusal(path).startswith(", row 1: the time is missing")


LOAD_W = [300, 320, 2300, 310, 290, 305, 300, 315, 330, 310, 320, 300]
SUN_W = [0, 0, 0, 500, 900, 1400, 1500, 1200, 800, 600, 400, 0]


def write_meter(path: Path, names: str, *columns: list[int]) -> Path:
    rows = [
        f"{60 * i},{','.join(map(str, row))}" for i, row in enumerate(zip(*columns, strict=True))
    ]
    path.write_text("\n".join([f"time,{names}", *rows, ""]))
    return path


@pytest.mark.parametrize(
    ("names", "advice"),
    [
        ("import,export,inverter", "set `mains` to 'import-export', and `solar` to 'inverter'"),
        ("Bezug,Einspeisung,PV", "set `mains` to 'Bezug-Einspeisung', and `solar` to 'PV'"),
        ("consumption,feed_in,solar", "set `mains` to 'consumption-feed_in', and"),
        ("use,export,x", "set `mains` to 'use-export';"),
        ("mains,y,production", "what it feeds back is in no column"),
    ],
)
def test_what_the_grid_delivers_is_not_taken_for_the_load(tmp_path: Path, names: str, advice: str):
    load_w, sun_w = np.array(LOAD_W), np.array(SUN_W)
    import_w, export_w = np.maximum(load_w - sun_w, 0), np.maximum(sun_w - load_w, 0)
    columns = [each.tolist() for each in (import_w, export_w, sun_w)]
    path = write_meter(tmp_path / "meter.csv", names, *columns)
    text = refusal(path)
    assert "looks like what the grid delivers" in text
    assert advice in text
    mains, export, solar = names.split(",")
    as_it_is = load_recording(path, columns=ColumnsConfig(mains=mains))
    np.testing.assert_array_equal(as_it_is.mains_w, import_w)
    whole = load_recording(path, columns=ColumnsConfig(mains=f"{mains}-{export}", solar=solar))
    np.testing.assert_array_equal(whole.mains_w, load_w)


def test_a_load_beside_production_is_the_load(tmp_path: Path):
    path = write_meter(tmp_path / "meter.csv", "use,gen", LOAD_W, SUN_W)
    np.testing.assert_array_equal(load_recording(path).mains_w, LOAD_W)
