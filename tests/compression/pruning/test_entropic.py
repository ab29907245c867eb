"""Entropy-based pruning: the published fractions, the rounds, and when they come."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from seq2point.compression.pruning import PruneState
from seq2point.compression.pruning.entropic import (
    Entropic,
    count_rounds_on_gaussian,
    keep_informative,
)
from seq2point.network import Seq2Point
from seq2point.network.masks import measure_sparsity

States = Callable[..., list[PruneState]]

N = 400_000
KINDS = {
    "Gaussian": (lambda rng: rng.normal(0.3, 2, N), 0.683),
    "Glorot": (lambda rng: rng.uniform(-0.1, 0.1, N), 0.577),
    "Laplace": (lambda rng: rng.laplace(0, 1, N), 0.757),
}


def drawn(kind: str) -> Tensor:
    return torch.from_numpy(KINDS[kind][0](np.random.default_rng(0))).float()


def everything(weight: Tensor) -> Tensor:
    return torch.ones_like(weight, dtype=torch.bool)


@pytest.mark.parametrize("kind", KINDS)
def test_a_round_removes_the_known_fraction(kind: str):
    weight = drawn(kind)
    kept = keep_informative(weight, everything(weight), 0.0)
    assert 1 - kept.double().mean() == pytest.approx(KINDS[kind][1], abs=3e-3)


@pytest.mark.parametrize("c", [-0.3, 0.0, 0.5])
def test_what_goes_is_what_has_less_information_than_the_entropy_and_c(c: float):
    weight = drawn("Laplace").double()
    mean, sigma = weight.mean(), weight.std(correction=0)
    gaussian = torch.distributions.Normal(mean, sigma)
    information, entropy = -gaussian.log_prob(weight), gaussian.entropy()
    assert torch.equal(keep_informative(weight, everything(weight), c), information >= entropy + c)


def test_rounds_on_survivors_leave_32_then_11_then_4_percent_of_a_gaussian():
    weight = drawn("Gaussian")
    kept = everything(weight)
    left = []
    for _ in range(3):
        kept = keep_informative(weight * kept, kept, 0.0)
        left.append(round(100 * float(kept.double().mean())))
    assert left == [32, 11, 4]


@pytest.mark.parametrize(
    ("target", "rounds"), [(0.5, 1), (0.68, 1), (0.7, 2), (0.87, 2), (0.95, 3)]
)
def test_a_target_needs_as_many_rounds_as_a_gaussian_takes(target: float, rounds: int):
    assert count_rounds_on_gaussian(target) == rounds
    assert Entropic(sparsity=target).count_rounds() == rounds


def test_at_least_one_weight_stays_and_of_equal_weights_one():
    assert (
        int(keep_informative(torch.ones(9), everything(torch.ones(9)), 3.0).sum()) == 9
    )  # nothing lies within no deviation
    assert (
        int(keep_informative(torch.tensor([1.0, -1.0, 0.0]), everything(torch.ones(3)), 9.0).sum())
        == 1
    )


def test_a_round_comes_at_the_first_two_checks_between_which_the_loss_stands_still(
    network: Seq2Point, states: States
):
    pruner = Entropic(rounds=2, smoothing=0.0, check_every=5)
    falling_until = {20: 20, 33: 35}
    for end, stable in falling_until.items():
        course = states(pruner, network, 1000, lambda step, end=end: max(100 - step, 100 - end))
        assert course[stable + 4].memory["round"] == 0
        assert course[stable + 5].memory["round"] == 1


def rounds_by_step(course: list[PruneState]) -> list[int]:
    """The steps at which a round was made."""
    return [
        step
        for step, (a, b) in enumerate(pairwise(course), 1)
        if b.memory["round"] != a.memory["round"]
    ]


def test_forty_planned_steps_see_no_stability_while_the_loss_still_halves(
    network: Seq2Point, states: States
):
    course = states(Entropic(), network, 40, lambda step: 2.0 ** (-step / 5))
    assert rounds_by_step(course) == [12, 24]  # the latest steps, 60 % of the training in all


@pytest.mark.parametrize(("smoothing", "apart"), [(0.95, 20), (0.9, 10), (0.5, 2), (0.0, 1)])
@pytest.mark.parametrize("check_every", [None, 1])
def test_checks_are_as_far_apart_as_the_steps_that_the_smoothing_averages(
    network: Seq2Point, states: States, smoothing: float, apart: int, check_every: int | None
):
    pruner = Entropic(rounds=1, smoothing=smoothing, check_every=check_every)
    course = states(pruner, network, 49)
    assert rounds_by_step(course) == [2 * apart if 2 * apart < 30 else 30]


def test_a_loss_that_never_settles_has_its_rounds_by_sixty_percent_of_the_steps(
    network: Seq2Point, states: States
):
    course = states(
        Entropic(rounds=3, smoothing=0.0), network, 100, lambda step: 2.0 ** (step % 7 + step)
    )
    assert [int(state.memory["round"]) for state in course[::10]] == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        3,
        3,
        3,
        3,
    ]
    assert [state.final for state in course] == [step >= 60 for step in range(101)]


def test_it_finishes_in_a_training_of_one_step(network: Seq2Point, states: States):
    assert states(Entropic(rounds=3), network, 1)[-1].final


def test_a_target_is_met_exactly_and_no_round_overshoots_it(network: Seq2Point, states: States):
    course = states(Entropic(sparsity=0.75), network, 100)
    assert all(measure_sparsity(network, state.masks) <= 0.7501 for state in course)
    for name, mask in course[-1].masks.items():
        assert int(mask.sum()) == max(round(network.get_parameter(name).numel() * 0.25), 1)


def test_without_a_target_it_reports_what_it_reached(network: Seq2Point, states: States):
    pruner = Entropic()
    last = states(pruner, network, 100)[-1]
    assert pruner.measure_progress(last) == {
        "entropic_rounds": 2.0,
        "entropic_loss": pytest.approx(1.0),
    }
    assert 0.6 < measure_sparsity(network, last.masks) < 0.95
