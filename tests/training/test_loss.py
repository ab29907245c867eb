"""The training's error: squared, with a share of absolute error, and free below zero where the
appliance is off.
"""

import numpy as np
import pytest
import torch

from seq2point.appliances import find_appliance
from seq2point.model.evaluation import evaluate
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.training import train_with_history
from seq2point.training.augmentation import NO_AUGMENTATION
from seq2point.training.chunk_batches import ChunkBatches
from seq2point.training.houses import Houses
from seq2point.training.loss import OFF_W, Loss
from seq2point.training.window_batches import WindowBatches

KETTLE = find_appliance("kettle")
SHAPE = Architecture(window=33, channels=(2,), kernels=(3,), hidden=2)
SCALE = Scale.published([KETTLE])


def house(seed: int, samples: int = 900) -> Recording:
    random = np.random.default_rng(seed)
    kettle_w = np.where(
        random.random(samples) < 0.3, random.integers(1, 20, samples) * 100, 0
    ).astype(np.float32)
    return Recording(
        str(seed),
        6.0,
        100 + random.random(samples, dtype=np.float32) + kettle_w,
        {"kettle": kettle_w},
    )


def scaled(watts: list[float]) -> torch.Tensor:
    return ((torch.tensor(watts) - KETTLE.mean_w) / KETTLE.std_w)[:, None]


@pytest.mark.parametrize("kind", [ChunkBatches, WindowBatches])
def test_the_absolute_error_is_added_to_the_squared_one(kind: type) -> None:
    houses = Houses([house(1)], ["kettle"], SHAPE, SCALE, torch.device("cpu"))
    torch.manual_seed(0)
    network = SHAPE.build()
    with torch.no_grad():
        network.output.weight.zero_()
        network.output.bias.fill_(0.5)
    losses = []
    for absolute in (0.0, 0.2):
        batches = (
            kind(houses, 60, 1, 1, 0.0, NO_AUGMENTATION, Loss(absolute))
            if kind is ChunkBatches
            else kind(houses, 60, 1, Loss(absolute))
        )
        losses.append(batches.loss(network, batches.draw(0)))
    gathered = batches.gather(batches.draw(0))
    error = 0.5 - (gathered[1][gathered[2]] if kind is ChunkBatches else gathered[1])
    torch.testing.assert_close(losses[0], error.square().mean())
    torch.testing.assert_close(losses[1], error.square().mean() + 0.2 * error.abs().mean())


def test_below_zero_is_free_where_the_appliance_is_off_and_nowhere_else() -> None:
    answer = scaled([-500, -500, -500, 40, 2000]).requires_grad_()
    target = scaled([0, OFF_W - 1, OFF_W + 1, 0, 1500])
    error = Loss(0.0, clipped=True)(
        answer, target, lambda power_w: (power_w - KETTLE.mean_w) / KETTLE.std_w
    )[:, 0]
    expected_w = torch.tensor([0, OFF_W - 1, 500 + OFF_W + 1, 40, 500])
    torch.testing.assert_close(error.sqrt() * KETTLE.std_w, expected_w, rtol=1e-3, atol=1e-3)
    error.sum().backward()
    assert (answer.grad[:, 0] != 0).tolist() == [False, False, True, True, True]


@pytest.mark.parametrize("clipped", [False, True])
def test_a_validation_measures_what_the_training_minimises(clipped: bool) -> None:
    trained = train_with_history(
        house(1),
        "kettle",
        network=SHAPE,
        steps=6,
        batch_size=200,
        absolute=0.2,
        clipped=clipped,
        progress=False,
    )
    (recording,) = trained.held_out
    error = (
        trained.model.predict_w(recording, clip=clipped)[:, 0] - recording.appliance_w("kettle")
    ) / KETTLE.std_w
    error = error[~np.isnan(error)].astype(np.float64)
    best = min(row["val_loss"] for row in trained.history)
    assert best == pytest.approx(np.mean(error**2 + 0.2 * np.abs(error)), rel=1e-5)
    if clipped:
        best_mae_w = min((row["val_loss"], row["val_mae_w"]) for row in trained.history)[1]
        assert best_mae_w == pytest.approx(
            evaluate(trained.model, [recording]).metrics["kettle"]["mae_w"], rel=1e-5
        )


def test_the_absolute_error_rises_over_the_first_steps() -> None:
    loss = Loss(0.2, clipped=True)
    assert [loss.ramp(progress).absolute for progress in (0.0, 0.15, 0.3, 1.0)] == pytest.approx(
        [0, 0.1, 0.2, 0.2]
    )
    assert loss.ramp(0.0).clipped
    houses = Houses([house(1)], ["kettle"], SHAPE, SCALE, torch.device("cpu"))
    batches = ChunkBatches(houses, 60, 1, 1, 0.0, NO_AUGMENTATION, loss)
    network, drawn = SHAPE.build(), batches.draw(0)
    whole, half, none = (
        batches.loss(network, drawn, progress).item() for progress in (1.0, 0.15, 0.0)
    )
    assert whole - half == pytest.approx(half - none, rel=1e-3)
    assert whole > none
