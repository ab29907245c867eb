"""Traces: both layouts give the appliances' power, whatever the period, and the rest is refused."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.datasets.traces import Trace, group_by_device, parse_house, read_traces
from seq2point.errors import DataError

USES = pl.DataFrame(
    {
        "appliance": ["dishwasher"] * 3 + ["Washer Dryer"] * 2,
        "device": ["a"] * 3 + ["b"] * 2,
        "trace": [1, 1, 1, 2, 2],
        "refit_house": [5, 5, 5, -1, -1],
        "t_s": [0, 2, 4, 0, 2],
        "power": [0.0, 2000.0, None, 50.0, -1.0],
    }
)


def write(path: Path, frame: pl.DataFrame) -> Path:
    frame.write_parquet(path)
    return path


def test_a_table_of_uses_gives_a_trace_of_each(tmp_path: Path) -> None:
    dishwasher, washer = read_traces(write(tmp_path / "uses.parquet", USES))
    assert (dishwasher.appliance, washer.appliance) == ("dishwasher", "washing_machine")
    assert (dishwasher.dataset, dishwasher.house, washer.house) == ("refit", "5", None)
    assert dishwasher.power_w.tolist() == [0, 2000, 0]
    assert washer.power_w.tolist() == [50, 0]
    assert dishwasher.period_s == 2


def test_a_table_of_plugs_gives_a_trace_of_each_column_but_the_mains(tmp_path: Path) -> None:
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    times = [begin + timedelta(seconds=60 * minute) for minute in (0, 1, 2, 5, 6)]
    frame = pl.DataFrame(
        {"time": times, "mains": [9.0] * 5, "tv": [1.0, 2, 3, 4, 5], "kettle_2": [0.0] * 5}
    )
    tv, kettle = read_traces(write(tmp_path / "eco_house1_plugs.parquet", frame))
    assert tv.power_w.tolist() == [1, 2, 3, 0, 0, 4, 5]
    assert (tv.dataset, tv.house, tv.period_s) == ("eco", "1", 60)
    assert kettle.appliance == "kettle_2"
    assert kettle.may_be_of("kettle")


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (USES.drop("t_s"), "neither the columns"),
        (USES.with_columns(t_s=pl.Series([0, 2, 9, 0, 2])), "irregular times"),
        (USES[:1], "one reading alone"),
    ],
)
def test_what_is_no_trace_is_refused(tmp_path: Path, frame: pl.DataFrame, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_traces(write(tmp_path / "odd.parquet", frame))


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("time,power\n")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_traces(tmp_path / "text.parquet")


@given(
    powers=st.lists(st.floats(0, 3000, width=32), min_size=1, max_size=40),
    period_s=st.sampled_from([1.0, 2.0, 6.0, 8.0, 60.0]),
)
def test_another_period_keeps_the_energy(powers: list[float], period_s: float) -> None:
    trace = Trace("kettle", "a", None, None, np.array(powers, np.float32), 2.0)
    energy_j = trace.average(period_s).sum(dtype=np.float64) * period_s
    assert energy_j == pytest.approx(sum(powers) * 2.0, rel=1e-4, abs=1e-2)


def test_a_garage_fridge_may_be_a_fridge_and_a_freezer_is_none() -> None:
    names = ("fridge_garage", "kettle_toaster", "washer_dryer_garage", "chest_freezer", "tv")
    traces = [Trace(name, "", None, None, np.zeros(2, np.float32), 8.0) for name in names]
    may_be = [
        [t.may_be_of(appliance) for t in traces]
        for appliance in ("fridge", "kettle", "washing_machine")
    ]
    assert may_be == [
        [True, False, False, False, False],
        [False, True, False, False, False],
        [False, False, True, False, False],
    ]


def test_a_file_s_name_says_the_house() -> None:
    assert parse_house("refit_house11_8s_day_other") == ("refit", "11")
    assert parse_house("my_home") == (None, None)


@pytest.mark.skipif("SEQ2POINT_DATA" not in os.environ, reason="SEQ2POINT_DATA is not set")
def test_real_traces_are_of_the_machines_that_the_readme_counts() -> None:
    folder = Path(os.environ["SEQ2POINT_DATA"]) / "more"
    traces = read_traces(folder / "refit_appliance_traces_2s.parquet")
    counts = {
        name: (len(machines), sum(map(len, machines)))
        for name in ("washing_machine", "dishwasher", "microwave")
        if (machines := group_by_device([t for t in traces if t.appliance == name]))
    }
    assert counts == {"washing_machine": (18, 45), "dishwasher": (12, 19), "microwave": (12, 33)}
