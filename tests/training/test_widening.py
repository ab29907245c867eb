"""A training that begins with fewer hidden units, and ends with all of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from tests.training.outcome import everything

from seq2point.configuration import TrainOptions
from seq2point.errors import UsageError
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.training import TrainingResult
from seq2point.training.widening import split_options, widen

Train = Callable[..., TrainingResult]

KINDS: dict[str, dict[str, Any]] = {
    "windows": {},
    "sliding": {"engine": "sliding", "chunk": 40, "batch_size": 80},
}


class StepsMade(pl.Callback):
    def __init__(self) -> None:
        self.count = 0

    def on_train_batch_end(self, *_: Any) -> None:
        self.count += 1


class StopAfter(pl.Callback):
    """Ctrl-C, as it were, after so many steps of both trainings together."""

    def __init__(self, steps: int):
        self.left = steps

    def on_train_batch_end(self, *_: Any) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


def test_a_widened_network_predicts_the_same_to_rounding():
    shape = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=3)
    narrow = Model.untrained("kettle", 6.0, shape)
    wide = widen(narrow, 8, seed=1)
    mains = torch.randn(50, 33)
    assert wide.architecture == shape.model_copy(update={"hidden": 8})
    torch.testing.assert_close(wide.network(mains), narrow.network(mains))


def test_the_new_units_of_a_widened_network_differ_and_follow_from_the_seed():
    shape = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=3)
    narrow = Model.untrained("kettle", 6.0, shape)
    first, again, other = (widen(narrow, 8, seed).network.state_dict() for seed in (1, 1, 2))
    name = shape.first_linear.weight_name
    assert torch.equal(first[name], again[name])
    assert torch.equal(first[name][:3], other[name][:3])
    assert first[name][3:].std() > 0
    assert not torch.equal(first[name][3:], other[name][3:])


def test_a_training_begins_narrow_and_ends_with_the_whole_network(
    train: Train, small: Architecture
):
    trained = train(narrow=3)
    steps = [row["step"] for row in trained.history]
    record = trained.model.provenance
    assert trained.model.architecture == small
    assert steps == sorted(steps)
    assert steps[-1] == 40
    assert record["narrow"]["hidden"] == 3
    assert record["narrow"]["planned_steps"] == 36
    assert record["training"]["planned_steps"] == 4
    output = trained.model.network.state_dict()[small.output_layer.weight_name]
    assert (output[:, 3:] != 0).any()


def test_a_rate_of_a_constant_schedule_stays_and_another_goes_on_lower(train: Train):
    rates = [
        train(narrow=3, schedule=schedule).model.provenance["training"]["settings"]["learning_rate"]
        for schedule in ("constant", "linear")
    ]
    assert rates == pytest.approx([0.01 * 3 / 8, 0.001 * 3 / 8])


def test_the_best_weights_may_be_those_of_the_narrow_network(
    train: Train, monkeypatch: pytest.MonkeyPatch
):
    def split_with_a_wild_rate(options: TrainOptions) -> tuple[TrainOptions, TrainOptions]:
        narrow, whole = split_options(options)
        return narrow, whole.model_copy(update={"learning_rate": 10.0, "schedule": "constant"})

    monkeypatch.setattr("seq2point.training.training.split_options", split_with_a_wild_rate)
    trained = train(narrow=3)
    best = min(row["val_loss"] for row in trained.history)
    record = trained.model.provenance["training"]
    output = trained.model.architecture.output_layer.weight_name
    assert (record["best_step"], record["val_loss"]) == (0, best)
    assert not trained.model.network.state_dict()[output][:, 3:].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [7, 36, 38])
def test_stopped_at_any_point_and_resumed_it_gives_the_bits_of_one_that_never_stopped(
    train: Train, tmp_path: Path, kind: str, step: int
):
    kept = {"out": tmp_path / "run", "checkpoint_every_s": 0, "narrow": 3, **KINDS[kind]}
    with pytest.raises(KeyboardInterrupt):
        train(**kept, callbacks=[StopAfter(step)])
    made = StepsMade()
    resumed = train(resume=True, **kept, callbacks=[made])
    assert everything(resumed) == everything(train(narrow=3, **KINDS[kind]))
    assert made.count <= 40 - step + 2


def test_a_finished_run_is_not_begun_anew_unasked(train: Train, tmp_path: Path):
    run = tmp_path / "run"
    brief: dict[str, Any] = {"out": run, "steps": 8}
    train(**brief)
    with pytest.raises(UsageError, match="holds a finished run"):
        train(**brief, narrow=3)
    assert not (run / "narrow").exists()
    train(**brief, narrow=3, overwrite=True)
    assert (run / "narrow" / "run.json").exists()
    train(**brief, overwrite=True)
    assert not (run / "narrow").exists()


def test_resuming_a_finished_run_trains_nothing(train: Train, tmp_path: Path):
    kept = {"out": tmp_path / "run", "narrow": 3}
    assert everything(train(**kept)) == everything(train(resume=True, **kept))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"narrow": 8}, "8: the network has 8 hidden units; give fewer"),
        ({"narrow": 3, "freeze": "convolutions"}, "leave it out with `narrow`"),
        ({"narrow": 3, "pruning": "magnitude"}, "prune the model that `narrow` gives"),
        ({"narrow": 3, "nodes": 2}, "a narrow training runs on one machine"),
        (
            {
                "narrow": 3,
                "network": Architecture(
                    window=33, channels=(4, 4), kernels=(5, 3), hidden=8, rank=2
                ),
            },
            "a network of low rank cannot be widened",
        ),
    ],
)
def test_what_cannot_be_widened_is_refused(train: Train, options: dict[str, Any], message: str):
    with pytest.raises(UsageError, match=message):
        train(**options)


def test_a_model_to_start_from_is_refused(train: Train):
    start = train().model
    with pytest.raises(UsageError, match="brings its own network: leave out `narrow`"):
        train(start=start, network=None, narrow=3)
