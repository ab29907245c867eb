"""Low magnitude pruning step by step, on a network that nobody trains: only the pruner's decisions
count.
"""

import warnings

import pytest
import torch

from seq2point.compression.pruning import PruneState, StepInfo
from seq2point.compression.pruning.magnitude import Magnitude
from seq2point.errors import UsageError
from seq2point.network import Architecture, Seq2Point
from seq2point.network.masks import find_prunable, measure_sparsity


@pytest.fixture
def network() -> Seq2Point:
    torch.manual_seed(0)
    return Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=50).build()


def states(pruner: Magnitude, network: Seq2Point, planned: int) -> list[PruneState]:
    """Return the state before the first step and after every step."""
    history = [pruner.begin(network)]
    for step in range(1, planned + 1):
        history.append(pruner.update(network, history[-1], StepInfo(step, planned, 0.0)))
    return history


@pytest.mark.parametrize(("planned", "first"), [(250, 25), (5, 1), (3000, 100)])
def test_by_default_half_of_every_tensor_goes_at_a_tenth_of_the_steps_or_the_hundredth(
    network: Seq2Point, planned: int, first: int
):
    after = states(Magnitude(), network, planned)
    assert not after[first - 1].masks
    assert not after[first - 1].final
    assert after[first].final
    assert {name: int(mask.sum()) for name, mask in after[first].masks.items()} == {
        name: weight.numel() // 2 for name, weight in find_prunable(network).items()
    }


def test_the_largest_weights_by_magnitude_are_kept_in_every_tensor(network: Seq2Point):
    masks = states(Magnitude(sparsity=0.8, frequency=1), network, 1)[1].masks
    for name, weight in find_prunable(network).items():
        sizes = weight.detach().abs()
        assert sizes[masks[name]].min() >= sizes[~masks[name]].max()


def test_between_updates_the_mask_stands_still_and_an_update_sees_the_weights_anew(
    network: Seq2Point,
):
    pruner = Magnitude(sparsity=0.8, schedule="polynomial", frequency=10)
    before = states(pruner, network, 100)[10]
    with torch.no_grad():
        for weight in find_prunable(network).values():
            weight.copy_(weight.flatten().flip(0).view_as(weight))
    assert pruner.update(network, before, StepInfo(19, 100, 0.0)) is before
    after = pruner.update(network, before, StepInfo(20, 100, 0.0))
    for name, weight in find_prunable(network).items():
        kept, earlier = after.masks[name], before.masks[name]
        assert not (kept & ~earlier).any()
        assert weight[kept].abs().min() >= weight[earlier & ~kept].abs().max()


def test_a_dropped_weight_stays_dropped_though_one_that_is_kept_is_zero(network: Seq2Point):
    pruner = Magnitude(frequency=1)
    before = pruner.update(network, pruner.begin(network), StepInfo(1, 9, 0.0))
    with torch.no_grad():
        network.hidden.weight.zero_()
    after = pruner.update(network, before, StepInfo(2, 9, 0.0))
    assert torch.equal(after.masks["hidden.weight"], before.masks["hidden.weight"])


def test_the_polynomial_schedule_ends_at_sixty_percent_of_the_planned_steps(network: Seq2Point):
    after = states(Magnitude(sparsity=0.9, schedule="polynomial", frequency=25), network, 100)
    course = [round(measure_sparsity(network, state.masks), 3) for state in after]
    assert course == sorted(course)
    assert [state.final for state in after] == [step >= 60 for step in range(101)]
    assert course[59] < 0.9
    assert course[60] == pytest.approx(0.9, abs=1e-3)


@pytest.mark.parametrize(
    "pruner",
    [
        Magnitude(sparsity=0.6, frequency=100),
        Magnitude(sparsity=0.6, begin_step=70),
        Magnitude(sparsity=0.6, schedule="polynomial", end_step=200, frequency=30),
        Magnitude(
            sparsity=0.6, schedule="polynomial", end_step=200, frequency=25
        ),  # its last step is an update, to less
    ],
)
def test_a_training_that_ends_before_the_schedule_prunes_fully_at_its_last_step_with_a_warning(
    network: Seq2Point, pruner: Magnitude
):
    with pytest.warns(
        UserWarning,
        match="the training ends at step 50, before the pruning schedule does: pruned to 60%",
    ):
        last = states(pruner, network, 50)[-1]
    assert last.final
    assert measure_sparsity(network, last.masks) == pytest.approx(0.6, abs=1e-3)


def test_a_schedule_that_ends_with_the_training_needs_no_warning(network: Seq2Point):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert states(Magnitude(frequency=50), network, 50)[-1].final
        assert states(Magnitude(schedule="polynomial", end_step=50), network, 50)[-1].final


def test_a_sparsity_of_zero_keeps_everything(network: Seq2Point):
    assert all(
        mask.all()
        for mask in states(Magnitude(sparsity=0, frequency=1), network, 2)[-1].masks.values()
    )


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({"begin_step": 50, "end_step": 40}, "begin 50 and end 40 are not a span of steps"),
        (
            {"schedule": "polynomial", "begin_step": 50, "end_step": 50},
            "end 50 of a polynomial schedule is not after its begin 50",
        ),
        (
            {"schedule": "polynomial", "initial": 0.6},
            "magnitude: initial = 0.6 lies above the sparsity 0.5",
        ),
    ],
)
def test_steps_that_are_no_span_are_refused_before_any_training(
    steps: dict[str, object], message: str
):
    with pytest.raises(UsageError, match=message):
        Magnitude.model_validate(steps)
