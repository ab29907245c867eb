"""`seq2point fit-budget`, as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2point import Model
from seq2point.system.c_compiler import find_compiler

Command = Callable[..., Any]
QUICK = (
    "--pruning-steps",
    5,
    "--steps",
    5,
    "--batch-size",
    200,
    "--threads",
    1,
    "--channels",
    "0,0.5",
)


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler here")
def test_the_winner_lies_in_the_folder_with_the_table_and_the_picture(
    seq2point: Command, unmasked: Path, files: Any, tmp_path: Path
):
    words = (
        "fit-budget",
        unmasked,
        "--train",
        files.train,
        "--validate",
        files.test,
        "--units",
        "0.5,0.9",
        *QUICK,
    )
    answer = seq2point(
        *words, "--flash", "256KB", "--ram", "64KB", "--latency", "5ms", "-o", tmp_path
    )
    assert answer.code == 0, answer.err
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {
        "fit.json",
        "fit.md",
        "fit.png",
        "model.safetensors",
        "model.c",
        "model.h",
        "parts",
    }
    report = json.loads((tmp_path / "fit.json").read_text())
    (best,) = (point for point in report["points"] if point["best"])
    assert (
        Model.load(tmp_path / "model.safetensors").architecture.model_dump(mode="json")
        == best["architecture"]
    )
    assert report["room"] == {
        "flash_bytes": 1 << 18,
        "ram_bytes": 1 << 16,
        "latency_s": pytest.approx(0.005),
    }
    assert (tmp_path / "fit.md").read_text().splitlines()[0] in answer.out
    (house,) = report["validated_in"]
    assert f"What was exported (microcontroller), on {house}. Best" in answer.out
    assert "| zero predictor |" in answer.out
    assert "| mean predictor |" in answer.out
    assert answer.err.startswith("[1/4] ")


def test_where_nothing_fits_the_table_says_why(
    seq2point: Command, unmasked: Path, files: Any, tmp_path: Path
):
    words = (
        "fit-budget",
        unmasked,
        "--train",
        files.train,
        "--units",
        "0",
        *QUICK,
        "--flash",
        100,
        "-o",
        tmp_path,
    )
    for name in ("model.c", "model.safetensors", "fit.png"):
        (tmp_path / name).write_text("of another budget")
    answer = seq2point(*words)
    assert answer.code == 1
    assert {path.name for path in tmp_path.iterdir()} == {"fit.json", "fit.md"}
    assert "of flash, 0 KB are there" in answer.out
    assert answer.err.splitlines()[-1].startswith("seq2point: nothing fits: ")
    refused = seq2point(
        "fit-budget", unmasked, "--train", files.train, "--units", "half", "-o", tmp_path / "no"
    )
    assert (refused.code, refused.err.strip()) == (
        2,
        "seq2point: --units half: expected a share from 0 to below 1, as 0.5 or 0.5,0.8",
    )
    assert not (tmp_path / "no").exists()
