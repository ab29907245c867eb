"""A signal saves a training at the step where it came, and the resumed one equals one that never
stopped.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from tests.training.two_processes import Outcome, assert_the_same_in_both

from seq2point.compression.pruning import PRUNERS
from seq2point.compression.pruning.magnitude import Magnitude
from seq2point.errors import Interrupted
from seq2point.network import Architecture
from seq2point.training import TrainingResult

Train = Callable[..., TrainingResult]
Signalled = Callable[..., Interrupted]

DROPOUT = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8, dropout=0.5)
KINDS: dict[str, dict[str, Any]] = {
    "windows": {"validation_frequency": 1, "batch_size": 200},
    "dropout, pruning and sliding": {
        "network": DROPOUT,
        "pruning": Magnitude(sparsity=0.8, schedule="polynomial", frequency=3),
        "engine": "sliding",
        "chunk": 40,
        "batch_size": 80,
    },
}


def everything(trained: TrainingResult) -> dict[str, Any]:
    weights = {name: t.tolist() for name, t in trained.model.network.state_dict().items()}
    chosen = {name: mask.tolist() for name, mask in trained.model.masks.items()}
    history = [
        {name: value for name, value in row.items() if name != "seconds"} for row in trained.history
    ]
    return {
        "weights": weights,
        "masks": chosen,
        "history": history,
        "provenance": trained.model.provenance,
    }


def step_of(folder: Path) -> int:
    step: int = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
    return step


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_is_saved_where_signals_stopped_it_and_goes_on_to_the_same_bits(
    train: Train, signalled: Signalled, tmp_path: Path, kind: str
):
    run, options = tmp_path / "run", KINDS[kind] | {"steps": 23}
    for step, number in (
        (1, signal.SIGTERM),
        (8, signal.SIGINT),
        (11, signal.SIGHUP),
        (22, signal.SIGTERM),
    ):
        stopped = signalled(step, number, out=run, resume=True, **options)
        assert (stopped.number, stopped.kept) == (number, f"{run} keeps a checkpoint")
        assert step_of(run) == step
    assert everything(train(out=run, resume=True, **options)) == everything(train(**options))


def test_a_training_that_is_stopped_in_its_last_step_is_done(
    train: Train, signalled: Signalled, tmp_path: Path
):
    signalled(40, out=tmp_path)
    assert step_of(tmp_path) == 40
    assert everything(train(out=tmp_path, resume=True)) == everything(train())


def test_without_a_folder_nothing_is_kept(signalled: Signalled):
    assert signalled(3).kept == ""


class Twice(pl.Callback):
    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 7:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the second one stops at once")


def test_a_second_signal_stops_at_once(train: Train, tmp_path: Path):
    with pytest.raises(Interrupted) as caught:
        train(out=tmp_path, checkpoint_every_s=0, callbacks=[Twice()])
    assert caught.value.number == signal.SIGINT
    assert step_of(tmp_path) == 6


def test_handlers_are_those_of_before(train: Train, signalled: Signalled):
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    train(steps=2)
    signalled(2)
    assert [signal.getsignal(number) for number in numbers] == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & set(numbers)


class HangUp(pl.Callback):
    def on_train_batch_end(self, *_: Any) -> None:
        signal.raise_signal(signal.SIGHUP)


def test_an_ignored_signal_stays_ignored(train: Train):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert train(steps=4, callbacks=[HangUp()]).history[-1]["step"] == 4
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.fixture
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("both")


class ToTheParent(pl.Callback):
    """A signal to the process that has spawned this one, as `kill` sends it, until it comes on."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 7 and trainer.global_rank == 0:
            came: list[int] = []
            handler: Any = signal.getsignal(signal.SIGTERM)
            signal.signal(signal.SIGTERM, lambda *call: came.append(call[0]) or handler(*call))
            os.kill(os.getppid(), signal.SIGTERM)
            while not came:
                time.sleep(0.01)
            signal.signal(signal.SIGTERM, handler)


def test_two_processes_stop_at_one_step_and_go_on_to_the_same_bits(
    train: Train, tmp_path: Path, both: Path
):
    options = {
        "devices": 2,
        "pruning": PRUNERS["spp"](),
        "steps": 23,
        "validation_frequency": 1,
        "batch_size": 200,
    }
    with pytest.raises(Interrupted) as caught:
        train(out=tmp_path, callbacks=[ToTheParent()], **options)
    assert (caught.value.number, caught.value.kept) == (
        signal.SIGTERM,
        f"{tmp_path} keeps a checkpoint",
    )
    assert 7 <= step_of(tmp_path) <= 9
    assert json.loads((tmp_path / "run.json").read_text())["finished"] is False
    resumed = train(out=tmp_path, resume=True, **options)
    assert everything(resumed) == everything(train(callbacks=[Outcome(both)], **options))
    assert_the_same_in_both(both)
    logs = {path.name for path in (tmp_path / "logs").rglob("*") if path.is_file()}
    assert {name for name in logs if "tfevents" not in name} == {"metrics.csv", "hparams.yaml"}
