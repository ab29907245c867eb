"""`seq2point adapt`: what it writes, says and refuses."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2point.configuration import TrainOptions
from seq2point.data.parquet_file import write_recording
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.training import run_training

Command = Callable[..., Any]
SHAPE = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
QUICK = ("--chunk", 200, "--batch-size", 1600, "--threads", 1)


def make_home(seed: int, days: float, period_s: float = 60.0) -> Recording:
    """Kettles of four minutes over a noisy base, two an hour or so."""
    rng = np.random.default_rng(seed)
    samples = round(days * 86400 / period_s)
    power_w = np.zeros(samples, np.float32)
    for at in rng.integers(20, samples - 60, round(12 * days)):
        power_w[at : at + 4] = 2500
    noise_w = rng.normal(0, 10, samples).astype(np.float32)
    start = datetime(2025, 3, 29, 22, tzinfo=UTC)
    return Recording(str(seed), period_s, power_w + 200 + noise_w, {"kettle": power_w}, start)


@pytest.fixture(autouse=True)
def few_simulated_houses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seq2point.training.self_made_tests.SIMULATED_HOUSES", 2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = TrainOptions.of(
        network=SHAPE, steps=60, chunk=200, batch_size=1600, learning_rate=0.01, progress=False
    )
    path = tmp_path_factory.mktemp("model") / "kettle.safetensors"
    run_training(make_home(1, 6), "kettle", options).model.save(path)
    return path


@pytest.fixture(scope="module")
def mains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mains of a home, without labels."""
    house = make_home(2, 8)
    path = tmp_path_factory.mktemp("home") / "mains.parquet"
    write_recording(Recording("2", 60.0, house.mains_w, {}, house.start), path)
    return path


def test_the_adapted_model_is_written_with_its_checks(
    seq2point: Command, model: Path, mains: Path, tmp_path: Path
):
    out, report = tmp_path / "mine.safetensors", tmp_path / "report.json"
    words = ("--steps", 120, "--learning-rate", 0.01, "--json", report)
    answer = seq2point("adapt", model, mains, "-o", out, *words, *QUICK)
    assert answer.code == 0, answer.err
    assert "kettle: adapted; transductive: this model has seen these mains" in answer.out
    assert Model.load(out).digest() != Model.load(model).digest()
    found = json.loads(report.read_text())["adapted"]
    assert (found["kept"], found["transductive"]) == (True, True)
    assert found == Model.load(out).provenance["adapted"]
    told = " ".join(seq2point("info", out).out.split())
    assert "adapted without labels to house 2," in told
    assert "transductive: it has seen these mains" in told
    assert "step 120/120" in answer.err
    assert answer.err.count("are against what the model itself finds in house 2, not against") == 1


def test_the_unchanged_model_is_written_with_the_reason(
    seq2point: Command, model: Path, mains: Path, tmp_path: Path
):
    out = tmp_path / "mine.safetensors"
    words = ("--steps", 1, "--learning-rate", 1e-9)
    answer = seq2point("adapt", model, mains, "-o", out, *words, *QUICK)
    assert answer.code == 0, answer.err
    assert "kettle: left unchanged (no gain in the self-made tests" in " ".join(answer.out.split())
    assert Model.load(out).provenance["adapted"]["kept"] is False
    told = " ".join(seq2point("info", out).out.split())
    assert "adapted not: left unchanged in house 2 (no gain in the self-made tests" in told


def test_what_does_not_fit_is_refused_in_one_line(
    seq2point: Command, model: Path, mains: Path, tmp_path: Path
):
    short, fast = tmp_path / "short.parquet", tmp_path / "fast.parquet"
    write_recording(make_home(3, 1), short)
    write_recording(make_home(3, 4, 30.0), fast)
    out = tmp_path / "out.safetensors"
    for words, code, text in (
        ((short,), 1, "has only 1 day of mains; adapting needs at least 3"),
        ((fast,), 1, "set --resample to average readings"),
        ((mains, "--hold-out", 0), 2, "--hold-out 0.0"),
        ((mains, "--steps", 3, "--budget", "1m"), 2, "give one of --epochs, --steps and --budget"),
    ):
        answer = seq2point("adapt", model, *words, "-o", out, *QUICK)
        assert answer.code == code, answer.err
        assert text in answer.err
    assert not out.exists()
