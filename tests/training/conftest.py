"""Small houses with a kettle that a small network can learn in seconds, and trainings of them that
are stopped on purpose.
"""

import signal
from collections.abc import Callable
from typing import Any, Protocol

import lightning.pytorch as pl
import numpy as np
import pytest

from seq2point.errors import Interrupted
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.training import TrainingResult, train_with_history


def rectangles(samples: int, seed: int, name: str = "1") -> Recording:
    """A kettle of 2.5 kW for about two minutes at random times, over a base load with noise."""
    rng = np.random.default_rng(seed)
    kettle_w = np.zeros(samples, dtype=np.float32)
    at = int(rng.integers(20, 60))
    while at < samples:
        kettle_w[at : at + int(rng.integers(12, 25))] = 2500
        at += int(rng.integers(60, 160))
    mains_w = kettle_w + 200 + rng.normal(0, 15, samples).astype(np.float32)
    return Recording(name, 6.0, mains_w, {"kettle": kettle_w})


class Train(Protocol):
    def __call__(self, recordings: Any = None, **options: Any) -> TrainingResult: ...


@pytest.fixture(scope="session")
def make_house() -> Callable[..., Recording]:
    return rectangles


@pytest.fixture(scope="session")
def house() -> Recording:
    return rectangles(1200, seed=3)


@pytest.fixture(scope="session")
def small() -> Architecture:
    return Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)


@pytest.fixture
def train(house: Recording, small: Architecture) -> Train:
    """Trains the small network on shuffled windows for 40 steps with a validation every two, unless
    told otherwise.
    """

    def train(recordings: Any = None, **options: Any) -> TrainingResult:
        usual = {
            "network": small,
            "engine": "windows",
            "batch_size": 40,
            "learning_rate": 0.01,
            "patience": 1000,
            "progress": False,
        }
        if not {"epochs", "budget_s"} & set(options):
            usual["steps"] = 40
        given = house if recordings is None else recordings
        return train_with_history(given, "kettle", **(usual | options))

    return train


class StopAt(pl.Callback):
    """Ctrl-C, as it were, right after a step."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise KeyboardInterrupt


@pytest.fixture
def stopped(train: Train) -> Callable[..., None]:
    """Trains until a step, where the user stops it."""

    def stopped(step: int, **options: Any) -> None:
        with pytest.raises(KeyboardInterrupt):
            train(callbacks=[StopAt(step)], **options)

    return stopped


class Signal(pl.Callback):
    """A signal to this process in the middle of a step."""

    def __init__(self, step: int, number: int):
        self.step, self.number = step, number

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            signal.raise_signal(self.number)


@pytest.fixture
def signalled(train: Train) -> Callable[..., Interrupted]:
    """Trains until a signal comes at a step; what the training raises."""

    def signalled(step: int, number: int = signal.SIGTERM, **options: Any) -> Interrupted:
        with pytest.raises(Interrupted) as caught:
            train(callbacks=[Signal(step, number)], **options)
        return caught.value

    return signalled
