"""`seq2point data`: recordings checked, and synthetic ones made."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from seq2point.appliances import APPLIANCES
from seq2point.data.parquet_file import DIGEST, read_metadata
from seq2point.data.table import load_recording
from seq2point.simulator import simulate_house

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory, seq2point: Command) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    answer = seq2point(
        "data",
        "synthesise",
        "-o",
        folder,
        "--houses",
        2,
        "--days",
        3,
        "--period",
        "8s",
        "--seed",
        7,
    )
    assert answer.code == 0, answer.err
    assert f"{folder}: 2 houses of 3 days at 8 s, mains and kettle, fridge" in answer.out
    return folder


def test_synthetic_houses_are_the_simulators_and_the_same_whoever_makes_them(
    houses: Path, seq2point: Command, tmp_path: Path
):
    assert sorted(path.name for path in houses.iterdir()) == ["house_7.parquet", "house_8.parquet"]
    loaded, made = (
        load_recording(houses / "house_8.parquet"),
        simulate_house(8, days=3, period_s=8.0),
    )
    assert (loaded.house, loaded.period_s, loaded.start) == ("8", 8.0, made.start)
    np.testing.assert_array_equal(loaded.mains_w, made.mains_w)
    assert {name: len(w) for name, w in loaded.appliances_w.items()} == dict.fromkeys(
        made.appliances_w, len(made)
    )
    assert read_metadata(houses / "house_8.parquet")["dataset"] == "simulated"
    again = seq2point(
        "data",
        "synthesise",
        "-o",
        tmp_path,
        "--houses",
        1,
        "--days",
        3,
        "--period",
        "8s",
        "--seed",
        8,
    )
    assert again.code == 0
    assert (tmp_path / "house_8.parquet").read_bytes() == (houses / "house_8.parquet").read_bytes()


def test_some_appliances_alone_are_written(seq2point: Command, tmp_path: Path):
    words = (
        "--houses",
        1,
        "--days",
        0.1,
        "--appliances",
        "Kettle",
        "--appliances",
        "dish washer",
        "--json",
        "-",
    )
    answer = seq2point("data", "synthesise", "-o", tmp_path, *words)
    assert json.loads(answer.out)["houses"][0]["rows"] == 1440
    assert pl.read_parquet(tmp_path / "house_0.parquet").columns == [
        "time",
        "mains",
        "kettle",
        "dishwasher",
    ]
    refused = seq2point("data", "synthesise", "-o", tmp_path / "no", "--appliances", "teapot")
    assert (refused.code, refused.out) == (2, "")
    assert not (tmp_path / "no").exists()


def test_healthy_files_leave_with_0_a_table_a_report_and_a_page_each(
    houses: Path, seq2point: Command, tmp_path: Path
):
    page, report = tmp_path / "page.png", tmp_path / "report.json"
    answer = seq2point("data", "check", *sorted(houses.iterdir()), "-o", page, "--json", report)
    assert answer.code == 0, answer.err
    assert "energy and time on" in answer.out
    assert "washing machine" in answer.out
    found = json.loads(report.read_text())["files"]
    assert [file["house"] for file in found] == ["7", "8"]
    assert all(finding["advice"] for file in found for finding in file["findings"])
    assert {use["channel"] for use in found[0]["uses"]} == {"mains", *APPLIANCES}
    assert {path.name for path in tmp_path.iterdir()} == {
        "page-house_7.png",
        "page-house_8.png",
        "report.json",
    }
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in tmp_path.glob("*.png"))


def table(path: Path, rows: int = 400, **columns: Any) -> Path:
    rng = np.random.default_rng(0)
    usual = {
        "time": np.arange(rows) * 8 + 1_700_000_000,
        "mains": rng.integers(100, 3000, rows).astype(float),
    }
    pl.DataFrame({**usual, **columns}).write_csv(path)
    return path


def checked(
    seq2point: Command, path: Path, *words: Any
) -> tuple[int, dict[tuple[str, str | None], dict[str, Any]]]:
    answer = seq2point("data", "check", path, "--json", "-", *words)
    (file,) = json.loads(answer.out)["files"]
    return answer.code, {(f["check"], f["channel"]): f for f in file["findings"]}


def test_what_a_reader_would_refuse_is_a_finding_and_the_rest_is_checked_on(
    seq2point: Command, tmp_path: Path
):
    mains_w = np.random.default_rng(0).integers(100, 3000, 400).astype(float)
    mains_w[30], mains_w[40] = -500, 1e6
    code, found = checked(
        seq2point, table(tmp_path / "a.csv", mains=mains_w, entity_id=["sensor.meter"] * 400)
    )
    assert code == 3
    assert found["values", None]["severity"] == "error"
    assert ("period", None) in found
    code, found = checked(seq2point, table(tmp_path / "b.csv", mains=np.abs(mains_w) / 1e6))
    assert code == 3
    assert "set `unit` to kW" in found["unit", "mains"]["advice"]
    code, found = checked(
        seq2point, table(tmp_path / "c.csv", time=np.arange(400)[::-1] * 8 + 1_700_000_000)
    )
    assert code == 3
    assert "out of order" in found["values", None]["figure"]


def test_a_period_other_than_claimed_is_found(houses: Path, seq2point: Command, tmp_path: Path):
    import pyarrow.parquet as pq

    whole = pq.read_table(houses / "house_7.parquet")
    facts = {key: value for key, value in whole.schema.metadata.items() if key != DIGEST.encode()}
    lying = whole.replace_schema_metadata(facts | {b"period_s": b"6"})
    pq.write_table(lying, tmp_path / "lying.parquet")
    code, found = checked(seq2point, tmp_path / "lying.parquet")
    assert code == 3
    assert (
        found["period", None]["figure"]
        == "claims a reading every 6 s, its times show one every 8 s"
    )
    assert found["period", None]["value"] == 8


def test_the_columns_of_refit_are_read_and_its_issues_counted(seq2point: Command, tmp_path: Path):
    path = tmp_path / "CLEAN_House1.csv"
    unix = pl.Series(np.arange(400) * 8 + 1_700_000_000)
    columns = {
        "Time": pl.from_epoch(unix).dt.strftime("%Y-%m-%d %H:%M:%S"),
        "Unix": unix,
        "Aggregate": np.random.default_rng(1).integers(200, 900, 400),
        "Appliance1": np.arange(400) % 90,
        "Issues": (np.arange(400) % 50 == 0).astype(int),
    }
    pl.DataFrame(columns).write_csv(path)
    code, found = checked(seq2point, path)
    assert code == 0
    assert found["issues", None]["value"] == 2.0
    assert {channel for _, channel in found} <= {None, "mains", "appliance1"}


def test_a_table_without_times_needs_a_period_and_says_so(seq2point: Command, tmp_path: Path):
    pl.DataFrame({"mains": np.random.default_rng(0).integers(100, 900, 50)}).write_csv(
        tmp_path / "bare.csv"
    )
    code, found = checked(seq2point, tmp_path / "bare.csv")
    assert code == 3
    assert "has no times; give its sampling period" in found["unreadable", None]["figure"]
    code, found = checked(seq2point, tmp_path / "bare.csv", "--period", "8s")
    assert code == 0
    assert found["times", None]["severity"] == "warning"


def test_files_of_one_house_are_told_apart_from_unseen_ones(
    houses: Path, seq2point: Command, tmp_path: Path
):
    (tmp_path / "later.parquet").write_bytes((houses / "house_7.parquet").read_bytes())
    answer = seq2point(
        "data", "check", houses / "house_7.parquet", tmp_path / "later.parquet", "--json", "-"
    )
    for file, other in zip(
        json.loads(answer.out)["files"], ("later.parquet", "house_7.parquet"), strict=True
    ):
        (finding,) = [f for f in file["findings"] if f["check"] == "same_house"]
        assert finding["figure"] == f"the same house as {other}"


def test_an_unreadable_file_is_an_error_among_others_and_a_missing_one_ends_it(
    houses: Path, seq2point: Command, tmp_path: Path
):
    (tmp_path / "junk.parquet").write_bytes(b"junk" * 40)
    answer = seq2point("data", "check", houses / "house_7.parquet", tmp_path / "junk.parquet")
    assert answer.code == 3
    assert answer.err.strip().endswith("seq2point: 1 of 2 files with errors")
    assert "energy and time on" in answer.out
    missing = seq2point("data", "check", tmp_path / "nowhere.csv")
    assert (missing.code, missing.out) == (1, "")
    assert "nowhere.csv: no such file" in missing.err
    assert (
        seq2point("data", "check", houses / "house_7.parquet", "-o", tmp_path / "page.html").code
        == 2
    )


def test_a_folder_without_readings_is_an_error(seq2point: Command, tmp_path: Path):
    (tmp_path / "notes.md").write_text("none\n")
    answer = seq2point("data", "check", tmp_path)
    assert answer.code == 1
    assert answer.err.splitlines() == [
        f"seq2point: {tmp_path}: no file of readings is there; name a folder that holds some"
    ]


def test_checking_and_synthesising_need_no_torch(houses: Path, tmp_path: Path):
    program = f"""
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"torch", "lightning", "sklearn", "safetensors", "scipy"}}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Blocked())
from seq2point.cli import app
for words in (["data", "check", {str(houses / "house_7.parquet")!r},
               "-o", {str(tmp_path / "p.png")!r}],
              ["data", "synthesise", "-o", {str(tmp_path)!r}, "--houses", "1", "--days", "0.1"]):
    app(words, standalone_mode=False)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "p.png").exists()
    assert (tmp_path / "house_0.parquet").exists()
