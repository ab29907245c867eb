"""Files that version 0.1.0 wrote are read today, and give the numbers that they gave then.

version_0_1_0/README.md says how the files were made.
"""

import csv
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Answer, answer_of

from seq2point import Model, load_recording, runtime
from seq2point.cli import main
from seq2point.model.shown_days import DAYS_FILE

Watts = np.ndarray
Predictions = Mapping[str, Watts]

FOLDER = Path(__file__).parent / "version_0_1_0"
DATA, MODELS, EXPORTS = FOLDER / "data", FOLDER / "models", FOLDER / "exports"
TOLERANCE = 1e-5
"""Of the largest prediction, where both are float32."""

INT8_STEP = 1 / 256
"""A kernel for another processor may round an activation to the next of its 256 steps."""

FEED = """
#include "kettle.h"
#include <math.h>
#include <stdio.h>

int main(void)
{
    static s2p_state state;
    float mains_w, power_w[S2P_OUTPUTS];
    if (!s2p_self_test(&state))
        return 3;
    s2p_init(&state);
    while (fread(&mains_w, sizeof mains_w, 1, stdin) == 1) {
        int predicted = s2p_feed(&state, mains_w, power_w);
        for (int i = 0; i < S2P_OUTPUTS; i++) {
            float out_w = predicted ? power_w[i] : NAN;
            fwrite(&out_w, sizeof out_w, 1, stdout);
        }
    }
    return 0;
}
"""


def seq2point(*words: object) -> Answer:
    return answer_of(main, *words)


@pytest.fixture(scope="module")
def mains_w() -> Watts:
    """A thousand readings; three are missing in a row, and later twenty."""
    series: Watts = np.load(DATA / "mains_w.npy")
    return series


@pytest.fixture(scope="module")
def then_w() -> Predictions:
    """What version 0.1.0 predicted for the series, f32[T, A] by file."""
    with np.load(FOLDER / "predictions.npz") as archive:
        return dict(archive)


def require(module: str) -> None:
    pytest.importorskip(module, reason=f"{module} is not installed here")


def names(folder: Path, ending: str) -> list[str]:
    return sorted(path.name for path in folder.glob(f"*{ending}"))


def predict(path: Path, mains_w: Watts, **options: Any) -> Watts:
    """The predictions of a file for the series, f32[T, A]."""
    model = runtime.load(path, threads=1) if path.parent == EXPORTS else Model.load(path)
    power_w: Watts = model.disaggregate(mains_w, **options)
    return power_w.reshape(len(mains_w), -1)


def assert_same(found_w: Watts, expected_w: Watts, tolerance: float = TOLERANCE) -> None:
    """The same gaps, and watts within a share of the largest."""
    assert np.nanmax(expected_w) > 100
    atol = tolerance * float(np.nanmax(expected_w))
    np.testing.assert_allclose(found_w, expected_w, rtol=0, atol=atol, equal_nan=True)


def test_every_kind_of_file_is_there():
    kinds = ("compacted", "joined", "low_rank", "plain", "pruned", "untrained")
    assert names(MODELS, ".safetensors") == [f"{kind}.safetensors" for kind in kinds]
    assert len(names(EXPORTS, ".onnx")) == 5
    assert names(EXPORTS, ".tflite") == ["windows.tflite", "windows_int8.tflite"]


@pytest.mark.parametrize("engine", ["sliding", "windows"])
@pytest.mark.parametrize("name", names(MODELS, ".safetensors"))
def test_a_model_predicts_as_before(name: str, engine: str, mains_w: Watts, then_w: Predictions):
    expected_w = then_w[f"models/{name}"]
    found_w = predict(MODELS / name, mains_w, engine=engine, fill=0)
    assert_same(found_w, expected_w)


def test_short_gaps_are_filled_and_nothing_else_changes(mains_w: Watts, then_w: Predictions):
    expected_w = then_w["models/plain.safetensors"]
    filled_w = predict(MODELS / "plain.safetensors", mains_w)
    assert np.isfinite(filled_w[280:320]).all()
    assert np.isnan(filled_w[600:620]).all()
    # windows that hold the short gap, and those that end within the first ten of the long one
    assert np.isnan(expected_w).sum() - np.isnan(filled_w).sum() == 3 + 32 + 10
    assert_same(np.where(np.isnan(expected_w), np.nan, filled_w), expected_w)


