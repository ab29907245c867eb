"""The real houses, written as the raw data sets that they come from, come back as they were, every
gap included.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import raw_trees

from seq2point.configuration import ColumnsConfig
from seq2point.data.parquet_file import read_metadata
from seq2point.data.table import load_recording
from seq2point.datasets.contract import Selection
from seq2point.datasets.conversion.house import ConversionConfig
from seq2point.datasets.conversion.jobs import convert_houses, plan_jobs
from seq2point.datasets.sources import find_source
from seq2point.recording import Recording

WHOLE = slice(None)
UKDALE = {"mains": "aggregate", "fridge": "fridge_freezer", "washing_machine": "washer_dryer"}
COLUMNS = {"mains": "grid", "kettle": "plug 1", "washing_machine": "Washing Machine"}


def long(*values: object) -> Any:
    """Whole houses, which take half a minute; a stretch of each is tried each time."""
    return pytest.param(*values, WHOLE, marks=pytest.mark.soak)


def load(data_dir: Path, name: str, stretch: slice) -> Recording:
    recording = load_recording(data_dir / f"{name}.parquet")
    return recording.slice(*stretch.indices(len(recording))[:2])


def assert_comes_back(
    recording: Recording,
    source: str,
    root: Path,
    out: Path,
    wanted: Selection,
    fill_s: float = 30.0,
) -> Path:
    settings = ConversionConfig(period_s=recording.period_s, fill_s=fill_s)
    (job,) = plan_jobs(find_source(source), root, out, wanted, settings)
    (made,) = convert_houses([job], settings, out)
    back = load_recording(made.path, list(recording.appliances_w))
    assert (back.house, back.period_s, back.start, back.jumps) == (
        recording.house, recording.period_s, recording.start, recording.jumps,
    )  # fmt: skip
    np.testing.assert_array_equal(back.mains_w, recording.mains_w)
    for name, power_w in recording.appliances_w.items():
        np.testing.assert_array_equal(back.appliance_w(name), power_w)
    assert made.report.samples == len(recording)
    assert not made.report.dropped
    assert not made.report.glitches
    return made.path


@pytest.mark.parametrize(
    ("name", "stretch"),
    [
        ("refit_house2_8s", slice(130_000, 170_000)),  # with the jump of its clock
        ("refit_house2_30s", slice(450_000, 500_000)),
        *map(long, ("refit_house2_8s", "refit_house2_30s", "refit_house20_30s")),
    ],
)
def test_refit(data_dir: Path, tmp_path: Path, name: str, stretch: slice):
    recording = load(data_dir, name, stretch)
    raw_trees.write_refit(recording, tmp_path / "raw", recording.house)
    wanted = Selection(houses=(recording.house,), appliances=tuple(recording.appliances_w))
    path = assert_comes_back(recording, "refit", tmp_path / "raw", tmp_path, wanted)
    there, here = read_metadata(data_dir / f"{name}.parquet"), read_metadata(path)
    assert {k: here[k] for k in there if k != "carrier"} == {
        k: there[k] for k in there if k != "carrier"
    }


@pytest.mark.parametrize(
    ("name", "stretch"),
    [
        ("ukdale_house1_6s_a", slice(0, 50_000)),
        ("ukdale_house1_60s", slice(470_000, 520_000)),  # with gaps of the appliances alone
        *map(long, ("ukdale_house1_6s_a", "ukdale_house1_60s", "ukdale_house5_60s")),
    ],
)
def test_ukdale(data_dir: Path, tmp_path: Path, name: str, stretch: slice):
    recording = load(data_dir, name, stretch)
    raw_trees.write_channels(recording, tmp_path / "raw", UKDALE, recording.house)
    assert_comes_back(recording, "ukdale", tmp_path / "raw", tmp_path, Selection())


def test_ukdales_layout_with_gaps_of_the_mains(data_dir: Path, tmp_path: Path):
    recording = load(data_dir, "refit_house2_30s", slice(450_000, 500_000))
    assert np.isnan(recording.mains_w[:-1]).any()
    assert not np.isnan(recording.mains_w[-1])
    raw_trees.write_channels(recording, tmp_path / "raw", UKDALE, recording.house)
    assert_comes_back(recording, "ukdale", tmp_path / "raw", tmp_path, Selection(), fill_s=0)


@pytest.mark.parametrize(
    ("name", "building", "stretch"),
    [
        ("refit_house20_30s", 19, slice(280_000, 330_000)),
        ("ukdale_house1_60s", 1, slice(470_000, 520_000)),
        long("refit_house20_30s", 19),
        long("ukdale_house5_60s", 5),
    ],
)
def test_nilmtk(data_dir: Path, tmp_path: Path, name: str, building: int, stretch: slice):
    recording = load(data_dir, name, stretch)
    dataset = read_metadata(data_dir / f"{name}.parquet")["dataset"]
    raw_trees.write_nilmtk({building: recording}, tmp_path / "raw.h5", dataset)
    assert_comes_back(recording, "nilmtk", tmp_path / "raw.h5", tmp_path, Selection(), fill_s=0)


def test_csv_table(data_dir: Path, tmp_path: Path):
    recording = load(data_dir, "ukdale_house1_6s_b", slice(0, 50_000))
    path = raw_trees.write_csv(recording, tmp_path / "raw" / "1.csv", COLUMNS)
    wanted = Selection(columns=ColumnsConfig(mains="grid", appliances={"kettle": "plug 1"}))
    assert_comes_back(recording, "table", path, tmp_path, wanted)


@pytest.mark.parametrize("name", ["refit_house2_8s", "ukdale_house5_60s"])
def test_parquet_table(data_dir: Path, tmp_path: Path, name: str):
    path = data_dir / f"{name}.parquet"
    made = assert_comes_back(load_recording(path), "table", path, tmp_path, Selection())
    assert made.name == path.name
    assert {
        k: v for k, v in read_metadata(made).items() if k in read_metadata(path)
    } == read_metadata(path)
