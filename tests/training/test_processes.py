"""One training in two processes on the CPU: the same decisions in both, and the same network as in
one.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch

from seq2point.compression.pruning import PRUNERS
from seq2point.compression.pruning.magnitude import Magnitude
from seq2point.errors import TrainingError, UsageError
from seq2point.recording import Recording
from seq2point.training import TrainingResult
from seq2point.training.batches import take_share

Train = Callable[..., TrainingResult]

SLIDING = {"engine": "sliding", "chunk": 40, "batch_size": 80}
SETTINGS: dict[str, dict[str, Any]] = {
    "structured": {"schedule": "polynomial", "frequency": 5, "criterion": "taylor"},
    "spp": {},
    "entropic": {},
}


class Masks(pl.Callback):
    """Leaves the masks of every step, the weights at the end, and what went on record, in a file
    for each process.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.masks: list[dict[str, torch.Tensor]] = []

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        pruning = next(c for c in trainer.callbacks if hasattr(c, "pruner"))  # type: ignore[attr-defined]
        self.masks.append({name: mask.clone() for name, mask in pruning.masks.items()})

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        best = next(c for c in trainer.callbacks if hasattr(c, "best_loss"))  # type: ignore[attr-defined]
        history = [
            {key: value for key, value in row.items() if key != "seconds"} for row in best.history
        ]
        told = {"masks": self.masks, "weights": pl_module.state_dict(), "history": history}
        torch.save(told, self.folder / f"{trainer.global_rank}.pt")


def assert_same(one: Any, other: Any) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize("method", SETTINGS)
def test_both_processes_have_the_same_masks_after_every_step(
    train: Train, tmp_path: Path, method: str
):
    trained = train(
        devices=2,
        pruning=PRUNERS[method](**SETTINGS[method]),
        callbacks=[Masks(tmp_path)],
        **SLIDING,
    )
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert len(first["masks"]) == len(second["masks"]) == 40
    assert_same(first, second)
    assert trained.model.masks
    assert all(
        torch.equal(mask, first["masks"][-1][name]) for name, mask in trained.model.masks.items()
    )
    assert all(
        not trained.model.network.get_parameter(name)[~mask].any()
        for name, mask in trained.model.masks.items()
    )


def test_two_processes_learn_what_one_learns(train: Train):
    one, two = train(steps=10), train(steps=10, devices=2)
    weights = two.model.network.state_dict()
    for name, weight in one.model.network.state_dict().items():
        torch.testing.assert_close(weights[name], weight, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        [row["val_loss"] for row in two.history],
        [row["val_loss"] for row in one.history],
        rtol=1e-3,
    )
    np.testing.assert_allclose(
        [row["interval_loss"] for row in two.history],
        [row["interval_loss"] for row in one.history],
        rtol=1e-3,
    )
    assert [row["step"] for row in two.history] == [row["step"] for row in one.history]


class StopAt(pl.Callback):
    """Ctrl-C, as it were, in every process after a step."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 21:
            raise KeyboardInterrupt


def test_a_training_in_two_processes_is_stopped_and_resumed_to_the_same_bits(
    train: Train, tmp_path: Path
):
    options = {"devices": 2, "pruning": PRUNERS["spp"]()}
    with pytest.raises(KeyboardInterrupt):
        train(out=tmp_path / "run", checkpoint_every_s=0, callbacks=[StopAt()], **options)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["finished"] is False
    resumed = train(out=tmp_path / "run", checkpoint_every_s=0, resume=True, **options)
    whole = train(**options)
    assert_same(dict(resumed.model.network.state_dict()), dict(whole.model.network.state_dict()))
    assert_same(resumed.model.masks, whole.model.masks)
    files = {
        path.name
        for path in (tmp_path / "run" / "logs").rglob("*")
        if path.is_file() and "tfevents" not in path.name
    }
    assert files == {"metrics.csv", "hparams.yaml"}


def test_a_budget_gives_both_processes_one_plan_and_both_stop_early_together(
    train: Train, tmp_path: Path
):
    restless = {"learning_rate": 0.3, "schedule": "constant", "patience": 2}
    stopped = train(devices=2, budget_s=8.0, callbacks=[Masks(tmp_path)], **restless)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1))
    assert_same(first, second)
    losses = [row["val_loss"] for row in stopped.history]
    assert len(losses) == int(np.argmin(losses)) + 1 + 2 < 20


def test_warnings_and_errors_of_the_processes_reach_the_caller(train: Train, house: Recording):
    with pytest.warns(
        UserWarning, match="the training ends at step 2, before the pruning schedule does"
    ):
        train(devices=2, steps=2, pruning=Magnitude(begin_step=10))
    with pytest.raises(
        TrainingError, match=r"the loss is not a number at step \d+; try a lower `learning_rate`"
    ):
        train(devices=2, learning_rate=1e30, schedule="constant")


def test_a_step_is_shared_by_no_more_processes_than_it_has_rows(train: Train):
    match = "devices 41: a step of 40 windows is shared by 1 to 40 processes"
    with pytest.raises(UsageError, match=match):
        train(devices=41)


def test_the_shares_of_a_draw_are_the_draw():
    drawn = torch.arange(7)
    assert sorted(torch.cat([take_share(drawn, rank, 3) for rank in range(3)]).tolist()) == list(
        range(7)
    )
    assert all(torch.equal(take_share(drawn[:2], rank, 3), drawn[:2]) for rank in range(3))
