"""A training of a grid is the training that it says, made once, and tested apart from it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2point.appliances import find_appliance
from seq2point.compression.compaction import compact
from seq2point.compression.pruning.structured import Structured
from seq2point.configuration.training import HELD_OUT
from seq2point.errors import TrainingError
from seq2point.model.evaluation import evaluate
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.studies import ResultCache, trainings
from seq2point.studies.trainings import StudyTraining, run_trainings
from seq2point.training import train_with_history
from seq2point.training.transfer import transfer

SHAPE = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
SETTINGS: dict[str, Any] = {
    "steps": 6,
    "chunk": 40,
    "batch_size": 160,
    "learning_rate": 0.01,
    "seed": 1,
}


def home(seed: int) -> Recording:
    """A kettle and a microwave, in use now and then over a noisy base load."""
    random = np.random.default_rng(seed)
    power_w = {name: np.zeros(3000, np.float32) for name in ("kettle", "microwave")}
    for start in range(60, 2900, 100):
        power_w["kettle"][start : start + 8] = 2500
        power_w["microwave"][start + 40 : start + 50] = 1200
    mains_w = sum(power_w.values()) + random.normal(200, 15, 3000)
    return Recording(str(seed), 60.0, mains_w.astype(np.float32), power_w)


@pytest.fixture
def dense() -> StudyTraining:
    tests = {"house 2": [home(2)], "held out": []}
    return StudyTraining("dense", "kettle", [home(1)], SETTINGS, network=SHAPE, tests=tests)


@pytest.fixture
def cache(tmp_path: Path) -> ResultCache:
    return ResultCache(tmp_path)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions that trained, in order."""
    calls: list[str] = []

    def count(name: str) -> Callable[..., Any]:
        own = getattr(trainings, name)
        return lambda *values, **options: calls.append(name) or own(*values, **options)

    for name in ("train_with_history", "transfer", "train_from_scratch"):
        monkeypatch.setattr(trainings, name, count(name))
    return calls


def assert_same_network(training: StudyTraining, cache: ResultCache, expected: Any) -> None:
    state = training.load_model(cache).network.state_dict()
    for name, values in expected.network.state_dict().items():
        np.testing.assert_array_equal(state[name].numpy(), values.numpy())


def test_a_training_is_that_of_its_settings_and_is_tested(dense: StudyTraining, cache: ResultCache):
    (result,) = run_trainings(cache, [dense], threads=1)
    options: dict[str, Any] = {"progress": False, "threads": 1, **SETTINGS}
    trained = train_with_history(home(1), "kettle", network=SHAPE, **options)
    assert_same_network(dense, cache, trained.model)
    assert result is not None
    held_out = home(1).hold_out(HELD_OUT, SHAPE.window)[1]
    for label, recording in (("house 2", home(2)), ("held out", held_out)):
        expected = evaluate(trained.model, [recording])
        assert result[label]["metrics"] == expected.metrics["kettle"]
        assert result[label]["baselines"]["zero"] == expected.baselines["zero"]["kettle"]
    assert result["parameters"] == SHAPE.parameters
    assert result == dense.find(cache)


def test_a_chain_prunes_and_compacts_what_it_goes_on_from(
    dense: StudyTraining, cache: ResultCache, counted: list[str]
):
    pruner = Structured(sparsity=0.5, frequency=1)
    small = replace(dense, name="small", start=dense, network=None, pruner=pruner, compacts=True)
    lines: list[str] = []
    (result,) = run_trainings(cache, [small], lines.append, threads=1)
    assert counted == ["train_with_history"] * 2
    assert small.load_model(cache).architecture.hidden == 4
    assert result is not None
    assert result["parameters"] < SHAPE.parameters
    assert lines[0].startswith(f"[1/1] small: {result['parameters']:,} weights, MAE ")
    options: dict[str, Any] = {"progress": False, "threads": 1, **SETTINGS}
    start = dense.load_model(cache)
    pruned = train_with_history(home(1), "kettle", start=start, pruning=pruner, **options)
    assert_same_network(small, cache, compact(pruned.model))
    dense_s, small_s = ((cache.find(t.part) or {})["seconds"] for t in (dense, small))
    assert small.sum_seconds(cache) == dense_s + small_s
    run_trainings(cache, [dense, small], lines.append, threads=1)
    assert counted == ["train_with_history"] * 2
    assert "(was there)" not in lines[1]  # its tests are new
    assert lines[2].endswith("(was there)")


def test_another_test_makes_no_training_again(
    dense: StudyTraining, cache: ResultCache, counted: list[str]
):
    run_trainings(cache, [dense], threads=1)
    elsewhere = replace(dense, tests={"house 3": [home(3)]})
    assert elsewhere.find(cache) is None
    (result,) = run_trainings(cache, [elsewhere], threads=1)
    assert counted == ["train_with_history"]
    assert result is not None
    assert "house 3" in result
    another_seed = replace(dense, settings=SETTINGS | {"seed": 2})
    assert another_seed.part.key != dense.part.key == elsewhere.part.key


def test_a_transfer_and_its_shape_from_scratch(
    dense: StudyTraining, cache: ResultCache, counted: list[str]
):
    options = {"hold_out": 0}
    frozen = StudyTraining(
        "frozen", "microwave", [home(1)], SETTINGS, dense, "transfer", options, resumable=False
    )
    fresh = replace(frozen, name="fresh", learning="from scratch")
    run_trainings(cache, [frozen, fresh], threads=1)
    assert counted == ["train_with_history", "transfer", "train_from_scratch"]
    usual: dict[str, Any] = {"progress": False, "threads": 1, **options, **SETTINGS}
    parent, microwave = dense.load_model(cache), find_appliance("microwave")
    assert_same_network(
        frozen, cache, transfer(parent, home(1), appliance=microwave, **usual).model
    )
    kept = parent.network.state_dict()["convolutions.0.weight"]
    frozen_w, fresh_w = (
        training.load_model(cache).network.state_dict()["convolutions.0.weight"]
        for training in (frozen, fresh)
    )
    assert (frozen_w == kept).all()
    assert not (fresh_w == kept).all()
    assert fresh.sum_seconds(cache) == (cache.find(fresh.part) or {})["seconds"]


def test_a_damaged_result_is_refused(dense: StudyTraining, cache: ResultCache):
    run_trainings(cache, [dense], threads=1)
    (cache.find_folder(dense.part) / "result.json").write_text("{")
    with pytest.raises(TrainingError, match="damaged"):
        dense.find(cache)
