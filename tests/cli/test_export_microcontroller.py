"""`seq2point export --target microcontroller`, as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from seq2point.system.c_compiler import find_compiler

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def model(unmasked: Path) -> Path:
    return unmasked


@pytest.fixture(scope="module")
def exported(
    seq2point: Command, model: Path, files: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """The folder with the pair, and what the command said."""
    if find_compiler() is None:
        pytest.skip("no C compiler here")
    out = tmp_path_factory.mktemp("firmware")
    words = ("--calibrate", files.train, "--flash", "1MB", "--prefix", "kettle", "--json", "-")
    return out, seq2point(
        "export", model, "--target", "microcontroller", *words, "-o", out / "kettle"
    )


def test_a_model_becomes_a_source_pair_and_is_proved_on_what_was_held_back(
    exported: tuple[Path, Any],
):
    out, answer = exported
    assert answer.code == 0, answer.err
    assert {path.name for path in out.iterdir()} == {"kettle.c", "kettle.h"}
    assert (
        "int kettle_feed(kettle_state *state, float mains_w, float *power_w);"
        in (out / "kettle.h").read_text()
    )
    report = json.loads(answer.out)
    assert report["flash_bytes"] > report["multiply_adds"] > 1000
    assert report["difference_on_w"]["16"] < 50
    assert report["verification"]["windows"] == 750 - 30
    metrics = report["verification"]["metrics"]
    assert (
        metrics["exported"]["kettle"]["on_mae_w"] <= 1.05 * metrics["native"]["kettle"]["on_mae_w"]
    )
    assert report["verification"]["costs"]["exported"]["latency_ms"] > 0
    for said in (
        "as counted, with the stack",
        "features in 16 bits",
        "MAE while on",
        "largest difference",
    ):
        assert said in answer.err


def test_verify_compiles_the_c_and_refuses_what_was_altered(
    exported: tuple[Path, Any],
    seq2point: Command,
    model: Path,
    files: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("seq2point.deploy.verify._measure_costs", lambda *_: {})
    source, header = exported[0] / "kettle.c", exported[0] / "kettle.h"
    answer = seq2point("verify", source, model, "--data", files.test)
    assert answer.code == 0, answer.err
    assert "kettle.c beside the native model, 1,470 windows" in answer.out
    text = header.read_text()
    for says, content in (
        ("copy.h: the header cannot be read", None),
        (
            "copy.h: the header was altered",
            text.replace("#define KETTLE_WINDOW 31", "#define KETTLE_WINDOW 32"),
        ),
    ):
        copy = tmp_path / "copy.c"
        copy.write_text(source.read_text())
        if content:
            copy.with_suffix(".h").write_text(content)
        answer = seq2point("verify", copy, model, "--data", files.test)
        assert (answer.code, answer.out) == (1, "")
        assert says in answer.err
    copy.write_text(source.read_text().replace("WEIGHTS", "WEIGHT_", 1))
    assert (
        "copy.c: the file was altered" in seq2point("verify", copy, model, "--data", files.test).err
    )


REFUSED = {
    "another target": ("--target abacus", 2, "unknown target 'abacus': choose one of onnx, litert"),
    "a kettle that is never on": (
        "--flash 1MB --calibrate {off}",
        1,
        "the kettle is never on in the part that int8 is",
    ),
    "another period": ("--flash 1MB --calibrate {slow}", 1, "a reading every 8 s"),
    "too little flash": (
        "--flash 4KB",
        2,
        "of flash, 4.0 KB are there: prune hidden units and channels and compact it",
    ),
    "a size that is none": (
        "--flash much",
        2,
        "invalid size 'much': expected for example 256KB or 1MB",
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_is_refused_in_one_line(
    why: str, seq2point: Command, model: Path, files: Any, tmp_path: Path
):
    words, code, says = REFUSED[why]
    off = tmp_path / "off.parquet"
    pl.read_parquet(files.train).with_columns(kettle=pl.lit(0.0, pl.Float32)).write_parquet(off)
    if "--target" not in words:
        words = f"--target microcontroller {words}"
    out = tmp_path / "out"
    answer = seq2point(
        "export", model, *words.format(off=off, slow=files.slow).split(), "-o", out / "kettle"
    )
    assert answer.code == code
    assert says in answer.err
    assert "Traceback" not in answer.err
    assert not out.exists()
