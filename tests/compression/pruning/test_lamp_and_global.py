"""Global scores: LAMP against its definition written out, and one threshold for all tensors."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from seq2point.compression.pruning import Pruner, PruneState, prune_once
from seq2point.compression.pruning.global_magnitude import GlobalMagnitude
from seq2point.compression.pruning.lamp import Lamp, keep_highest_lamp_scores
from seq2point.compression.pruning.magnitude import Magnitude
from seq2point.compression.pruning.random import Random
from seq2point.network import Seq2Point
from seq2point.network.masks import apply_, find_prunable, measure_sparsity

States = Callable[..., list[PruneState]]


def as_defined(weight: Tensor) -> Tensor:
    """Equation 1 of the paper for every weight on its own."""
    squares = [float(w) ** 2 for w in weight.flatten()]
    ordered = sorted(range(len(squares)), key=lambda i: (squares[i], i))
    scores = [
        squares[i] / sum(squares[j] for j in ordered[ordered.index(i) :])
        for i in range(len(squares))
    ]
    return torch.tensor(scores, dtype=torch.float64).view_as(weight)


@pytest.mark.parametrize("shape", [(40,), (5, 3, 4)])
def test_lamp_scores_are_those_of_the_definition(shape: tuple[int, ...]):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    weight.view(-1)[7] = weight.view(-1)[3]  # equal ones
    weight.view(-1)[11] = 0
    scores = keep_highest_lamp_scores(weight, 40)
    torch.testing.assert_close(
        scores, as_defined(weight).flatten().sort().values[-40:], rtol=1e-12, atol=0
    )
    assert scores[-1] == 1


def test_lamp_keeps_the_highest_scores_of_all(network: Seq2Point):
    masks = Lamp(sparsity=0.7).masks_once(network)
    scores = {name: as_defined(weight.detach()) for name, weight in find_prunable(network).items()}
    kept = torch.cat([scores[name][mask] for name, mask in masks.items()])
    gone = torch.cat([scores[name][~mask] for name, mask in masks.items()])
    assert kept.min() >= gone.max()
    assert len(kept) == round((len(kept) + len(gone)) * 0.3)


def test_lamp_of_nothing_but_zeros_is_no_division_by_zero():
    assert torch.equal(
        keep_highest_lamp_scores(torch.zeros(5), 9), torch.zeros(5, dtype=torch.float64)
    )


def test_lamp_does_not_mind_the_scale_of_a_tensor_and_global_magnitude_does(network: Seq2Point):
    first = {kind: kind(sparsity=0.8).masks_once(network) for kind in (Lamp, GlobalMagnitude)}
    with torch.no_grad():
        network.output.weight.mul_(1000)
    after = {kind: kind(sparsity=0.8).masks_once(network) for kind in (Lamp, GlobalMagnitude)}
    assert all(torch.equal(mask, after[Lamp][name]) for name, mask in first[Lamp].items())
    assert after[GlobalMagnitude]["output.weight"].all()
    assert not first[GlobalMagnitude]["output.weight"].all()


def test_global_magnitude_keeps_the_largest_weights_of_all(network: Seq2Point):
    masks = GlobalMagnitude(sparsity=0.6).masks_once(network)
    weights = {name: weight.detach().abs() for name, weight in find_prunable(network).items()}
    kept = torch.cat([weights[name][mask] for name, mask in masks.items()])
    gone = torch.cat([weights[name][~mask] for name, mask in masks.items()])
    assert kept.min() >= gone.max()
    assert len(kept) == round((len(kept) + len(gone)) * 0.4)


@pytest.mark.parametrize("kind", [Magnitude, GlobalMagnitude, Lamp, Random])
def test_what_a_network_has_lost_goes_first_so_that_the_total_is_exact(
    network: Seq2Point, kind: type[Pruner]
):
    masks_before = Random(sparsity=0.6).masks_once(network, seed=1)
    apply_(network, masks_before)
    masks = prune_once(network, kind(sparsity=0.8), masks=masks_before)  # type: ignore[call-arg]
    assert not any((mask & ~masks_before[name]).any() for name, mask in masks.items())
    assert measure_sparsity(network, masks) == pytest.approx(0.8, abs=2e-3)


@pytest.mark.parametrize("kind", [GlobalMagnitude, Lamp])
def test_a_tensor_of_tiny_weights_keeps_its_largest_and_the_total_is_still_exact(
    network: Seq2Point, kind: type[Pruner]
):
    with torch.no_grad():
        network.output.weight.mul_(1e-9)
    masks = kind(sparsity=0.9).masks_once(network)  # type: ignore[call-arg]
    total = sum(mask.numel() for mask in masks.values())
    assert sum(int(mask.sum()) for mask in masks.values()) == round(total * 0.1)
    assert masks["output.weight"].flatten()[network.output.weight.abs().argmax()]


@pytest.mark.parametrize("kind", [Magnitude, Random, GlobalMagnitude, Lamp])
def test_convolutions_and_the_last_layer_may_be_exempt(network: Seq2Point, kind: type[Pruner]):
    settings = {"exempt_convolutions": True, "exempt_output": True}
    assert set(kind(**settings).masks_once(network)) == {"hidden.weight"}
    assert set(kind(exempt_output=True).masks_once(network)) == set(find_prunable(network)) - {
        "output.weight"
    }  # type: ignore[call-arg]


def test_random_masks_follow_from_the_seed_and_only_shrink(network: Seq2Point, states: States):
    course = states(Random(sparsity=0.9, schedule="polynomial", frequency=5), network, 100)
    again = states(Random(sparsity=0.9, schedule="polynomial", frequency=5), network, 100)
    other = states(Random(sparsity=0.9, schedule="polynomial", frequency=5), network, 100, seed=1)
    assert torch.equal(course[-1].masks["hidden.weight"], again[-1].masks["hidden.weight"])
    assert not torch.equal(course[-1].masks["hidden.weight"], other[-1].masks["hidden.weight"])
    for before, after in pairwise(course):
        assert not any((after.masks[name] & ~mask).any() for name, mask in before.masks.items())


def test_what_a_network_has_lost_counts_towards_a_random_sparsity(network: Seq2Point):
    masks_before = prune_once(network, Random(sparsity=0.6), seed=1)
    more = prune_once(network, Random(sparsity=0.9), seed=2, masks=masks_before)
    for name, mask in masks_before.items():
        assert not (more[name] & ~mask).any()
        assert int(more[name].sum()) == round(mask.numel() * 0.1)
