"""A search for what fits: what cannot is not trained, what was exported is what is measured, and
the best that fits wins.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2point import runtime
from seq2point.deploy.microcontroller import count_cost
from seq2point.errors import DataError, UsageError
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.report.budget_search import make_report, save_plot
from seq2point.studies import ResultCache
from seq2point.studies.budget_candidates import Candidate, GridPoint, find_best, find_front
from seq2point.studies.budget_search import BudgetSearch
from seq2point.studies.device_budget import DeviceBudget
from seq2point.system.c_compiler import find_compiler
from seq2point.training import train_with_history

SHAPE = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
TRAINING: dict[str, Any] = {"chunk": 40, "batch_size": 160, "learning_rate": 0.01}


def home(seed: int) -> Recording:
    """A reading a minute for four days, a kettle ten times a day over a noisy base load."""
    rng = np.random.default_rng(seed)
    kettle_w = np.zeros(4 * 1440, dtype=np.float32)
    for at in range(40, len(kettle_w) - 20, 144):
        kettle_w[at + int(rng.integers(60)) :][: int(rng.integers(3, 8))] = 2500
    mains_w = (kettle_w + 200 + rng.normal(0, 15, len(kettle_w))).astype(np.float32)
    return Recording(
        str(seed), 60.0, mains_w, {"kettle": kettle_w}, datetime(2025, 1, 1, tzinfo=UTC)
    )


@pytest.fixture(scope="module")
def model() -> Model:
    return train_with_history(
        home(1), "kettle", network=SHAPE, steps=150, progress=False, **TRAINING
    ).model


@pytest.fixture
def make(model: Model) -> Callable[..., BudgetSearch]:
    def make(**changes: Any) -> BudgetSearch:
        usual: dict[str, Any] = {
            "model": model,
            "train": [home(1)],
            "validation": [home(2)],
            "room": DeviceBudget(),
            "units": (0, 0.5),
            "channels": (0, 0.5),
            "pruning_steps": 10,
            "finetune_steps": 20,
            "training": TRAINING,
        }
        return BudgetSearch(**(usual | changes))

    return make


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler here")
def test_only_what_can_fit_is_trained_and_the_best_of_it_wins(
    make: Callable[..., BudgetSearch], tmp_path: Path
):
    whole = count_cost(SHAPE, 8).flash_bytes
    search = make(room=DeviceBudget(flash_bytes=whole - 1, ram_bytes=1 << 16, latency_s=1.0))
    said: list[str] = []
    store = ResultCache(tmp_path)
    found = search.run(store, said.append)
    assert [one.point for one in found] == [
        GridPoint(0, 0),
        GridPoint(0, 0.5),
        GridPoint(0.5, 0),
        GridPoint(0.5, 0.5),
    ]
    assert found[0].result is None
    assert found[0].too_much is not None
    assert "of flash" in found[0].too_much
    assert "of flash" in said[0]
    for one in found[1:]:
        assert one.result is not None
        assert one.shape == search.shape(one.point) or one.shape.window < SHAPE.window
        small = Model.load(one.result["weights"])
        assert small.architecture == one.shape
        assert evaluate(small, [home(2)]).metrics["kettle"]["mae_w"] == pytest.approx(
            one.result["native_metrics"]["mae_w"]
        )
        assert one.result["flash_bytes"] == count_cost(one.shape, 8).flash_bytes <= whole - 1
        assert (Path(one.result["exported"]) / "model.c").exists()
    best = find_best(found, search.criterion)
    assert best is not None
    assert best.metrics["nde"] == min(one.metrics["nde"] for one in found[1:])
    again: list[str] = []
    assert search.run(store, again.append)[1:] == found[1:]
    assert all("(was there)" in line for line in again[1:])
    told = make_report(search, found)
    assert [point["best"] for point in told["points"]].count(True) == 1
    assert "**best**" in told["markdown"]
    save_plot(search, found, tmp_path / "fit.png")
    assert (tmp_path / "fit.png").stat().st_size > 5000


def test_an_onnx_file_is_held_to_the_budget_as_it_is(
    make: Callable[..., BudgetSearch], tmp_path: Path
):
    search = make(target="onnx", units=(0.5,), channels=(0,), room=DeviceBudget(ram_bytes=1 << 20))
    (one,) = search.run(ResultCache(tmp_path))
    assert one.result is not None
    path = Path(one.result["exported"]) / "model.onnx"
    assert one.result["flash_bytes"] == path.stat().st_size
    assert runtime.load(path).metadata.quantization is not None
    assert one.too_much is not None
    assert "KB of RAM, 1,024 KB are there" in one.too_much
    assert find_best([one], search.criterion) is None


def test_the_front_has_what_no_smaller_network_equals(make: Callable[..., BudgetSearch]):
    search = make(criterion="f1", room=DeviceBudget(flash_bytes=250))

    def one(size: int, f1: float | None) -> Candidate:
        return Candidate(
            GridPoint(0, 0),
            SHAPE,
            {"flash_bytes": size, "metrics": {"f1": f1}},
            None if size <= 250 else "too much",
        )

    small, worse, better, unknown, large = (
        one(100, 0.5),
        one(150, 0.4),
        one(200, 0.6),
        one(210, None),
        one(300, 0.7),
    )
    found = [large, better, worse, unknown, small]
    assert find_front(found, search.criterion) == [small, better, large]
    assert find_best(found, search.criterion) == better


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        (
            {"target": "litert"},
            UsageError,
            "--target litert: a budget is searched for microcontroller or onnx",
        ),
        ({"units": (0.5, 1)}, UsageError, "--units: write shares from 0 to below 1"),
        ({"channels": ()}, UsageError, "--channels: write shares"),
        ({"train": []}, DataError, "nothing to fine-tune on"),
    ],
)
def test_what_would_not_run_is_refused_before_any_training(
    make: Callable[..., BudgetSearch],
    tmp_path: Path,
    changes: dict[str, Any],
    error: type[Exception],
    says: str,
):
    with pytest.raises(error, match=says):
        make(**changes).run(ResultCache(tmp_path))
    assert not list(tmp_path.iterdir())


def test_fine_tuning_takes_the_settings_that_the_model_was_trained_with(
    make: Callable[..., BudgetSearch], model: Model
):
    settings = make(training={}).plan_network(GridPoint(0.5, 0)).decides["finetune"]
    assert settings["chunk"] == model.provenance["training"]["settings"]["chunk"] == 40
    assert settings["steps"] == 20
    assert settings["learning_rate"] == 1e-3
