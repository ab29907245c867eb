"""`seq2point transfer-curve`: what it writes and says, how it goes on, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2point.data.parquet_file import write_recording

Command = Callable[..., Any]
QUICK = (
    "--steps",
    3,
    "--batch-size",
    200,
    "--threads",
    1,
    "--seeds",
    2,
    "--freeze",
    "convolutions",
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, make_house: Command) -> Path:
    """A quarter of a day."""
    path = tmp_path_factory.mktemp("curve") / "house7.parquet"
    write_recording(make_house(3600, 7), path)
    return path


@pytest.fixture
def model(trained: tuple[Path, Any]) -> Path:
    return trained[0] / "model.safetensors"


def test_a_curve_is_written_and_its_points_are_not_made_twice(
    seq2point: Command, model: Path, house: Path, files: Any, tmp_path: Path
):
    words = (
        "transfer-curve",
        model,
        "--train",
        house,
        "--test",
        files.test,
        "--days",
        "0,0.1,0.2",
        "-o",
        tmp_path,
        *QUICK,
    )
    first = seq2point(*words)
    assert first.code == 0, first.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curve.json",
        "curve.md",
        "curve.png",
        "parts",
    ]
    lines = first.err.splitlines()
    assert lines[0].startswith("[1/9] as it is: MAE ")
    assert lines[2].startswith("[3/9] from nothing, 0.1 days with ")
    report = json.loads((tmp_path / "curve.json").read_text())
    assert {(point["choice"], point["days"]) for point in report["points"]} == {
        ("as it is", 0),
        ("convolutions", 0.1),
        ("convolutions", 0.2),
        ("from nothing", 0.1),
        ("from nothing", 0.2),
    }
    assert report["training"]["steps"] == 3
    table = (tmp_path / "curve.md").read_text()
    assert "| labels | on-states | convolutions frozen | from nothing |" in table
    assert table.splitlines()[0] in first.out
    again = seq2point(*words, "--json", "-")
    assert again.code == 0, again.err
    assert again.err.count("(was there)") == 9
    assert json.loads(again.out) | {"command": report["command"]} == report


def test_the_same_file_is_tested_on_after_the_days(
    seq2point: Command, model: Path, house: Path, tmp_path: Path
):
    words = (
        "transfer-curve",
        model,
        "--train",
        house,
        "--test",
        house,
        "--no-from-nothing",
        *QUICK,
    )
    answer = seq2point(*words, "--days", "0.05,0.1", "--stagger", 0.05, "-o", tmp_path)
    assert answer.code == 0, answer.err
    report = json.loads((tmp_path / "curve.json").read_text())
    assert report["test"][0]["samples"] == 3600 - 2160 - 31  # of 0.25 days, after 0.15 and a window
    assert len(set(report["days"][0]["starts"])) == 2
    usual = seq2point(*words, "--seeds", 1, "-o", tmp_path)
    assert usual.code == 0, usual.err
    assert [
        point["days"] for point in json.loads((tmp_path / "curve.json").read_text())["points"]
    ] == [0]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--days", "1,two"), 2, "--days 1,two: expected numbers from zero on, as 0,1,2,4"),
        (("--days", "0,-1"), 2, "--days 0,-1: expected numbers from zero on"),
        (("--days", "0,7"), 1, "house 7: holds 0.25 days of readings of kettle, the curve needs 7"),
        (
            ("--days", "0.1", "--freeze", "wall"),
            2,
            "--freeze wall: choose none, convolutions or all-but-output",
        ),
        (("--days", "0.1", "--epochs", 1), 2, "give one of --epochs, --steps and --budget"),
        (("--days", "0.1", "--appliance", "fridge"), 1, "house7.parquet: no column for 'fridge'"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line_and_nothing_is_written(
    seq2point: Command,
    model: Path,
    house: Path,
    files: Any,
    tmp_path: Path,
    words: tuple[object, ...],
    code: int,
    says: str,
):
    answer = seq2point(
        "transfer-curve",
        model,
        "--train",
        house,
        "--test",
        files.test,
        "-o",
        tmp_path / "no",
        *QUICK,
        *words,
    )
    assert answer.code == code
    assert says in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_finer_house_is_averaged_where_asked(
    seq2point: Command, model: Path, files: Any, make_house: Command, house: Path, tmp_path: Path
):
    write_recording(make_house(3000, 8, 2.0), tmp_path / "fine.parquet")
    words = (
        "transfer-curve",
        model,
        "--train",
        tmp_path / "fine.parquet",
        "--test",
        files.test,
        "--days",
        "0,0.05",
        *QUICK,
    )
    refused = seq2point(*words, "-o", tmp_path / "out")
    assert refused.code == 1
    assert (
        "a reading every 2 s, the model needs one every 6 s; set --resample to average readings"
        in refused.err
    )
    assert not (tmp_path / "out").exists()
    answer = seq2point(*words, "-o", tmp_path / "out", "--resample")
    assert answer.code == 0, answer.err
    train = json.loads((tmp_path / "out" / "curve.json").read_text())["train"]
    assert (train["period_s"], train["resampled_from_s"]) == (6.0, 2.0)
    assert train["samples"] == pytest.approx(1000, abs=1)
