"""`seq2point export --target microcontroller`, as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Command = Callable[..., Any]


@pytest.fixture
def model(trained: tuple[Path, Any]) -> Path:
    return trained[0] / "compact.safetensors"


def test_a_model_becomes_a_source_pair_and_its_costs_are_told(seq2point: Command, model: Path, files: Any, tmp_path: Path):
    export = ("export", model, "--target", "microcontroller", "--calibrate", files.train, "--flash", "1MB", "--prefix", "kettle")
    answer = seq2point(*export, "-o", tmp_path / "kettle", "--json", "-")
    assert answer.code == 0, answer.err
    assert {path.name for path in tmp_path.iterdir()} == {"kettle.c", "kettle.h"}
    assert "int kettle_feed(kettle_state *state, float mains_w, float *power_w);" in (tmp_path / "kettle.h").read_text()
    report = json.loads(answer.out)
    assert report["flash_bytes"] > report["multiply_adds"] > 1000
    assert report["difference_on_w"]["16"] < 50
    assert "RAM with the stack" in answer.err
    assert "features in 16 bits" in answer.err


REFUSED = {
    "another target": ("--target abacus", 2, "unknown target 'abacus': choose one of microcontroller"),
    "no calibration": ("--flash 1MB", 2, "need --calibrate FILE: a recording in which the kettle is on"),
    "a kettle that is never on": ("--flash 1MB --calibrate {off}", 1, "the kettle is never on in a full window of 31 readings"),
    "another period": ("--flash 1MB --calibrate {slow}", 1, "a reading every 8 s"),
    "too little flash": ("--flash 4KB", 2, "of flash, 4.0 KB are there: prune hidden units and channels and compact it"),
    "a size that is none": ("--flash much", 2, "'much' is no size; write 256KB or 1MB"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(why: str, seq2point: Command, model: Path, files: Any, tmp_path: Path):
    words, code, says = REFUSED[why]
    off = tmp_path / "off.parquet"
    pl.read_parquet(files.train).with_columns(kettle=pl.lit(0.0, pl.Float32)).write_parquet(off)
    if "--target" not in words:
        words = f"--target microcontroller {words}"
    out = tmp_path / "out"
    answer = seq2point("export", model, *words.format(off=off, slow=files.slow).split(), "-o", out / "kettle")
    assert answer.code == code
    assert says in answer.err
    assert "Traceback" not in answer.err
    assert not out.exists()
