"""What the steps of a training learn from: every usable window once an epoch, and none that is not
usable.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2point.appliances import find_appliance
from seq2point.network import Architecture
from seq2point.recording import Jump, Recording
from seq2point.recording.scaling import Scale
from seq2point.training.houses import Houses
from seq2point.training.window_batches import WindowBatches

WINDOW = 33
KETTLE = find_appliance("kettle")
SHAPE = Architecture(window=WINDOW, target_index=20, channels=(2,), kernels=(3,), hidden=2)


def batches_of(recordings: list[Recording], batch_size: int = 50, seed: int = 0) -> WindowBatches:
    data = Houses(recordings, ["kettle"], SHAPE, Scale.published([KETTLE]), torch.device("cpu"))
    return WindowBatches(data, batch_size, seed)


def epoch(batches: WindowBatches, number: int) -> list[torch.Tensor]:
    steps = range(number * batches.steps_per_epoch, (number + 1) * batches.steps_per_epoch)
    return [batches.draw(step) for step in steps]


def order(batches: WindowBatches, number: int) -> list[int]:
    """The windows of an epoch, as they come."""
    numbers: list[int] = torch.cat(epoch(batches, number)).tolist()
    return numbers


def numbered(samples: int, first: int, name: str) -> Recording:
    """A house whose every reading is another number, so that a window shows where it comes from."""
    mains_w = np.arange(first, first + samples, dtype=np.float32)
    return Recording(name, 6.0, mains_w, {"kettle": mains_w + np.float32(0.5)})


@given(
    sizes=st.lists(st.integers(WINDOW, 150), min_size=1, max_size=3),
    batch_size=st.integers(1, 200),
    seed=st.integers(0, 9),
)
def test_every_window_is_visited_exactly_once_an_epoch(
    sizes: list[int], batch_size: int, seed: int
):
    batches = batches_of(
        [numbered(size, 0, str(i)) for i, size in enumerate(sizes)], batch_size, seed
    )
    windows = sum(size - WINDOW + 1 for size in sizes)
    assert batches.steps_per_epoch == -(-windows // batch_size)
    for number in (0, 1):
        steps = epoch(batches, number)
        assert sorted(order(batches, number)) == list(range(windows))
        assert all(len(step) == batch_size for step in steps[:-1])


def test_every_epoch_has_a_fresh_order_of_its_own():
    batches = batches_of([numbered(300, 0, "1")])
    orders = [tuple(order(batches, number)) for number in range(4)]
    assert len(set(orders)) == 4
    assert tuple(range(268)) not in orders


def test_a_step_draws_the_same_whenever_it_is_asked_and_another_seed_draws_otherwise(
    house: Recording,
):
    batches = batches_of([house])
    backwards = [
        batches.draw(2 * batches.steps_per_epoch + i)
        for i in reversed(range(batches.steps_per_epoch))
    ]
    in_order = order(batches_of([house]), 2)
    assert torch.cat(backwards[::-1]).tolist() == in_order
    assert order(batches_of([house], seed=1), 2) != in_order


def test_windows_and_targets_are_scaled_readings_of_one_house_in_a_row():
    batches = batches_of([numbered(60, 0, "a"), numbered(50, 1000, "b")])
    x_BW, target_BA = batches.gather(torch.arange(28 + 18))
    mains_w = x_BW * 814 + 522
    firsts = [*range(28), *range(1000, 1018)]
    expected = torch.tensor(firsts)[:, None] + torch.arange(WINDOW)
    torch.testing.assert_close(mains_w.sort(0).values, expected.float(), atol=1e-3, rtol=0)
    torch.testing.assert_close(
        target_BA[:, 0] * 1000 + 700, mains_w[:, 20] + 0.5, atol=1e-3, rtol=0
    )


def test_no_window_lies_over_a_gap_a_time_jump_or_two_houses():
    gap, jump = numbered(200, 0, "gap"), numbered(200, 1000, "jump")
    gap.mains_w[90] = np.nan
    jump = replace(jump, jumps=(Jump(120, datetime(2025, 1, 1, tzinfo=UTC)),))
    batches = batches_of([replace(gap, fill=0), jump])
    x_BW, target_BA = batches.gather(torch.cat(epoch(batches, 0)))
    firsts = (x_BW[:, 0] * 814 + 522).round().int().tolist()
    allowed = [
        *range(90 - WINDOW + 1),
        *range(91, 168),
        *range(1000, 1120 - WINDOW + 1),
        *range(1120, 1168),
    ]
    assert sorted(firsts) == allowed
    steps = x_BW.diff(dim=1) * 814
    torch.testing.assert_close(steps, torch.ones_like(steps), atol=1e-3, rtol=0)
    assert not target_BA.isnan().any()


def test_no_window_has_a_target_that_is_unknown():
    house = numbered(200, 0, "1")
    house.appliances_w["kettle"][100:110] = np.nan
    batches = batches_of([house])
    x_BW, target_BA = batches.gather(torch.cat(epoch(batches, 0)))
    firsts = (x_BW[:, 0] * 814 + 522).round().int().tolist()
    assert sorted(firsts) == [*range(80), *range(90, 168)]
    assert not target_BA.isnan().any()


def test_gathering_leaves_the_recording_as_it_was(make_house: Callable[..., Recording]):
    house = make_house(300, 1)
    before = house.mains_w.copy()
    batches = batches_of([house])
    batches.gather(batches.draw(0))
    np.testing.assert_array_equal(house.mains_w, before)


def test_the_loss_is_the_mean_squared_error_of_the_drawn_windows(house: Recording):
    torch.manual_seed(0)
    network, batches = SHAPE.build(), batches_of([house])
    drawn = batches.draw(3)
    x_BW, target_BA = batches.gather(drawn)
    expected = ((network(x_BW) - target_BA) ** 2).mean()
    assert batches.loss(network, drawn).item() == pytest.approx(expected.item(), rel=1e-6)
