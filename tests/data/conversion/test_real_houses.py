"""The real houses, written as the raw data sets that they come from, come back as they were, every gap included."""

from pathlib import Path

import numpy as np
import pytest
from tests import raw_trees

from seq2point.data.conversion.house import Settings
from seq2point.data.conversion.run import convert, jobs_of
from seq2point.data.raw import Wanted
from seq2point.data.sources import find
from seq2point.data.store import metadata_of
from seq2point.data.table import Columns, load_recording
from seq2point.recording import Recording

UKDALE = {"mains": "aggregate", "fridge": "fridge_freezer", "washing_machine": "washer_dryer"}
COLUMNS = {"mains": "grid", "kettle": "plug 1", "washing_machine": "Washing Machine"}


def assert_comes_back(recording: Recording, source: str, root: Path, out: Path, wanted: Wanted, fill_s: float = 30.0) -> Path:
    settings = Settings(period_s=recording.period_s, fill_s=fill_s)
    (job,) = jobs_of(find(source), root, out, wanted, settings)
    (made,) = convert([job], settings, out)
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


@pytest.mark.parametrize("name", ["refit_house2_8s", "refit_house2_30s", "refit_house20_30s"])
def test_refit(data_dir: Path, tmp_path: Path, name: str):
    recording = load_recording(data_dir / f"{name}.parquet")
    raw_trees.write_refit(recording, tmp_path / "raw", recording.house)
    wanted = Wanted(houses=(recording.house,), appliances=tuple(recording.appliances_w))
    path = assert_comes_back(recording, "refit", tmp_path / "raw", tmp_path, wanted)
    there, here = metadata_of(data_dir / f"{name}.parquet"), metadata_of(path)
    assert {k: here[k] for k in there if k != "carrier"} == {k: there[k] for k in there if k != "carrier"}


@pytest.mark.parametrize("name", ["ukdale_house1_6s_a", "ukdale_house1_60s", "ukdale_house5_60s"])
def test_ukdale(data_dir: Path, tmp_path: Path, name: str):
    recording = load_recording(data_dir / f"{name}.parquet")
    raw_trees.write_channels(recording, tmp_path / "raw", UKDALE, recording.house)
    assert_comes_back(recording, "ukdale", tmp_path / "raw", tmp_path, Wanted())


def test_ukdales_layout_with_gaps_of_the_mains(data_dir: Path, tmp_path: Path):
    recording = load_recording(data_dir / "refit_house2_30s.parquet").slice(0, 287_311)
    assert np.isnan(recording.mains_w[:-1]).any()
    assert not np.isnan(recording.mains_w[-1])
    raw_trees.write_channels(recording, tmp_path / "raw", UKDALE, recording.house)
    assert_comes_back(recording, "ukdale", tmp_path / "raw", tmp_path, Wanted(), fill_s=0)


@pytest.mark.parametrize(("name", "building"), [("refit_house20_30s", 19), ("ukdale_house5_60s", 5)])
def test_nilmtk(data_dir: Path, tmp_path: Path, name: str, building: int):
    recording = load_recording(data_dir / f"{name}.parquet")
    dataset = metadata_of(data_dir / f"{name}.parquet")["dataset"]
    raw_trees.write_nilmtk({building: recording}, tmp_path / "raw.h5", dataset)
    assert_comes_back(recording, "nilmtk", tmp_path / "raw.h5", tmp_path, Wanted(), fill_s=0)


def test_csv_table(data_dir: Path, tmp_path: Path):
    recording = load_recording(data_dir / "ukdale_house1_6s_b.parquet")
    path = raw_trees.write_csv(recording, tmp_path / "raw" / "1.csv", COLUMNS)
    wanted = Wanted(columns=Columns(mains="grid", appliances={"kettle": "plug 1"}))
    assert_comes_back(recording, "table", path, tmp_path, wanted)


@pytest.mark.parametrize("name", ["refit_house2_8s", "ukdale_house5_60s"])
def test_parquet_table(data_dir: Path, tmp_path: Path, name: str):
    path = data_dir / f"{name}.parquet"
    made = assert_comes_back(load_recording(path), "table", path, tmp_path, Wanted())
    assert made.name == path.name
    assert {k: v for k, v in metadata_of(made).items() if k in metadata_of(path)} == metadata_of(path)