@pytest.mark.parametrize("name", [*names(EXPORTS, ".onnx"), *names(EXPORTS, ".tflite")])
def test_an_exported_file_predicts_as_before(name: str, mains_w: Watts, then_w: Predictions):
    require("ai_edge_litert" if name.endswith(".tflite") else "onnxruntime")
    expected_w = then_w[f"exports/{name}"]
    found_w = predict(EXPORTS / name, mains_w, fill=0)
    if "int8" not in name:
        assert_same(found_w, expected_w)
        return
    assert_same(found_w, expected_w, INT8_STEP)
    near = np.abs(found_w - expected_w) <= TOLERANCE * np.nanmax(expected_w)
    assert near.sum() > 0.95 * np.isfinite(expected_w).sum()


def test_the_c_predicts_as_before_to_the_bit(tmp_path: Path, mains_w: Watts, then_w: Predictions):
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    program = tmp_path / "feed"
    (tmp_path / "feed.c").write_text(FEED)
    sources = (tmp_path / "feed.c", EXPORTS / "kettle.c")
    command = [compiler, "-std=c99", "-O2", "-I", EXPORTS, *sources, "-lm", "-o", program]
    subprocess.run(command, check=True)
    done = subprocess.run([program], input=mains_w.tobytes(), capture_output=True, check=True)
    found_w = np.frombuffer(done.stdout, dtype=np.float32).reshape(len(mains_w), -1)
    np.testing.assert_array_equal(found_w, then_w["exports/kettle.c"])


def test_verify_takes_the_c_and_its_model():
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    house = DATA / "simulated_house5_6s.parquet"
    files = (EXPORTS / "kettle.c", MODELS / "plain.safetensors")
    answer = seq2point("verify", *files, "--data", house, "--threads", 1)
    assert answer.code == 0, answer.err


def watts_of(rows: list[dict[str, str]], *names: str) -> Watts:
    return np.array([[float(row[name] or "nan") for name in names] for row in rows])


def test_disaggregate_writes_the_table_that_it_wrote(tmp_path: Path):
    out = tmp_path / "power.csv"
    model = MODELS / "joined.safetensors"
    answer = seq2point("disaggregate", model, DATA / "mains.csv", "--fill", 0, "-o", out)
    assert answer.code == 0, answer.err
    files = (out, DATA / "power.csv")
    found, expected = (list(csv.DictReader(path.read_text().splitlines())) for path in files)
    assert [row["time"] for row in found] == [row["time"] for row in expected]
    assert list(found[0]) == list(expected[0]) == ["time", "kettle", "microwave"]
    assert_same(*(watts_of(rows, "kettle", "microwave") for rows in (found, expected)))


def keep_known(found: Any, expected: Any) -> Any:
    """What was found without the keys that version 0.1.0 did not have."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return {key: keep_known(found[key], then) for key, then in expected.items() if key in found}
    if isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        return [keep_known(*pair) for pair in zip(found, expected, strict=True)]
    return found


@pytest.mark.parametrize("name", json.loads((FOLDER / "info.json").read_text()))
def test_info_says_what_it_said(name: str, tmp_path: Path):
    if name.endswith(".tflite"):
        require("ai_edge_litert")
    out = tmp_path / "info.json"
    answer = seq2point("info", FOLDER / name, "--json", out)
    assert answer.code == 0, answer.err
    found, expected = (
        json.loads(out.read_text()),
        json.loads((FOLDER / "info.json").read_text())[name],
    )
    for info in (found, expected):
        del info["file"]["path"]
        if "joined" in name:
            info.pop("pruning", None)  # counted over all weights today, over masked layers then
    assert keep_known(found, expected) == expected


@pytest.mark.parametrize("house", json.loads((DATA / "houses.json").read_text()))
def test_a_house_of_the_store_has_the_readings_that_it_had(house: str):
    recording = load_recording(DATA / house)
    readings = {"mains": recording.mains_w, **recording.appliances_w}
    assert json.loads((DATA / "houses.json").read_text())[house] == {
        "house": recording.house,
        "period_s": recording.period_s,
        "start": str(recording.start),
        "readings": len(recording),
        "sha256": {name: hashlib.sha256(w.tobytes()).hexdigest() for name, w in readings.items()},
    }


def test_a_trained_model_reaches_what_it_reached(tmp_path: Path):
    finished, out = FOLDER / "trainings" / "finished", tmp_path / "test.json"
    house = DATA / "simulated_house5_6s.parquet"
    answer = seq2point("test", finished / "model.safetensors", "--data", house, "--json", out)
    assert answer.code == 0, answer.err
    found, expected = (json.loads(path.read_text()) for path in (out, finished / "metrics.json"))
    assert expected["metrics"]["f1"] > 0
    pairs = [(found["metrics"], expected["metrics"])]
    pairs += [(found["baselines"][name], expected["baselines"][name]) for name in ("zero", "mean")]
    for today, then in pairs:
        for metric, value in then.items():
            assert today[metric] == (value and pytest.approx(value, rel=TOLERANCE)), metric


def contents(folder: Path) -> dict[str, bytes]:
    """The files below a folder, by their path there."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


