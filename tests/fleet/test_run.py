"""What a run of a fleet writes, what it does again, and what it sets aside."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.fleet.conftest import Run, list_bytes, make_mains_w, save_model, write_home

from seq2point.fleet.manifest import NAME, Manifest
from seq2point.fleet.storage import OutputError
from seq2point.household import HomeEnergy
from seq2point.system.atomic_files import atomic_write


def test_the_files_of_a_home_are_its_energy_and_its_power(houses: Path, run: Run):
    result = run(houses)
    assert (result.homes, result.done, result.unchanged) == (3, 3, 0)
    alone = HomeEnergy.from_mains(houses / "h1.parquet", run.model)
    power = pl.read_parquet(f"{run.out}/power/house=h1/power.parquet", hive_partitioning=False)
    assert power.equals(alone.power.fill_null(np.nan))
    energy = run.read("energy").filter(pl.col("house") == "h1")
    expected = alone.energy.filter(pl.col("period") == "day").rename({"start": "date"})
    assert energy.drop("house").equals(expected.select(energy.drop("house").columns))
    assert set(energy["name"]) == {"kettle", "always_on", "other", "mains"}
    assert energy["date"].dtype == pl.Date


def test_a_second_run_does_nothing_again(houses: Path, run: Run):
    run(houses)
    before = list_bytes(Path(run.out))
    result = run(houses)
    assert (result.done, result.unchanged, run.worked) == (3, 3, [])
    assert list_bytes(Path(run.out)) == before


def test_a_new_home_is_the_only_work_of_a_second_run(houses: Path, run: Run):
    run(houses)
    write_home(houses / "h9.parquet", 9)
    assert run(houses).done == 4
    assert run.worked == ["h9"]


def test_a_changed_home_is_worked_on_again_and_a_copied_one_is_not(houses: Path, run: Run):
    run(houses)
    write_home(houses / "h1.parquet", 5)
    os.utime(houses / "h2.parquet", (1, 1))
    result = run(houses)
    assert run.worked == ["h1"]
    assert result.unchanged == 2
    alone = HomeEnergy.from_mains(houses / "h1.parquet", run.model)
    kwh = run.read("energy").filter(pl.col("house") == "h1", pl.col("name") == "mains")["kwh"]
    assert kwh.sum() == pytest.approx(alone.totals.watt_hours[:, -1].sum() / 1000)
    run(houses)
    assert run.worked == []


def test_another_model_or_setting_does_all_again(houses: Path, run: Run, tmp_path: Path):
    run(houses)
    run(houses, zone="Europe/London")
    assert run.worked == ["h0", "h1", "h2"]
    run.model = save_model(tmp_path / "kettle.safetensors", seed=8)
    run(houses, zone="Europe/London")
    assert run.worked == ["h0", "h1", "h2"]
    run(houses, zone="Europe/London", fill=3)
    assert run.worked == ["h0", "h1", "h2"]
    run(houses, zone="Europe/London", fill=3)
    assert run.worked == []


def test_without_power_an_earlier_runs_power_goes(houses: Path, run: Run):
    run(houses)
    run(houses, power=False)
    assert not [*Path(run.out).glob("power/*/*")]
    assert run.read("energy")["house"].n_unique() == 3
    run(houses, power=False)
    assert run.worked == []


def test_without_its_manifest_a_run_knows_finished_homes_by_their_files(houses: Path, run: Run):
    run(houses)
    (Path(run.out) / NAME).unlink()
    result = run(houses)
    assert (result.unchanged, run.worked) == (3, [])


@pytest.mark.parametrize("table", ["energy", "power"])
def test_a_result_that_is_gone_is_made_again(houses: Path, run: Run, table: str):
    run(houses)
    before = list_bytes(Path(run.out))
    Path(f"{run.out}/{table}/house=h1/{table}.parquet").unlink()
    run(houses)
    assert run.worked == ["h1"]
    assert list_bytes(Path(run.out)) == before


BAD = {
    "empty": b"",
    "cut": b"PAR1 and then nothing",
    "words.csv": b"time,mains\n2024-01-01T00:00,abc\n2024-01-01T00:01,def\n",
    "back.csv": b"time,mains\n2024-01-01T00:01,5\n2024-01-01T00:00,6\n2024-01-01T00:02,6\n",
    "binary": bytes(range(256)) * 9,
    "other.csv": b"name,age\nann,7\nbob,8\n",
    "gaps.csv": b"time,mains\n2024-01-01T00:00,\n2024-01-01T00:01,\n",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_home_is_set_aside_with_one_line_and_the_others_go_on(
    houses: Path, run: Run, kind: str
):
    path = houses / (kind if "." in kind else f"{kind}.parquet")
    path.write_bytes(BAD[kind])
    result = run(houses)
    assert result.done == 3
    (bad,) = result.set_aside
    assert bad.house == path.stem
    assert str(path) in bad.reason
    assert "\n" not in bad.reason
    assert not [*Path(run.out).glob(f"*/house={bad.house}/*")]
    result = run(houses)
    assert (len(result.set_aside), run.worked) == (1, [])
    result = run(houses, retry=True)
    assert run.worked == [bad.house]


def test_a_home_too_coarse_for_its_model_is_set_aside(houses: Path, run: Run):
    frame = pl.read_parquet(houses / "h0.parquet").gather_every(15)
    frame.write_parquet(houses / "slow.parquet")
    result = run(houses)
    assert [each.house for each in result.set_aside] == ["slow"]
    assert "a reading every 900 s" in result.set_aside[0].reason


def test_a_home_that_is_mended_is_worked_on_and_one_that_spoils_loses_its_result(
    houses: Path, run: Run
):
    (houses / "h3.parquet").write_bytes(b"PAR1")
    run(houses)
    write_home(houses / "h3.parquet", 3)
    (houses / "h0.parquet").write_bytes(b"PAR1")
    result = run(houses)
    assert [each.house for each in result.set_aside] == ["h0"]
    assert set(run.read("energy")["house"]) == {"h1", "h2", "h3"}


def test_gaps_and_clock_changes_count_as_they_do_alone(tmp_path: Path, run: Run):
    mains_w = make_mains_w(1)
    mains_w[600:1100] = np.nan
    frame = pl.DataFrame({"time": 1_711_756_800 + 60 * np.arange(len(mains_w)), "mains": mains_w})
    (tmp_path / "in").mkdir()
    frame.filter(pl.col("mains").is_not_nan()).write_csv(tmp_path / "in" / "gaps.csv")
    run(tmp_path / "in", zone="Europe/London")
    energy = run.read("energy").filter(pl.col("name") == "mains")
    assert energy["hours"].to_list() == [24.0, 23.0, 24.0]
    assert energy["hours_known"].sum() == pytest.approx((len(mains_w) - 500) / 60, abs=0.01)


def test_the_manifest_says_what_decided_each_home(houses: Path, run: Run):
    import json
    import sqlite3

    run(houses)
    with sqlite3.connect(Path(run.out) / NAME) as database:
        rows = database.execute(
            "SELECT house, status, input_sha256, models_sha256, settings_sha256, summary FROM homes"
        ).fetchall()
    assert {row[0]: row[1] for row in rows} == dict.fromkeys(("h0", "h1", "h2"), "done")
    assert all(len(digest) == 64 for row in rows for digest in row[2:5])
    summary = json.loads(rows[0][5])
    assert summary["days"] == summary["days_known"] == 2.0
    assert set(summary["kwh"]) == {"kettle", "always_on", "other", "mains"}
    assert summary["models"] == {"kettle": "kettle.safetensors"}


def test_what_a_dead_worker_has_half_written_goes_wherever_it_is(houses: Path, run: Run):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder = Path(run.out) / "power" / "house=gone"
    with atomic_write(folder / "power.parquet") as beside:
        beside.touch()
        running = beside.with_name(beside.name.replace("power.", "other."))
        running.touch()
        left = beside.with_name(beside.name.replace(f"-{os.getpid()}.", f"-{dead.pid}."))
        left.touch()
    assert run(houses).done == 3
    assert {path.name for path in folder.iterdir()} == {running.name, "power.parquet"}


def test_a_damaged_manifest_is_one_line_that_says_what_to_do(houses: Path, run: Run):
    Path(run.out).mkdir()
    (Path(run.out) / NAME).write_bytes(b"no database at all" * 100)
    with pytest.raises(OutputError, match="remove it: finished homes are known by their own"):
        run(houses)


def test_a_later_versions_manifest_is_refused(tmp_path: Path):
    import sqlite3

    with sqlite3.connect(tmp_path / NAME) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(OutputError, match="by a later version of seq2point"):
        Manifest(tmp_path, "", "")
