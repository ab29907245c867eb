"""Seq2point CSV files, which are scaled, come back as watts."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from seq2point import DataError
from seq2point.appliances import APPLIANCES, find_appliance
from seq2point.data.seq2point_csv import is_seq2point_csv, load_seq2point_csv

MAINS_W, KETTLE_W = [522.0, 1336.0, 0.0, 2750.5], [700.0, 2700.0, 0.0, 150.25]


def is_csv_text(
    header: str = "", mains_w=MAINS_W, appliance_w=KETTLE_W, name: str = "kettle"
) -> str:
    row = APPLIANCES[name]
    scaled = [
        ((m - 522) / 814, (a - row.mean_w) / row.std_w)
        for m, a in zip(mains_w, appliance_w, strict=True)
    ]
    return header + "".join(f"{m},{a}\n" for m, a in scaled)


def written(folder: Path, text: str | bytes, name: str = "kettle_training_.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("header", ["", "mains,kettle\n", "aggregate,power\n", "\n"])
@pytest.mark.parametrize("name", APPLIANCES)
def test_files_with_and_without_a_header_are_scaled_back_to_watts(
    tmp_path: Path, header: str, name: str
):
    path = written(tmp_path, is_csv_text(header, name=name))
    recording = load_seq2point_csv(path, find_appliance(name), 8.0)
    np.testing.assert_allclose(recording.mains_w, MAINS_W, atol=0.01)
    np.testing.assert_allclose(recording.appliance_w(name), KETTLE_W, atol=0.01)
    assert (recording.house, recording.period_s, recording.start) == ("kettle_training_", 8.0, None)


def test_rounding_below_zero_watts_is_zero(tmp_path: Path):
    recording = load_seq2point_csv(
        written(tmp_path, "-0.645,-0.702\n0,0\n"), find_appliance("kettle"), 8.0
    )
    assert recording.mains_w[0] == recording.appliance_w("kettle")[0] == 0


def test_empty_cells_are_gaps(tmp_path: Path):
    recording = load_seq2point_csv(
        written(tmp_path, "mains,kettle\n0,\n,0\n"), find_appliance("kettle"), 8.0
    )
    np.testing.assert_array_equal(recording.mains_w, [522, np.nan])
    np.testing.assert_array_equal(recording.appliance_w("kettle"), [np.nan, 700])


@pytest.mark.parametrize(
    ("text", "is_csv"),
    [
        ("0.1,0.2\n", True),
        ("mains,kettle\n0.1,0.2\n", True),
        ("time,mains\n0,1\n", False),
        ("Time,mains\n0,1\n", False),
        ("Unix,aggregate\n0,1\n", False),
        ("a,b,c\n0,1,2\n", False),
        ("mains\n1\n", False),
    ],
)
def test_a_is_csv_file_has_two_columns_of_which_none_is_time(
    tmp_path: Path, text: str, is_csv: bool
):
    assert is_seq2point_csv(written(tmp_path, text)) is is_csv


def test_a_parquet_file_is_no_is_csv_file(data_dir: Path):
    assert not is_seq2point_csv(data_dir / "ukdale_house1_6s_b.parquet")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mains,kettle\n0,0\n0,x\n", "line 3: 'kettle' is 'x', not a number"),
        ("0,0\n0,x\n", "line 2: 'column_2' is 'x', not a number"),
        ("\n0,0\n0,x\n", "line 3: 'column_2' is 'x', not a number"),
        ("mains,kettle\n0,0\n-2,0\n", "line 3: 'mains' is -2, not a scaled power"),
        ("mains,kettle\n0,2500\n", "line 2: 'kettle' is 2500, not a scaled power"),
        ("mains,kettle\ninf,0\n", "line 2: 'mains' is inf"),
        ("a,b,c\n0,0,0\n", "3 columns"),
        ("mains\n0\n", "1 column;"),
        ("mains,kettle\n0,0\n0,0,0\n", "line 3: 3 cells under 2 columns"),
        ("mains,kettle\n", "holds no rows"),
        ("mains,kettle\nnan,0\n,1\n", "only gaps"),
        ("", "empty"),
        (
            b"mains,kettle\n0,0\n\xff\xfe,0\n",
            "line 3: 'mains' is '\xff\xfe', not a number; mend it",
        ),
        (b"\x00\xff\x93garbage", "has 1 column; a seq2point CSV has two"),
        (pickle.dumps([1]), "is neither text nor Parquet"),
    ],
)
def test_a_file_that_cannot_be_scaled_power_is_refused_in_one_line(
    tmp_path: Path, text: str | bytes, says: str
):
    path = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        load_seq2point_csv(path, find_appliance("kettle"), 8.0)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
