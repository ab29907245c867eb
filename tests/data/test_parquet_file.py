"""The Parquet store writes one schema, and what it wrote comes back."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point import Recording, Seq2PointError, load_recording
from seq2point.data.parquet_file import read_metadata, write_recording
from seq2point.recording import Jump

START = datetime(2024, 3, 31, 7, 15, tzinfo=UTC)

# rows, days and appliances as the data's own README has them
REAL = {
    "ukdale_house1_6s_a": (323_216, 22.4, "kettle fridge dishwasher washing_machine microwave", 6),
    "ukdale_house1_6s_b": (193_931, 13.5, "kettle fridge dishwasher washing_machine microwave", 6),
    "refit_house2_8s": (302_400, 28, "fridge dishwasher washing_machine microwave", 8),
    "refit_house2_30s": (1_778_156, 617, "kettle dishwasher washing_machine microwave", 30),
    "refit_house20_30s": (1_325_727, 460, "kettle dishwasher washing_machine microwave", 30),
    "ukdale_house1_60s": (1_006_720, 699, "kettle fridge dishwasher washing_machine microwave", 60),
    "ukdale_house5_60s": (190_032, 132, "kettle fridge dishwasher washing_machine", 60),
}


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    size = draw(st.integers(2, 40))
    watts = st.lists(
        st.one_of(st.just(np.nan), st.floats(0, 5000, width=32)), min_size=size, max_size=size
    )
    mains = np.array(draw(watts), dtype=np.float32)
    mains[0] = draw(st.floats(100, 5000, width=32))
    at = draw(st.sets(st.integers(1, size - 1), max_size=2)) if size > 4 else set()
    period_s = draw(st.sampled_from([1.0, 6.0, 7.5, 8.0, 60.0]))
    jumps = tuple(
        Jump(sample, START + timedelta(days=30 * (i + 1))) for i, sample in enumerate(sorted(at))
    )
    appliances = {
        name: np.array(draw(watts), dtype=np.float32) for name in ("kettle", "washing_machine")
    }
    return Recording("house 7", period_s, mains, appliances, START, jumps)


@given(recordings())
def test_a_recording_comes_back_as_it_was_written(tmp_path: Path, recording: Recording):
    path = tmp_path / "house.parquet"
    write_recording(recording, path)
    back = load_recording(path)
    assert (back.house, back.period_s, back.start) == (
        recording.house,
        recording.period_s,
        recording.start,
    )
    assert back.jumps == recording.jumps
    np.testing.assert_array_equal(back.mains_w, recording.mains_w)
    assert list(back.appliances_w) == list(recording.appliances_w)
    for name, power_w in recording.appliances_w.items():
        np.testing.assert_array_equal(back.appliance_w(name), power_w)


def test_the_schema_is_that_of_the_data(tmp_path: Path, make_recording):
    path = tmp_path / "house.parquet"
    write_recording(
        make_recording([1, 2, 3], kettle=[0, 1, np.nan]), path, dataset="test", licence="CC BY 4.0"
    )
    schema = pq.read_schema(path)
    assert schema.names == ["time", "mains", "kettle"]
    assert schema.types == [pa.timestamp("ms", "UTC"), pa.float32(), pa.float32()]
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    assert read_metadata(path) == {
        "dataset": "test",
        "house": "home",
        "period_s": "6",
        "unit": "W",
        "licence": "CC BY 4.0",
        "nominal_time": "false",
    }


def test_the_schema_equals_that_of_the_real_files(tmp_path: Path, make_recording, data_dir: Path):
    path = tmp_path / "house.parquet"
    names = ("kettle", "fridge", "dishwasher", "washing_machine", "microwave")
    write_recording(make_recording([100, 200], **{name: [0, 1] for name in names}), path)
    real = pq.read_schema(data_dir / "ukdale_house1_6s_a.parquet")
    assert {f.name: f.type for f in pq.read_schema(path)} == {f.name: f.type for f in real}


def test_a_recording_without_times_gets_nominal_ones_and_says_so(tmp_path: Path, make_recording):
    path = tmp_path / "house.parquet"
    write_recording(make_recording([100, 200, 300], start=None), path)
    assert read_metadata(path)["nominal_time"] == "true"
    assert load_recording(path).start == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, make_recording):
    path = tmp_path / "house.parquet"
    write_recording(make_recording([100, 200]), path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_recording(make_recording([300, 400]), path, dataset=object())  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path, make_recording):
    (tmp_path / "file").touch()
    with pytest.raises(Seq2PointError, match=r"house\.parquet: cannot be written"):
        write_recording(make_recording([100, 200]), tmp_path / "file" / "house.parquet")


@pytest.mark.parametrize("name", REAL)
def test_real_files_hold_what_their_readme_says(data_dir: Path, name: str):
    rows, days, appliances, period_s = REAL[name]
    path = data_dir / f"{name}.parquet"
    recording = load_recording(path)
    assert read_metadata(path)["unit"] == "W"
    assert recording.period_s == period_s
    assert len(recording) == rows
    assert recording.days == pytest.approx(days, abs=0.5)
    assert set(recording.appliances_w) == set(appliances.split())
    assert len(recording.jumps) == (name == "refit_house2_8s")
    assert np.nanmin(recording.mains_w) >= 0


def test_the_gaps_of_a_real_file_stay_gaps(data_dir: Path):
    recording = load_recording(data_dir / "refit_house2_30s.parquet", ["kettle"])
    assert np.isnan(recording.mains_w).mean() == pytest.approx(0.24, abs=0.005)
    assert np.nanmax(recording.mains_w) == 6000


def test_a_real_recording_round_trips(data_dir: Path, tmp_path: Path):
    recording = load_recording(data_dir / "refit_house2_8s.parquet").slice(150_000, 152_400)
    write_recording(recording, tmp_path / "cut.parquet")
    back = load_recording(tmp_path / "cut.parquet")
    assert (back.start, back.jumps) == (recording.start, recording.jumps)
    np.testing.assert_array_equal(back.mains_w, recording.mains_w)
