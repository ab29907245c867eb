"""Files as loggers, databases and utilities write them, made here in a few lines each."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.conftest import Answer, answer_of
from tests.data.right_readings import DAY, DAY_W, KETTLE_W

from seq2point import ColumnsConfig, DataError, load_recording
from seq2point.cli import main

ROWS = 480
STAMPS = [DAY + timedelta(minutes=i) for i in range(1440)]
MAINS_W = DAY_W[:ROWS]
RULE = f"+{'-' * 21}+{'-' * 8}+\n"


def convert(out: Path, *words: object) -> Answer:
    return answer_of(main, "convert", "table", *words, "--out", out)


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def list_lines(form: str, *columns: Sequence[float], rows: int = ROWS) -> str:
    """The rows of a table by a form of their time and cells."""
    lines = []
    for i in range(rows):
        stamp = STAMPS[i]
        cells = [column[i] for column in columns]
        lines.append(form.format(*cells, t=f"{stamp:%Y-%m-%d %H:%M:%S}", u=int(stamp.timestamp())))
    return "".join(lines)


def require_day(path: Path, **settings: Any) -> None:
    recording = load_recording(path, columns=ColumnsConfig(**settings))
    assert recording.start == DAY
    assert recording.period_s == 60
    np.testing.assert_allclose(recording.mains_w, MAINS_W, atol=0.6)


@pytest.mark.parametrize(
    "text",
    [
        f"{RULE}| time                | mains  |\n{RULE}"
        + list_lines("| {t} | {:6.1f} |\n", DAY_W)
        + RULE,
        "| time | mains |\n|---|---:|\n" + list_lines("| {t} | {:.1f} |\n", DAY_W),
        "name: W\ntime value\n---- -----\n" + list_lines("{u}000000000 {:.1f}\n", DAY_W),
    ],
    ids=["mysql", "markdown", "influx"],
)
def test_rules_between_the_rows_are_no_rows(tmp_path: Path, text: str) -> None:
    require_day(write(tmp_path / "table.txt", text))


def test_the_columns_of_influx_are_no_appliances(tmp_path: Path) -> None:
    text = ",result,table,_time,mains,kettle\n" + list_lines(",,0,{t}Z,{},{}\n", DAY_W, KETTLE_W)
    answer = answer_of(main, "data", "check", write(tmp_path / "influx.csv", text))
    assert answer.code == 0, answer.out


def test_line_protocol_is_named(tmp_path: Path) -> None:
    text = list_lines("power,host=meter mains={:.1f} {u}000000000\n", DAY_W)
    with pytest.raises(DataError, match="line protocol"):
        load_recording(write(tmp_path / "export.txt", text))


def test_blocks_of_sensors_are_told_apart_where_the_times_start_again(tmp_path: Path) -> None:
    text = (
        "circuit,time,watts\n"
        + list_lines("Main,{t},{}\n", DAY_W)
        + list_lines("Kettle,{t},{}\n", KETTLE_W)
    )
    path = write(tmp_path / "circuits.csv", text)
    with pytest.raises(DataError, match="Main, Kettle"):
        load_recording(path)
    require_day(path, sensor="Main")


def make_green_button(multipliers: Sequence[int], flows: Sequence[int]) -> str:
    """A feed of meters with 100 Wh a quarter of an hour, each in a unit of its own."""
    meters = range(len(multipliers))
    entries = [
        f'<entry><link rel="self" href="M/{k}"/><link rel="related" href="T/{k}"/><e:MeterReading/>'
        "</entry>"
        for k in meters
    ]
    for k in meters:
        readings = "".join(
            "<e:IntervalReading><e:timePeriod><e:duration>900</e:duration><e:start>"
            f"{int(DAY.timestamp()) + 900 * i}</e:start></e:timePeriod>"
            f"<e:value>{100 * 10 ** -multipliers[k]}</e:value></e:IntervalReading>"
            for i in range(48)
        )
        entries.append(
            f'<entry><link rel="self" href="M/{k}/IntervalBlock/1"/><e:IntervalBlock>{readings}'
            "</e:IntervalBlock></entry>"
        )
    entries += [
        f'<entry><link rel="self" href="T/{k}"/><e:ReadingType><e:flowDirection>{flows[k]}'
        f"</e:flowDirection><e:powerOfTenMultiplier>{multipliers[k]}</e:powerOfTenMultiplier>"
        "<e:uom>72</e:uom></e:ReadingType></entry>"
        for k in meters
    ]
    return f'<feed xmlns:e="http://naesb.org/espi">{"".join(entries)}</feed>'


def test_meters_of_a_green_button_document_are_never_mixed(tmp_path: Path) -> None:
    path = write(tmp_path / "feed.xml", make_green_button((0, -1), (1, 19)))
    with pytest.raises(DataError, match="1 taken, 2 given"):
        load_recording(path)
    for sensor in ("1 taken", "2 given"):
        recording = load_recording(path, columns=ColumnsConfig(sensor=sensor))
        np.testing.assert_allclose(recording.mains_w, 400)


def test_a_compressed_green_button_document_is_read(tmp_path: Path) -> None:
    text = make_green_button((0,), (1,))
    recording = load_recording(write(tmp_path / "feed.xml.gz", gzip.compress(text.encode())))
    np.testing.assert_allclose(recording.mains_w, 400)


@pytest.mark.parametrize("mark", ["-1", "-0.001", "32.767", "65.535", "-999", "32767"])
def test_marks_of_missing_readings_in_kilowatts_are_gaps(tmp_path: Path, mark: str) -> None:
    cells = [mark if 100 <= i < 160 else f"{DAY_W[i] / 1000:.3f}" for i in range(ROWS)]
    text = "time,power_kW\n" + "".join(f"{STAMPS[i]:%F %T},{cells[i]}\n" for i in range(ROWS))
    mains_w = load_recording(write(tmp_path / "kw.csv", text)).mains_w
    assert np.isnan(mains_w[100:160]).all()
    np.testing.assert_allclose(mains_w[:100], MAINS_W[:100], atol=0.6)


@pytest.mark.parametrize(
    ("type_", "mark"), [(pa.uint64(), 2**64 - 1), (pa.int64(), -(2**63)), (pa.int16(), -1)]
)
def test_the_ends_of_whole_numbers_are_marks(tmp_path: Path, type_: Any, mark: int) -> None:
    watts = [mark if i < 60 else round(DAY_W[i]) for i in range(ROWS)]
    path = tmp_path / "house.parquet"
    pq.write_table(pa.table({"time": STAMPS[:ROWS], "mains": pa.array(watts, type=type_)}), path)
    assert np.isnan(load_recording(path).mains_w).sum() == 60


def test_what_the_message_on_units_says_works(tmp_path: Path) -> None:
    small = write(tmp_path / "w.csv", "time,power_w\n" + list_lines("{t},{:.4f}\n", DAY_W / 1000))
    with pytest.raises(DataError, match=r"set `mains` to power_w\[kW\]"):
        load_recording(small)
    require_day(small, mains="power_w[kW]")
    large = write(tmp_path / "kw.csv", "time,mains [kW]\n" + list_lines("{t},{}\n", DAY_W))
    with pytest.raises(DataError, match=r"'mains \[kW\]\[W\]'"):
        load_recording(large)
    require_day(large, mains="mains [kW][W]")


def test_unix_seconds_of_single_precision_are_refused(tmp_path: Path) -> None:
    seconds = pa.array([stamp.timestamp() for stamp in STAMPS[:ROWS]], type=pa.float32())
    path = tmp_path / "house.parquet"
    pq.write_table(pa.table({"time": seconds, "mains": MAINS_W}), path)
    with pytest.raises(DataError, match="single precision"):
        load_recording(path)
    assert "single precision" in convert(tmp_path / "houses", path).err


def list_changes(name: str, watts: Sequence[float], rows: int = 1440) -> str:
    changes = [i for i in range(rows) if i == 0 or watts[i] != watts[i - 1]]
    return "".join(f"{name},{watts[i]},{STAMPS[i]:%Y-%m-%dT%H:%M:%S}.000Z\n" for i in changes)


HISTORY = "entity_id,state,last_changed\n"


@pytest.mark.parametrize(
    "plug",
    [
        HISTORY + list_changes("sensor.kettle", KETTLE_W),
        "time,power\n"
        + "".join(
            f"{STAMPS[i]:%F %T},{KETTLE_W[i]}\n"
            for i in range(1440)
            if i == 0 or KETTLE_W[i] != KETTLE_W[i - 1]
        ),
    ],
    ids=["home-assistant", "csv"],
)
def test_a_plug_that_reports_changes_holds_until_it_speaks_again(tmp_path: Path, plug: str) -> None:
    mains = write(tmp_path / "mains.csv", "time,mains\n" + list_lines("{t},{}\n", DAY_W, rows=1440))
    path = write(tmp_path / "plug.csv", plug)
    answer = convert(tmp_path / "houses", mains, "--plug", f"kettle={path}")
    assert answer.code == 0, answer.err
    (house,) = (tmp_path / "houses").glob("*.parquet")
    recording = load_recording(house)
    assert recording.period_s == 60
    np.testing.assert_allclose(recording.appliance_w("kettle"), KETTLE_W)


def test_a_plug_below_regular_mains_in_one_history_holds_its_changes(tmp_path: Path) -> None:
    mains = list_lines("sensor.mains_power,{},{t}+00:00\n", DAY_W, rows=1440)
    text = (
        HISTORY
        + mains
        + list_changes("sensor.kettle", KETTLE_W).replace("T", " ").replace(".000Z", "+00:00")
    )
    path = write(tmp_path / "history.csv", text)
    recording = load_recording(path, columns=ColumnsConfig(sensor="sensor.mains_power"))
    assert recording.appliance_w("kettle").mean() == pytest.approx(KETTLE_W.mean())


@pytest.mark.parametrize("heartbeat", [None, 30])
def test_few_changes_are_held_and_heartbeats_are_no_polling(
    tmp_path: Path, heartbeat: int | None
) -> None:
    lines, last = [], 0
    for i in range(ROWS):
        if i == 0 or DAY_W[i] != DAY_W[i - 1] or (heartbeat and i - last >= heartbeat):
            lines.append(f"{STAMPS[i]:%F %T},{DAY_W[i]}\n")
            last = i
    recording = load_recording(
        write(tmp_path / "changes.csv", "time,power\n" + "".join(lines)), period_s=60
    )
    assert recording.mains_w.mean() == pytest.approx(MAINS_W[: len(recording)].mean(), rel=0.01)
    assert recording.mains_w.max() == MAINS_W.max()


def test_a_long_silence_is_told_with_its_remedy(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    seconds = np.cumsum(rng.exponential(20, 1500))
    seconds[700:] += 3 * 3600
    text = HISTORY + "".join(
        f"sensor.mains,{w:.1f},{DAY + timedelta(seconds=s):%Y-%m-%dT%H:%M:%S.%f}Z\n"
        for s, w in zip(seconds.tolist(), rng.uniform(200, 300, 1500).tolist(), strict=True)
    )
    path = write(tmp_path / "history.csv", text)
    answer = answer_of(main, "disaggregate", "kettle-60s", path, "-o", tmp_path / "out.csv")
    said = " ".join(answer.err.split())
    assert "silent for longer" in said
    assert "--hold" in said


def write_local(path: Path, zone: str, start: datetime, step_s: int) -> Path:
    count = 12 * 3600 // step_s
    times = [start + timedelta(seconds=step_s * i) for i in range(count)]
    rows = [f"{t.astimezone(ZoneInfo(zone)):%F %T},{DAY_W[i]}\n" for i, t in enumerate(times)]
    return write(path, "time,mains\n" + "".join(rows))


@pytest.mark.parametrize("step_s", [60, 900])
def test_a_clock_that_goes_back_by_half_an_hour(tmp_path: Path, step_s: int) -> None:
    start, zone = datetime(2023, 4, 1, 10, tzinfo=UTC), "Australia/Lord_Howe"
    path = write_local(tmp_path / "island.csv", zone, start, step_s)
    recording = load_recording(path, columns=ColumnsConfig(zone=zone))
    assert recording.start == start
    np.testing.assert_allclose(recording.mains_w, DAY_W[: 12 * 3600 // step_s], rtol=1e-5)


def test_the_autumn_hour_of_hourly_readings_is_not_dropped(tmp_path: Path) -> None:
    start = datetime(2023, 10, 28, 20, tzinfo=UTC)
    path = write_local(tmp_path / "hours.csv", "Europe/Berlin", start, 3600)
    assert "--zone" in convert(tmp_path / "houses", path).err


def test_a_folder_holds_more_than_houses(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    (folder / "inside.csv").mkdir(parents=True)
    text = "time,mains\n" + list_lines("{t},{}\n", DAY_W)
    for name in ("house.csv", "house.txt", ".hidden.csv"):
        write(folder / name, text)
    write(folder / "packed.csv.gz", gzip.compress(text.encode()))
    write(folder / "README.txt", "The readings of my house.\n")
    answer = convert(tmp_path / "houses", folder)
    assert answer.code == 0, answer.err
    assert "README.txt" in answer.out
    names = sorted(path.name for path in (tmp_path / "houses").glob("*.parquet"))
    assert names == ["house.csv_60s.parquet", "house.txt_60s.parquet", "packed_60s.parquet"]


def test_what_is_left_out_is_told_where_another_house_fails(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    write(folder / "kw.csv", "time,mains\n" + list_lines("{t},{:.4f}\n", DAY_W / 1000))
    write(folder / "README.txt", "The readings of my house.\n")
    answer = convert(tmp_path / "houses", folder)
    assert answer.code == 1
    assert "README.txt" in answer.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time\n2023-11-05 00:00:00\n2023-11-05 00:01:00\n", "no column of numbers"),
        ("time,mains\n2023-11-05 00:00:00,100\n", "one reading"),
    ],
)
def test_a_table_with_next_to_nothing(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        load_recording(write(tmp_path / "little.csv", text))


def test_a_check_names_flags(tmp_path: Path) -> None:
    text = "time,mains\n" + list_lines("{t},{:.4f}\n", DAY_W / 1000)
    answer = answer_of(main, "data", "check", write(tmp_path / "kw.csv", text))
    assert "--unit" in answer.out
