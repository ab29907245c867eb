"""What an experiment leaves when pruning empties whole units: a compacted model beside the model,
and the costs of both.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seq2point import studies
from seq2point.compression import medians
from seq2point.compression.pruning.structured import Structured
from seq2point.configuration import TrainOptions
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.network import Architecture, masks
from seq2point.recording import Recording

HALF_THE_UNITS = Structured(granularity="units", sparsity=0.5, frequency=2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(medians, "MOST_TURNS", 2)
    monkeypatch.setattr(medians, "LEAST_S", 1e-4)


def house(make_recording: Callable[..., Recording]) -> Recording:
    rng = np.random.default_rng(5)
    kettle_w = np.where(np.arange(800) % 100 < 15, 2500.0, 0.0)
    return make_recording(kettle_w + rng.normal(200, 20, 800), kettle=kettle_w)


def run(
    folder: Path, recording: Recording, tiny: Architecture | None, **options: Any
) -> studies.Outcome:
    files = studies.OutcomeFiles.in_folder(folder)
    test = options.pop("test", ())
    quick = {"steps": 4, "batch_size": 20, "engine": "windows", "progress": False}
    choices = TrainOptions.of(network=tiny, **quick | options)
    return studies.train_and_test([recording], "kettle", files, folder, choices, test)


def test_a_run_that_empties_units_saves_the_compacted_model_and_both_costs(
    tmp_path: Path, tiny: Architecture, make_recording: Callable[..., Recording]
):
    recording = house(make_recording)
    outcome = run(tmp_path, recording, tiny, pruning=HALF_THE_UNITS)
    model, small = Model.load(outcome.files.model), Model.load(outcome.files.compact)
    assert (model.architecture.hidden, small.architecture.hidden) == (8, 4)
    np.testing.assert_allclose(
        small.predict_w(recording), model.predict_w(recording), rtol=1e-4, atol=1e-2
    )
    assert small.provenance["metrics"] == model.provenance["metrics"] == outcome.report["metrics"]
    found = json.loads(outcome.files.metrics.read_text())["costs"]
    assert list(found["models"]) == ["pruned", "compacted"]
    assert found["accuracy"]["pruned"]["mae_w"] == outcome.report["metrics"]["mae_w"]
    assert found["models"]["compacted"]["file_bytes"] == outcome.files.compact.stat().st_size
    assert found["models"]["pruned"]["file_bytes"] == outcome.files.model.stat().st_size


def test_a_run_with_houses_to_validate_on_is_tested_on_them_and_says_so(
    tmp_path: Path, tiny: Architecture, make_recording: Callable[..., Recording]
):
    other = replace(house(make_recording), house="another")
    outcome = run(tmp_path, house(make_recording), tiny, pruning=HALF_THE_UNITS, validation=[other])
    assert outcome.report["tested_on"] == outcome.report["validated_on"] == "the validation data"
    assert outcome.report["costs"]["tested_on"] == ["another"]


def test_a_run_from_a_trained_model_stands_beside_it(
    tmp_path: Path, tiny_model: Model, tiny: Architecture, make_recording: Callable[..., Recording]
):
    recording = house(make_recording)
    outcome = run(tmp_path, recording, None, start=tiny_model, pruning=HALF_THE_UNITS)
    found = outcome.report["costs"]
    assert list(found["models"]) == ["before", "pruned", "compacted"]
    assert list(found["accuracy"]) == ["before", "pruned"]
    assert found["tested_on"] == ["home, held-out block"]
    assert outcome.report["tested_on"] == "the held-out block of the training data"
    assert (
        found["accuracy"]["before"]["mae_w"]
        == evaluate(tiny_model, outcome.trained.held_out).as_json()["metrics"]["mae_w"]
    )


def test_a_run_without_pruning_has_no_costs_and_no_compacted_model(
    tmp_path: Path, tiny: Architecture, make_recording: Callable[..., Recording]
):
    outcome = run(tmp_path, house(make_recording), tiny)
    assert "costs" not in outcome.report
    assert not outcome.files.compact.exists()


def test_a_compacted_model_of_an_earlier_run_does_not_stay_beside_one_that_has_none(
    tiny_model: Model, tmp_path: Path
):
    beside = tmp_path / "compact.safetensors"
    beside.write_bytes(b"old")
    weight = tiny_model.network.hidden.weight
    tiny_model.masks = {"hidden.weight": torch.arange(weight.numel()).view_as(weight) % 7 > 0}
    masks.apply_(tiny_model.network, tiny_model.masks)
    found = studies.compare_stages(tiny_model, beside, {}, before={"dense": tiny_model})
    assert list(found["models"]) == ["dense", "pruned"]
    assert len(found["notes"]) == 2
    assert not beside.exists()


def test_a_run_that_turns_out_unpruned_removes_the_compacted_model_of_the_one_before(
    tmp_path: Path, tiny: Architecture, make_recording: Callable[..., Recording]
):
    recording = house(make_recording)
    assert run(tmp_path, recording, tiny, pruning=HALF_THE_UNITS).files.compact.exists()
    assert not run(tmp_path, recording, tiny, overwrite=True).files.compact.exists()
