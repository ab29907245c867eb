"""A home's own tables: columns by name or as told, files of their own for mains and plugs, local
times, other units.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from seq2point.configuration import ColumnsConfig
from seq2point.data.parquet_file import read_metadata, write_recording
from seq2point.data.table import load_recording
from seq2point.datasets.contract import Selection
from seq2point.datasets.conversion.house import ConversionConfig
from seq2point.datasets.conversion.jobs import ConvertedHouse, convert_houses, plan_jobs
from seq2point.datasets.sources import find_source
from seq2point.errors import DataError, UsageError
from seq2point.recording import Recording

NAN = pytest.approx(float("nan"), nan_ok=True)


def made(
    root: Path, out: Path, wanted: Selection | None = None, **settings: float
) -> ConvertedHouse:
    chosen = ConversionConfig(**settings)
    (each,) = convert_houses(
        plan_jobs(find_source("table"), root, out, wanted or Selection(), chosen), chosen, out
    )
    return each


def write(path: Path, header: str, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def test_columns_are_those_that_the_caller_names_and_those_whose_names_say_it(tmp_path: Path):
    lines = [f"2024-03-31T07:15:{s:02}Z,{300 + s},{s},7,{2 * s}" for s in range(0, 60, 6)]
    path = write(
        tmp_path / "home.csv", "when,grid,plug_3_power,plug_4_power,Washing Machine", *lines
    )
    wanted = Selection(
        columns=ColumnsConfig(
            time="when",
            mains="grid",
            appliances={"kettle": "plug_3_power", "heat pump": "plug_4_power"},
        )
    )
    recording = load_recording(
        made(path, tmp_path / "out", wanted).path, ["kettle", "heat_pump", "washing_machine"]
    )
    assert (recording.house, recording.period_s) == ("home", 6.0)
    assert recording.mains_w.tolist() == list(range(300, 360, 6))
    assert recording.appliance_w("kettle").tolist() == list(range(0, 60, 6))
    assert recording.appliance_w("heat_pump").tolist() == [7] * 10
    assert recording.appliance_w("washing_machine").tolist() == list(range(0, 120, 12))


@pytest.mark.parametrize("column", ["kettle", "kettle_power", "fridge"])
def test_a_plugs_own_file_may_be_called_as_any_appliance(tmp_path: Path, column: str):
    times = [1_400_000_000 + 10 * i for i in range(60)]
    meter = write(tmp_path / "meter.csv", "time,state", *(f"{t},500" for t in times))
    plug = write(tmp_path / "plug.csv", f"time,{column}", *(f"{t},{t % 7}" for t in times))
    wanted = Selection(columns=ColumnsConfig(), mains=str(meter), plugs={"kettle": str(plug)})
    recording = load_recording(made(tmp_path, tmp_path / "out", wanted, period_s=10).path)
    assert recording.appliance_w("kettle").tolist() == [t % 7 for t in times]


def test_mains_and_plugs_of_their_own_files_with_their_own_stamps_are_put_together_in_time(
    tmp_path: Path,
):
    meter = write(
        tmp_path / "meter.csv",
        "time,state",
        *(f"{1_400_000_000 + 10 * i},{0.5 + i / 100}" for i in range(60)),
    )
    plug = write(
        tmp_path / "plugs" / "plug.csv",
        "last_changed,entity,state",
        "2014-05-13 17:53:24,kettle,0",
        "2014-05-13 17:55:01,kettle,2.0",
        "2014-05-13 17:55:14,kettle,broken",
        "2014-05-13 17:55:40,kettle,0.1",
    )
    fridge = pl.DataFrame({"stamp": [1_400_000_003_000, 1_400_000_013_000], "power": [0.1, 0.2]})
    fridge.select("power").write_parquet(tmp_path / "fridge.parquet")
    wanted = Selection(
        columns=ColumnsConfig(unit="kW", time=None, appliances={"fridge": "power"}),
        zone="Europe/London",
        mains=str(meter),
        plugs={"Kettle": str(plug), "fridge": "fridge.parquet"},
    )
    with pytest.raises(
        DataError, match=r"files of mains and plugs are joined by their times; name the column"
    ):
        made(tmp_path, tmp_path / "out", wanted)
    fridge.write_parquet(tmp_path / "fridge.parquet")
    each = made(tmp_path, tmp_path / "out", wanted, period_s=10, fill_s=100)
    recording = load_recording(each.path)
    assert recording.mains_w.tolist() == pytest.approx(
        np.float32(500 + 10 * np.arange(60)).tolist()
    )
    kettle = recording.appliance_w("kettle").tolist()
    assert kettle[0] == 0
    assert kettle[10:11] == [2000]
    assert kettle[11] == NAN
    assert kettle[14:15] == [100]
    assert recording.appliance_w("fridge").tolist()[:11] == [100, *[200] * 10]
    assert each.report.no_number == {"kettle": 1}
    assert each.path.name == "meter_10s.parquet"


def test_local_times_are_read_through_the_autumn_in_which_an_hour_comes_twice(tmp_path: Path):
    utc = pl.datetime_range(
        pl.datetime(2014, 10, 26), pl.datetime(2014, 10, 26, 3), "1m", time_zone="UTC", eager=True
    )
    watts = [100 + 71 * i % 181 for i in range(181)]
    words = utc.dt.convert_time_zone("Europe/London").dt.strftime("%Y-%m-%d %H:%M:%S")
    path = write(tmp_path / "home.csv", "time,mains", *map("{},{}".format, words, watts))
    there = made(path, tmp_path / "out", Selection(zone="Europe/London"))
    assert load_recording(there.path).mains_w.tolist() == watts
    assert (there.report.start, there.report.dropped) == ("2014-10-26T00:00:00+00:00", {})
    with pytest.raises(DataError, match=r"01:00:00 the time goes back by an hour, .*; set `zone`"):
        made(path, tmp_path / "blind")


def test_a_parquet_file_of_the_store_keeps_what_it_says_of_its_house_and_becomes_its_own_equal(
    tmp_path: Path, make_recording: Callable[..., Recording]
):
    recording = make_recording([100, 200, np.nan, 400], house="7", kettle=[1, np.nan, 3, 4])
    facts = {"dataset": "mine", "licence": "CC0", "carrier": "a friend", "nominal_time": "true"}
    write_recording(recording, tmp_path / "mine_house7_6s.parquet", **facts)
    each = made(tmp_path / "mine_house7_6s.parquet", tmp_path / "out")
    assert each.path.name == "mine_house7_6s.parquet"
    assert facts | {"house": "7", "period_s": "6"} == {
        k: read_metadata(each.path)[k] for k in (*facts, "house", "period_s")
    }
    back = load_recording(each.path)
    np.testing.assert_array_equal(back.mains_w, recording.mains_w)
    np.testing.assert_array_equal(back.appliance_w("kettle"), recording.appliance_w("kettle"))
    assert (back.start, back.jumps) == (recording.start, ())


def test_rows_without_times_need_a_period_and_get_nominal_times(tmp_path: Path):
    path = write(tmp_path / "home.csv", "mains,kettle", *(f"{100 + i},{i}" for i in range(9)))
    with pytest.raises(
        DataError, match=r"home\.csv: has no times; give its sampling period with `period_s`"
    ):
        made(path, tmp_path / "out")
    each = made(path, tmp_path / "out", Selection(period_s=8.0), period_s=8)
    assert read_metadata(each.path)["nominal_time"] == "true"
    assert load_recording(each.path).appliance_w("kettle").tolist() == list(range(9))


def test_newest_first_and_irregular_rows_end_in_order_on_a_grid_of_the_usual_step(tmp_path: Path):
    path = write(
        tmp_path / "home.csv",
        "unix,mains",
        *(f"{1_400_000_000 + 7 * i + (i % 3 == 0)},{100 + i}" for i in range(99, -1, -1)),
    )
    each = made(path, tmp_path / "out")
    assert each.report.period_s == 7
    assert each.report.sorted_rows == 99
    assert load_recording(each.path).mains_w.tolist() == list(range(100, 200))


def test_a_folder_is_a_house_a_file_and_a_name_may_be_given_to_one(tmp_path: Path):
    for name in ("north", "south"):
        write(
            tmp_path / "homes" / f"{name}.csv",
            "time,mains",
            *(f"{i * 6},{100 + i}" for i in range(5)),
        )
    settings = ConversionConfig()
    jobs = plan_jobs(find_source("table"), tmp_path / "homes", tmp_path, Selection(), settings)
    assert [job.path.name for job in jobs] == ["north_6s.parquet", "south_6s.parquet"]
    each = made(tmp_path / "homes" / "north.csv", tmp_path / "out", Selection(house="attic"))
    assert (each.path.name, load_recording(each.path).house) == ("attic_6s.parquet", "attic")


@pytest.mark.parametrize(
    ("wanted", "error", "said"),
    [
        (
            Selection(columns=ColumnsConfig(mains="total")),
            DataError,
            r"no column 'total' \(columns: time, grid, plug",
        ),
        (
            Selection(columns=ColumnsConfig(appliances={"kettle": "plug_9"})),
            DataError,
            "no column 'plug_9'",
        ),
        (
            Selection(columns=ColumnsConfig(appliances={"kettle": "plug"})),
            DataError,
            r"no column for the mains \(columns: time, x, y, plug\); name it with `mains`",
        ),
        (
            Selection(columns=ColumnsConfig(mains="grid"), plugs={"kettle": "nowhere.csv"}),
            DataError,
            "nowhere.csv: no such file",
        ),
        (Selection(mains="nowhere.csv"), DataError, "nowhere.csv: no such file"),
    ],
)
def test_columns_and_files_that_are_not_there_are_refused(
    tmp_path: Path, wanted: Selection, error: type[Exception], said: str
):
    path = write(tmp_path / "home.csv", "time,grid,plug", "0,100,1", "6,100,1")
    if "for the mains" in said:
        write(path, "time,x,y,plug", "0,100,1,1", "6,100,1,1")
    with pytest.raises(error, match=said):
        made(path, tmp_path / "out", wanted)


def test_a_plug_needs_mains_and_its_column_where_several_could_be_it(tmp_path: Path):
    write(tmp_path / "plug.csv", "time,x,y", "0,1,2")
    mains = write(tmp_path / "mains.csv", "time,mains", "0,100", "6,100")
    with pytest.raises(UsageError, match="files of plugs need a file of mains"):
        made(tmp_path, tmp_path / "out", Selection(plugs={"kettle": "plug.csv"}))
    with pytest.raises(DataError, match=r"plug\.csv: no column for the .*; name it with `mains`"):
        made(mains, tmp_path / "out", Selection(plugs={"kettle": str(tmp_path / "plug.csv")}))


def test_times_that_are_none_and_a_file_that_is_damaged_are_refused(tmp_path: Path):
    pl.DataFrame({"time": [True, False], "mains": [1.0, 2.0]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(
        DataError,
        match=r"a\.parquet: column 'time' holds 'True', which is no time that can be read; .*, or"
        " name another column with `time`",
    ):
        made(tmp_path / "a.parquet", tmp_path / "out")
    pl.DataFrame({"time": np.arange(9000) * 6, "mains": np.arange(9000.0)}).write_parquet(
        tmp_path / "b.parquet"
    )
    whole = (tmp_path / "b.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(b"PAR1" + b"\xff" * 5000 + whole[5004:])
    with pytest.raises(DataError, match=r"b\.parquet: cannot be read"):
        made(tmp_path / "b.parquet", tmp_path / "out")