TRAIN = (
    *("train", "kettle", "--from", MODELS / "untrained.safetensors"),
    *("--train", DATA / "simulated_house1_6s.parquet"),
    *("--batch-size", 512, "--learning-rate", 0.01, "--threads", 1),
)


@pytest.mark.parametrize("options", [[], ["--resume"]], ids=["anew", "resume"])
@pytest.mark.parametrize("name", ["finished", "interrupted"])
def test_a_training_is_refused_in_one_line_and_kept(name: str, options: list[str], tmp_path: Path):
    """What decides a training is told in more detail today, so a folder of then cannot go on."""
    folder = tmp_path / name
    shutil.copytree(FOLDER / "trainings" / name, folder)
    before = contents(folder)
    patience = 1500 if name == "finished" else 10
    answer = seq2point(*TRAIN, "--steps", 1500, "--patience", patience, *options, "--out", folder)
    assert answer.code != 0
    assert answer.err.startswith(f"seq2point: {folder}")
    assert answer.err.count("\n") == 1
    assert contents(folder) == before


def test_a_training_begins_anew_over_an_interrupted_one(tmp_path: Path):
    folder = tmp_path / "interrupted"
    shutil.copytree(FOLDER / "trainings" / "interrupted", folder)
    answer = seq2point(*TRAIN, "--steps", 2, "--overwrite", "--out", folder)
    assert answer.code == 0, answer.err
    assert json.loads((folder / "run.json").read_text())["finished"]
    assert Model.load(folder / "model.safetensors").window == 33


def test_a_protocol_is_shown():
    answer = seq2point("protocol", "show", FOLDER / "protocol" / "simulated.toml")
    assert answer.code == 0, answer.err
    for words in ("Simulated houses", "structured, sparsity 0.5", "test house 5"):
        assert words in answer.out


def test_a_protocol_run_keeps_its_rows_beside_those_of_today(tmp_path: Path):
    """Today's code trains anew, by design: its rows stand first, then the old ones."""
    protocol, out = FOLDER / "protocol", tmp_path / "run"
    shutil.copytree(protocol / "run", out)
    before = contents(out / "parts")
    answer = seq2point(
        *("protocol", "run", protocol / "simulated.toml", "--data", DATA),
        *("--seeds", 1, "--threads", 1, "-o", out),
    )
    assert answer.code == 0, answer.err
    after = contents(out / "parts")
    assert {path: after[path] for path in before} == before
    new = [Path(path) for path in after if path not in before]
    assert len([path for path in new if path.name != DAYS_FILE]) == len(before)
    then = json.loads((protocol / "run" / "report.json").read_text())["appliances"]["kettle"]
    now = json.loads((out / "report.json").read_text())["appliances"]["kettle"]
    (kept,) = now["elsewhere"]
    assert kept["baselines"] == then["baselines"]
    was, stays, anew = (list(table["rows"].values()) for table in (then, kept, now))
    assert len(was) == len(stays) == len(anew) == 2
    for row, same, trained in zip(was, stays, anew, strict=True):
        known = {key: same["metrics"].pop(key) for key in row["metrics"]}
        assert known == row["metrics"]
        assert {cell["mean"] for cell in same["metrics"].values()} <= {None}, "made since"
        assert same["parameters"] == trained["parameters"] == row["parameters"]
        (expected_w,), (found_w,) = (r["metrics"]["mae_w"]["values"] for r in (row, trained))
        assert found_w == pytest.approx(expected_w, rel=1e-3)
