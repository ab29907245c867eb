"""`seq2point fleet` as a utility runs it, its check of the data, and its refusals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from seq2point import simulate_house
from seq2point.data.parquet_file import write_recording

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two homes at a minute, one at 8 s, one whose text is no numbers."""
    folder = tmp_path_factory.mktemp("fleet") / "houses"
    folder.mkdir()
    for seed, period_s in enumerate((60.0, 60.0, 8.0)):
        recording = simulate_house(seed, 1.5, period_s, appliances=())
        write_recording(recording, folder / f"h{seed}.parquet")
    (folder / "words.csv").write_text("time,mains\n2024-01-01T00:00,abc\n2024-01-01T00:01,def\n")
    return folder


@pytest.fixture(scope="module")
def ran(
    seq2point: Command, houses: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    out = tmp_path_factory.mktemp("out") / "result"
    answer = seq2point("fleet", "--input", houses, "--output", out, "--processes", 1)
    return out, answer


def test_without_models_each_home_gets_the_best_that_fit_it(ran: tuple[Path, Any]):
    out, answer = ran
    assert answer.code == 3, answer.err
    energy = pl.read_parquet(out / "energy/**/*.parquet", hive_partitioning=True)
    assert set(energy["house"]) == {"h0", "h1", "h2"}
    names = {"kettle", "fridge", "dishwasher", "washing_machine", "microwave"}
    assert set(energy["name"]) == names | {"always_on", "other", "mains"}
    whole = energy.filter(pl.col("name") != "mains").group_by("house", "date").agg(pl.sum("kwh"))
    mains = energy.filter(pl.col("name") == "mains").join(whole, ["house", "date"])
    assert ((mains["kwh"] - mains["kwh_right"]).abs() < 1e-9).all()
    power = pl.read_parquet(out / "power/house=h2/power.parquet")
    assert power["time"].dtype == pl.Datetime("ms", "UTC")
    assert power["time"].diff().drop_nulls().dt.total_seconds().unique().to_list() == [60]


def test_it_says_how_many_are_done_and_why_others_are_not(ran: tuple[Path, Any], houses: Path):
    out, answer = ran
    lines = answer.err.splitlines()
    assert lines[0] == f"{houses}: 4 homes"
    file = houses / "words.csv"
    assert lines[1].startswith(f"words: {file}: column 'mains' holds 'abc', not numbers")
    assert "--mains-column" in lines[1]
    assert lines[2] == f"{out}: 3 homes done"
    assert lines[3] == (
        f"seq2point: 1 of 4 homes set aside; the reasons are in {out}/manifest.sqlite"
    )


def test_a_second_run_says_that_all_are_up_to_date(
    seq2point: Command, ran: tuple[Path, Any], houses: Path
):
    answer = seq2point("fleet", "--input", houses, "-o", ran[0], "--processes", 1)
    assert answer.code == 3
    assert f"{ran[0]}: 3 homes done, of which 3 were up to date" in answer.err


def test_the_data_check_lists_bad_homes_and_predicts_nothing(
    seq2point: Command, houses: Path, tmp_path: Path
):
    out = tmp_path / "out"
    answer = seq2point("fleet", "--input", houses, "-o", out, "--processes", 1, "--data-check")
    assert answer.code == 3
    assert "seq2point: 1 of 4 homes with errors" in answer.err
    findings = pl.read_csv(out / "data_check.csv")
    errors = findings.filter(pl.col("severity") == "error")
    assert errors.select("house", "check").rows() == [("words", "unreadable")]
    assert "name another column with --mains-column" in errors["figure"].item()
    assert errors["figure"].item() in answer.err
    assert not [*out.rglob("*.parquet")]


def test_named_models_are_the_ones_that_tell_apart(
    seq2point: Command, houses: Path, tmp_path: Path
):
    out = tmp_path / "out"
    words = ("--input", houses / "h[01].parquet", "-o", out, "--processes", 1, "--energy-only")
    answer = seq2point("fleet", "kettle-60s", "fridge-60s", *words)
    assert answer.code == 0, answer.err
    energy = pl.read_parquet(out / "energy/**/*.parquet", hive_partitioning=True)
    assert set(energy["name"]) == {"kettle", "fridge", "always_on", "other", "mains"}
    assert not (out / "power").exists()
    answer = seq2point("fleet", "kettle-60s", "fridge-60s", *words, "--without", "fridge")
    assert answer.code == 0, answer.err
    energy = pl.read_parquet(out / "energy/**/*.parquet", hive_partitioning=True)
    assert set(energy["name"]) == {"kettle", "always_on", "other", "mains"}


REFUSALS = {
    "no homes": (("--input", "{tmp}/none*"), 1, "no file of readings is there"),
    "unknown model": (("toaster-60s", "--input", "{houses}"), 2, "no model of 'toaster-60s'"),
    "no model file": (("{tmp}/m.safetensors", "--input", "{houses}"), 1, "no such model file"),
    "two kettles": (
        ("kettle-60s", "kettle-8s", "--input", "{houses}"),
        2,
        "two models predict the kettle",
    ),
    "several periods": (("kettle", "--input", "{houses}"), 2, "name one of kettle-8s, kettle-60s"),
    "unknown appliance": (
        ("--input", "{houses}", "--without", "toaster"),
        2,
        "--without 'toaster': no model is for it",
    ),
    "unknown zone": (("--input", "{houses}", "--zone", "Europe/Nowhere"), 2, "Europe/Nowhere"),
    "unknown column": (("--input", "{houses}", "--house", "meter"), 2, "--house"),
    "relative on a cluster": (
        ("--input", "houses", "--cluster", "auto"),
        1,
        "no file of readings is there",
    ),
    "processes on a cluster": (
        ("--input", "{houses}", "--cluster", "auto", "--processes", "2"),
        2,
        "--processes are those of one machine",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_are_one_line_before_any_work(
    seq2point: Command, houses: Path, tmp_path: Path, case: str
):
    words, code, text = REFUSALS[case]
    filled = [word.format(houses=houses, tmp=tmp_path) for word in words]
    out = tmp_path / "out"
    answer = seq2point("fleet", *filled, "-o", out)
    assert (answer.code, text in answer.err) == (code, True), answer.err
    assert not out.exists()


@pytest.mark.parametrize("pattern", ["{houses}", "{houses}/", "{houses}/**/*.parquet"])
def test_results_inside_the_input_are_refused_before_anything_is_done(
    seq2point: Command, houses: Path, pattern: str
):
    answer = seq2point("fleet", "--input", pattern.format(houses=houses), "-o", houses / "a" / "b")
    assert answer.code == 2
    assert "the next run would take its files for homes; write to another folder" in answer.err
    assert not (houses / "a").exists()
    assert len(answer.err.splitlines()) == 1


def test_results_among_the_readings_are_refused(seq2point: Command, houses: Path):
    answer = seq2point("fleet", "--input", houses, "-o", houses.parent)
    assert answer.code == 2
    assert "holds the readings of home 'h0'; write to another folder" in answer.err


def test_progress_has_a_rate_and_the_time_left():
    from seq2point.cli.fleet_progress import FleetProgress
    from seq2point.fleet.task import HomeResult, Status

    clock = iter((0.0, 5.0, 7.0, 7.0, 9.0, 9.0)).__next__
    progress = FleetProgress(100, clock)
    progress.add(HomeResult("a", Status.DONE, unchanged=True))
    assert progress.describe() == "1 of 100 homes"
    progress.add(HomeResult("b", Status.DONE))
    progress.add(HomeResult("c", Status.SET_ASIDE, reason="bad"))
    assert progress.describe() == "3 of 100 homes, 1 set aside, 1.0 homes a second, 97 s left"
    assert progress.describe().endswith("30.0 homes a minute, 194 s left")
