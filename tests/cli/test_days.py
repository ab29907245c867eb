"""`--days` of `seq2point test`, and the command that its report and a training's keep."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.report.results.run_folders import TINY, make_house

from seq2point import Model
from seq2point.data.parquet_file import write_recording

Command = Callable[..., Any]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    path = tmp_path / "my house.parquet"
    write_recording(make_house(900, 3), path)
    return path


def test_the_days_are_written_and_named_with_the_command(
    seq2point: Command, house: Path, tmp_path: Path
):
    model = tmp_path / "model.safetensors"
    Model.untrained("kettle", 6.0, TINY).save(model)
    words = ("test", model, "--data", house, "--json", tmp_path / "t.json", "--days")
    answer = seq2point(*words, tmp_path / "days.parquet")
    assert answer.code == 0, answer.err
    report = json.loads((tmp_path / "t.json").read_text())
    assert report["days_file"] == str(tmp_path / "days.parquet")
    assert len(pl.read_parquet(report["days_file"])) == 900
    typed = ["seq2point", *map(str, words), str(tmp_path / "days.parquet")]
    assert shlex.split(report["command"]) == typed


def test_the_days_replace_no_file_that_is_read(seq2point: Command, house: Path, tmp_path: Path):
    model = tmp_path / "model.safetensors"
    Model.untrained("kettle", 6.0, TINY).save(model)
    before = house.read_bytes()
    answer = seq2point("test", model, "--data", house, "--days", house)
    assert answer.code == 2
    assert house.read_bytes() == before


def test_a_training_keeps_its_command(seq2point: Command, house: Path, tmp_path: Path):
    words = ("train", "kettle", "--train", house, "--network", "reduced", "--window", 33)
    words = (*words, "--steps", 2, "--out", tmp_path / "run")
    answer = seq2point(*words)
    assert answer.code == 0, answer.err
    kept = json.loads((tmp_path / "run" / "metrics.json").read_text())["command"]
    assert shlex.split(kept) == ["seq2point", *map(str, words)]
    assert (tmp_path / "run" / "days.parquet").exists()
