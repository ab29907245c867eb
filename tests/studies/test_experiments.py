"""The studies of experiments/ can be run by name, and their grids name each result once."""

from importlib import import_module

import numpy as np
import pytest
from experiments.__main__ import NAMES, main

from seq2point.recording import Recording


def house(appliance: str) -> Recording:
    power_w = np.zeros(900, np.float32)
    power_w[100:200] = 2500
    return Recording(appliance, 6.0, power_w + 100, {appliance: power_w})


@pytest.mark.parametrize("name", NAMES)
def test_a_study_can_be_run_by_its_name(name: str):
    assert callable(import_module(f"experiments.{name}").main)


def test_a_wrong_name_and_missing_data_are_told_in_a_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SEQ2POINT_DATA", raising=False)
    assert "choose of pruning, " in str(main(["prunning"]))
    assert "choose of pruning, " in str(main([]))
    assert "SEQ2POINT_DATA" in str(main(["pruning"]))


def test_the_grid_of_prunings_names_each_training_once(monkeypatch: pytest.MonkeyPatch):
    pruning = import_module("experiments.pruning")
    monkeypatch.setattr(pruning, "load_ukdale1", lambda appliance: (house(appliance),) * 2)
    trainings = pruning.plan_grid()
    stages, longer = 3 * 5 * 4, 5
    methods = len(pruning.SPARSITIES) * len(pruning.METHODS_FOR)
    assert len(trainings) == stages + longer + methods * (3 * 5 + 3)
    assert len({training.part.key for training in trainings}) == len(trainings)
    assert len({training.name for training in trainings}) == len(trainings)
    small = next(t for t in trainings if t.name == "kettle-seed0-small")
    assert [t.name for t in small.chain] == [
        f"kettle-seed0-{stage}" for stage in ("dense", "pruned", "small")
    ]
