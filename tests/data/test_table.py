"""Tables of many shapes load as the recording they mean."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from seq2point import DataError, Recording, load_recording
from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.data.parquet_file import write_recording
from seq2point.data.table import Table, read_table, to_recording

NAN = np.nan
START = datetime(2024, 3, 31, 7, 15, tzinfo=UTC)
UNIX = int(START.timestamp())


def load(
    folder: Path,
    text: str,
    columns: ColumnsConfig = DEFAULT_COLUMNS,
    period_s: float | None = None,
    name: str = "house.csv",
) -> Recording:
    path = folder / name
    path.write_bytes(text.encode())
    return load_recording(path, None, period_s, columns)


def table(folder: Path, text: str, appliances: Sequence[str] = (), repair: bool = False) -> Table:
    path = folder / "house.csv"
    path.write_bytes(text.encode())
    return read_table(path, appliances, ColumnsConfig(repair=repair))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2024-03-31T07:15:00Z", "2024-03-31T07:15:06Z"),
        ("2024-03-31T07:15:00.000Z", "2024-03-31T07:15:06.000Z"),
        ("2024-03-31T08:15:00+01:00", "2024-03-31T08:15:06+01:00"),
        ("2024-03-31 08:15:00+01:00", "2024-03-31 08:15:06+01:00"),
        ("2024-03-31T07:15:00", "2024-03-31T07:15:06"),
        ("2024-03-31 07:15:00", "2024-03-31 07:15:06"),
        ("2024-03-31 07:15:00.000000", "2024-03-31 07:15:06.000000"),
        ("31/03/2024 07:15:00", "31/03/2024 07:15:06"),
        (UNIX, UNIX + 6),
        (f"{UNIX}.0", f"{UNIX + 6}.0"),
        (UNIX * 1000, UNIX * 1000 + 6000),
        (UNIX * 10**6, (UNIX + 6) * 10**6),
        (UNIX * 10**9, (UNIX + 6) * 10**9),
        (f'"{UNIX}"', f'"{UNIX + 6}"'),
    ],
)
def test_times_are_read_in_every_usual_form(tmp_path: Path, first: object, second: object):
    recording = load(tmp_path, f"time,mains\n{first},100\n{second},200\n")
    assert recording.start == START
    assert recording.period_s == 6.0
    np.testing.assert_array_equal(recording.mains_w, [100, 200])


def test_minutes_and_dates_without_seconds_are_times(tmp_path: Path):
    assert load(tmp_path, "time,mains\n2024-03-31 07:15,1\n2024-03-31 07:16,2\n").period_s == 60
    assert load(tmp_path, "date,mains\n2024-03-31,1\n2024-04-01,2\n").period_s == 86400


def test_the_offset_of_each_time_counts_where_the_clocks_change(tmp_path: Path):
    text = "time,mains\n2024-03-31T00:59:54+00:00,100\n2024-03-31T02:00:00+01:00,200\n"
    assert load(tmp_path, text).period_s == 6.0


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Datetime("ms", "UTC"),
        pl.Datetime("us", "Europe/London"),
        pl.Datetime("ns"),
        pl.Int64,
        pl.Float64,
        pl.String,
    ],
)
def test_parquet_times_of_every_type_are_read(tmp_path: Path, dtype: pl.DataType):
    seconds = pl.Series("time", [UNIX, UNIX + 6])
    if isinstance(dtype, pl.Datetime):
        times = (seconds * 1000).cast(pl.Datetime("ms", dtype.time_zone)).cast(dtype)
    else:
        times = seconds.cast(dtype)
    path = tmp_path / "house.parquet"
    pl.DataFrame([times, pl.Series("mains", [100, 200])]).write_parquet(path)
    assert load_recording(path).start == START


def test_parquet_dates_are_days(tmp_path: Path):
    path = tmp_path / "house.parquet"
    pl.DataFrame(
        {"time": [date(2024, 3, 31), date(2024, 4, 1)], "mains": [100, 200]}
    ).write_parquet(path)
    assert load_recording(path).period_s == 86400
    assert load_recording(path).start == datetime(2024, 3, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["time", "Time", "timestamp", "Date Time", "Unix", "last_changed", "UTC"]
)
@pytest.mark.parametrize("mains", ["mains", "Aggregate", "power_w", "state", "whatever"])
def test_the_usual_names_of_columns_are_found(tmp_path: Path, name: str, mains: str):
    recording = load(tmp_path, f"{mains},{name}\n100,{UNIX}\n200,{UNIX + 6}\n")
    assert recording.start == START
    np.testing.assert_array_equal(recording.mains_w, [100, 200])


def test_columns_are_found_by_any_name_that_is_given(tmp_path: Path):
    text = f"when,a b,Plug 3,Heat Pump\n{UNIX},100,1,5\n{UNIX + 6},200,2,6\n"
    recording = load(
        tmp_path,
        text,
        ColumnsConfig(
            time="when", mains="a b", appliances={"Kettle": "Plug 3", "Heat Pump": "Heat Pump"}
        ),
    )
    assert recording.start == START
    np.testing.assert_array_equal(recording.mains_w, [100, 200])
    np.testing.assert_array_equal(recording.appliance_w("kettle"), [1, 2])
    np.testing.assert_array_equal(recording.appliance_w("heat_pump"), [5, 6])


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Washing Machine", "washing_machine"),
        ("fridge-freezer", "fridge"),
        ("KETTLE", "kettle"),
        ("dish washer", "dishwasher"),
    ],
)
def test_appliances_are_found_however_they_are_written(tmp_path: Path, header: str, name: str):
    text = f"time,mains,{header},teapot\n0,100,1,9\n6,200,2,9\n"
    assert list(load(tmp_path, text).appliances_w) == [name]
    assert list(table(tmp_path, text, [header]).watts) == ["mains", name]


def test_a_file_without_a_header_has_numbered_columns(tmp_path: Path):
    recording = load(
        tmp_path,
        f"{UNIX},7,100\n{UNIX + 6},8,200\n",
        ColumnsConfig(time="column_1", mains="column_3"),
    )
    assert recording.start == START
    np.testing.assert_array_equal(recording.mains_w, [100, 200])


def test_a_single_column_is_the_mains(tmp_path: Path):
    np.testing.assert_array_equal(
        load(tmp_path, "100\n\n200\n\n\n", period_s=6.0).mains_w, [100, NAN, 200]
    )
    np.testing.assert_array_equal(
        load(tmp_path, "anything\n100\n200\n", period_s=6.0).mains_w, [100, 200]
    )
    np.testing.assert_array_equal(
        load(tmp_path, "\n\n100\n200\n", period_s=6.0).mains_w, [100, 200]
    )


@pytest.mark.parametrize(
    "dressed",
    [
        "\ufefftime,mains\n0,1\n6,2\n",
        "time,mains\r\n0,1\r\n6,2\r\n",
        '"time","mains"\n"0","1"\n"6","2"\n',
    ],
)
def test_marks_line_ends_and_quotes_of_spreadsheets_are_understood(tmp_path: Path, dressed: str):
    np.testing.assert_array_equal(load(tmp_path, dressed).mains_w, [1, 2])


@pytest.mark.parametrize("name", ["house[1].csv", "house*.csv", "house?.csv", "house {a,b}.CSV"])
def test_a_path_is_a_name_and_not_a_pattern(tmp_path: Path, name: str):
    load(tmp_path, "time,mains\n0,9\n6,9\n", name="house1.csv")
    np.testing.assert_array_equal(
        load(tmp_path, "time,mains\n0,1\n6,2\n", name=name).mains_w, [1, 2]
    )


def test_kilowatts_become_watts(tmp_path: Path):
    recording = load(tmp_path, "time,mains,kettle\n0,0.25,0\n6,3.1,2.5\n", ColumnsConfig(unit="kW"))
    np.testing.assert_allclose(recording.mains_w, [250, 3100])
    np.testing.assert_allclose(recording.appliance_w("kettle"), [0, 2500])


@pytest.mark.parametrize("empty", ["", " ", "NaN", "nan", "null", "None"])
def test_empty_cells_are_gaps(tmp_path: Path, empty: str):
    recording = load(tmp_path, f"time,mains,kettle\n0,100,1\n6,{empty},2\n12,300,{empty}\n")
    np.testing.assert_array_equal(recording.mains_w, [100, NAN, 300])
    np.testing.assert_array_equal(recording.appliance_w("kettle"), [1, 2, NAN])


def test_a_little_below_zero_is_noise(tmp_path: Path):
    np.testing.assert_array_equal(load(tmp_path, "time,mains\n0,-0.5\n6,100\n").mains_w, [0, 100])


def test_irregular_stamps_are_averaged_onto_the_period(tmp_path: Path):
    rows = "".join(
        f"{UNIX + s},{w}\n" for s, w in [(0, 10), (7, 20), (13, 30), (19, 40), (27, 50), (29, 70)]
    )
    recording = load(tmp_path, "time,mains\n" + rows, period_s=7.0)
    np.testing.assert_array_equal(recording.mains_w, [10, 20, 30, 40, 60])
    assert recording.period_s == 7.0


@pytest.mark.parametrize("absent", [False, True], ids=["no reading", "no row"])
def test_a_row_without_a_reading_and_a_missing_row_are_filled_alike(tmp_path: Path, absent: bool):
    there = [s for s in range(0, 150, 6) if s not in (18, 24, *range(60, 120, 6))]
    rows = "".join(
        f"{UNIX + s},{s if s in there else ''}\n"
        for s in range(0, 150, 6)
        if s in there or not absent
    )
    recording = load(tmp_path, "time,mains\n" + rows, columns=ColumnsConfig(fill=3))
    watts = [float(s) if s in there else NAN for s in range(0, 150, 6)]
    np.testing.assert_array_equal(recording.mains_w, watts)
    watts[3:5], watts[10:13] = [12.0] * 2, [54.0] * 3
    np.testing.assert_array_equal(recording.filled_mains_w, watts)
    assert recording.filled_count == 5


def test_the_truth_is_never_filled(tmp_path: Path):
    rows = "".join(f"{UNIX + s},{s},{s}\n" for s in (0, 6, 12, 24, 30, 36))
    recording = load(tmp_path, "time,mains,kettle\n" + rows)
    np.testing.assert_array_equal(recording.appliance_w("kettle"), [0, 6, 12, NAN, 24, 30, 36])
    np.testing.assert_array_equal(recording.filled_mains_w, [0, 6, 12, 12, 24, 30, 36])


def test_more_than_an_hour_without_rows_is_a_jump(tmp_path: Path):
    rows = "".join(f"{UNIX + s},{i}\n" for i, s in enumerate((0, 6, 12, 90_000, 90_006)))
    recording = load(tmp_path, "time,mains\n" + rows)
    assert [(jump.sample, jump.time.timestamp()) for jump in recording.jumps] == [
        (3, UNIX + 90_000)
    ]
    np.testing.assert_array_equal(recording.mains_w, range(5))


def test_a_recording_is_resampled_to_a_longer_period(tmp_path: Path):
    rows = "".join(f"{UNIX + s},{s}\n" for s in range(0, 600, 6))
    recording = load(tmp_path, "time,mains\n" + rows, period_s=60.0)
    assert recording.period_s == 60.0
    assert len(recording) == 11
    assert recording.mains_w[5] == np.mean([s for s in range(0, 600, 6) if round(s / 60) == 5])


def test_the_metadata_of_parquet_gives_house_and_period(tmp_path: Path, make_recording):
    path = tmp_path / "some.parquet"
    write_recording(make_recording([100, 200, 300], house="refit 2"), path)
    back = load_recording(path)
    assert (back.house, back.period_s) == ("refit 2", 6.0)
    assert read_table(path).claimed_period_s == 6.0


def test_a_csv_is_a_house_of_its_files_name(tmp_path: Path):
    assert load(tmp_path, "time,mains\n0,1\n6,2\n", name="number 10.csv").house == "number 10"


@pytest.mark.parametrize(
    ("cell", "note"),
    [
        ("x", "1 reading of 'mains' made gaps: not numbers"),
        ("1e6", "gaps: more than a house"),
    ],
)
def test_repair_makes_bad_readings_gaps_and_notes_them(tmp_path: Path, cell: str, note: str):
    mended = table(tmp_path, f"time,mains\n0,100\n6,{cell}\n12,300\n", repair=True)
    np.testing.assert_array_equal(mended.watts["mains"], [100, NAN, 300])
    assert len(mended.notes) == 1
    assert note in mended.notes[0]


def test_repair_sorts_rows_and_drops_repeated_times_and_notes_it(tmp_path: Path):
    text = "time,mains,kettle\n12,300,3\n0,100,1\n6,200,2\n6,999,9\n"
    mended = table(tmp_path, text, ["kettle"], repair=True)
    np.testing.assert_array_equal(mended.times_s, [0, 6, 12])
    np.testing.assert_array_equal(mended.watts["mains"], [100, 200, 300])
    np.testing.assert_array_equal(mended.watts["kettle"], [1, 2, 3])
    assert list(mended.time) == ["0", "6", "12"]
    assert mended.notes == (
        "2 rows out of order or repeated",
        "1 row with a repeated time dropped",
    )


def test_repair_leaves_a_sound_file_alone(tmp_path: Path):
    text = "time,mains\n0,100\n6,\n12,300\n"
    sound, mended = table(tmp_path, text), table(tmp_path, text, repair=True)
    assert mended.notes == ()
    np.testing.assert_array_equal(mended.watts["mains"], sound.watts["mains"])


@pytest.mark.parametrize(
    ("steps", "resample", "says"),
    [
        ((6, 6, 6), False, None),
        ((7, 7, 6, 8), False, None),
        ((1, 1, 1), True, None),
        ((1, 1, 1), False, "set `resample` to average readings"),
        ((8, 8, 8), False, "set `resample` to repeat readings"),
        ((60, 60, 60), True, "its readings are too far apart to resample: train a model for it"),
    ],
)
def test_a_model_reads_tables_of_its_period_or_near_it(
    tmp_path: Path, steps: tuple[int, ...], resample: bool, says: str | None
):
    times = np.cumsum((0, *steps))
    readings = table(tmp_path, "time,mains\n" + "".join(f"{t},100\n" for t in times))
    if says is None:
        readings.require_period(6.0, resample)
    else:
        with pytest.raises(DataError, match=says):
            readings.require_period(6.0, resample)


def test_a_coarser_table_is_read_by_repeating_readings_and_a_warning_tells(tmp_path: Path):
    readings = table(tmp_path, "time,mains\n" + "".join(f"{8 * i},{100 * i}\n" for i in range(4)))
    with pytest.warns(UserWarning, match="readings every 8 s are repeated to give one every 6 s"):
        readings.require_period(6.0, resample=True)
    recording = to_recording(readings, 6.0)
    np.testing.assert_array_equal(recording.mains_w, [0, 100, 100, 200, 300])
    assert recording.resampled_from_s == 8.0
    assert recording.slice(1, 3).resampled_from_s == 8.0
    assert to_recording(readings).resampled_from_s is None
