"""Whole units and channels: which go, and everything that goes with them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from seq2point.compression.pruning import PruneState, StepInfo
from seq2point.compression.pruning.structured import Structured
from seq2point.compression.pruning.units import couple_masks
from seq2point.errors import UsageError
from seq2point.network import Architecture, Seq2Point, masks

States = Callable[..., list[PruneState]]


def flags(*dropped: int, of: int) -> torch.Tensor:
    kept = torch.ones(of, dtype=torch.bool)
    kept[list(dropped)] = False
    return kept


@pytest.mark.parametrize(
    ("layer", "of", "unit"),
    [
        ("convolutions.0", 6, 2),
        ("convolutions.1", 4, 1),
        ("convolutions.1", 4, 3),
        ("hidden", 50, 7),
    ],
)
def test_a_dropped_unit_takes_its_row_its_bias_and_every_weight_that_reads_it(
    network: Seq2Point, layer: str, of: int, unit: int
):
    """Check that no prediction depends on a dropped weight, and that nothing else was dropped."""
    chosen = couple_masks(network, {layer: flags(unit, of=of)})
    masks.apply_(network, chosen)
    x = torch.randn(7, 33)
    before = network(x)
    for name, mask in chosen.items():
        if name.startswith(layer):
            noise = torch.zeros_like(network.get_parameter(name))
            noise[~mask] = torch.randn(int((~mask).sum()))
            with torch.no_grad():
                network.get_parameter(name).add_(noise)
    torch.testing.assert_close(network(x), before)
    reader = {"convolutions.0": "convolutions.1", "convolutions.1": "hidden", "hidden": "output"}[
        layer
    ]
    assert set(chosen) == {f"{layer}.weight", f"{layer}.bias", f"{reader}.weight"}
    taps = network.architecture.taps if reader == "hidden" else 1
    per_row = network.get_parameter(f"{reader}.weight")[0].numel() // of
    assert (
        int((~chosen[f"{reader}.weight"]).sum())
        == len(network.get_parameter(f"{reader}.weight")) * per_row
    )
    assert (~chosen[f"{reader}.weight"][0]).flatten().nonzero()[0].item() == unit * (
        taps if reader == "hidden" else per_row
    )


@pytest.mark.parametrize(("criterion", "order"), [("L1", 1), ("L2", 2)])
def test_the_units_and_channels_of_the_lowest_norm_go(
    network: Seq2Point, criterion: Any, order: int
):
    chosen = Structured(sparsity=0.5, criterion=criterion).masks_once(network)
    for layer in ("convolutions.0", "convolutions.1", "hidden"):
        norms = torch.linalg.vector_norm(
            network.get_parameter(f"{layer}.weight").detach().flatten(1), order, dim=1
        )
        kept = chosen[f"{layer}.bias"]
        assert int(kept.sum()) == len(kept) // 2
        assert norms[kept].min() >= norms[~kept].max()


def test_half_of_both_leaves_a_quarter_of_the_large_layer(network: Seq2Point):
    chosen = Structured(sparsity=0.5).masks_once(network)
    assert float(chosen["hidden.weight"].double().mean()) == 0.25
    assert float(chosen["convolutions.1.weight"].double().mean()) == 0.25


@pytest.mark.parametrize(
    ("settings", "biases"),
    [
        ({"granularity": "units"}, {"hidden.bias": 25}),
        ({"granularity": "channels"}, {"convolutions.0.bias": 3, "convolutions.1.bias": 2}),
        (
            {"units_sparsity": 0.9, "channels_sparsity": 0.34},
            {"convolutions.0.bias": 4, "convolutions.1.bias": 3, "hidden.bias": 5},
        ),
        (
            {"sparsity": 0, "units_sparsity": 0.5},
            {"convolutions.0.bias": 6, "convolutions.1.bias": 4, "hidden.bias": 25},
        ),
    ],
)
def test_units_and_channels_have_fractions_of_their_own(
    network: Seq2Point, settings: dict[str, Any], biases: dict[str, int]
):
    chosen = Structured(**settings).masks_once(network)
    assert {
        name: int(mask.sum()) for name, mask in chosen.items() if name.endswith("bias")
    } == biases


def test_separate_fractions_grow_with_the_schedule(network: Seq2Point, states: States):
    pruner = Structured(sparsity=0.5, units_sparsity=0.8, schedule="polynomial", frequency=10)
    course = states(pruner, network, 100)
    left = [int(state.masks["hidden.bias"].sum()) for state in course if state.masks]
    assert left == sorted(left, reverse=True)
    assert left[0] > 25
    assert left[-1] == 10


@pytest.mark.parametrize("apart", [{"units_sparsity": 0.8}, {"channels_sparsity": 0.8}])
def test_a_fraction_of_its_own_follows_the_schedule_where_there_is_no_other(
    network: Seq2Point, states: States, apart: dict[str, float]
):
    pruner = Structured(sparsity=0, schedule="polynomial", frequency=10, **apart)  # type: ignore[arg-type]
    course = states(pruner, network, 100)
    removed = [masks.measure_sparsity(network, state.masks) for state in course[10:61:10]]
    assert removed == sorted(removed)
    assert 0 < removed[0] < removed[1] < removed[-1]
    assert [state.final for state in course] == [step >= 60 for step in range(101)]
    at_once = Structured(sparsity=0, **apart).masks_once(network)  # type: ignore[arg-type]
    assert removed[-1] == masks.measure_sparsity(network, at_once) > 0


def test_taylor_is_the_mean_over_the_last_steps_of_weight_times_gradient_summed_over_the_unit(
    network: Seq2Point,
):
    pruner = Structured(criterion="taylor", granularity="units", frequency=30)
    state, total = pruner.begin(network), torch.zeros(50)
    random = torch.Generator().manual_seed(0)
    for step in range(1, 31):
        for p in network.parameters():
            p.grad = torch.randn(p.shape, generator=random)
        if step > 20:
            total += (network.hidden.weight.detach() * network.hidden.weight.grad).sum(1).abs()
        state = pruner.update(network, state, StepInfo(step, 100, 1.0))
    kept = state.masks["hidden.bias"]
    assert total[kept].min() >= total[~kept].max()
    assert set(state.memory) == {"seed"}


def test_taylor_without_gradients_is_refused_with_what_to_do(network: Seq2Point):
    with pytest.raises(
        UsageError,
        match="criterion 'taylor' needs gradients: give data to fine-tune on, or another criterion",
    ):
        Structured(criterion="taylor").masks_once(network)


def test_one_unit_and_one_channel_of_every_layer_stay(network: Seq2Point):
    chosen = Structured(sparsity=0.999).masks_once(network)
    assert all(int(mask.sum()) == 1 for name, mask in chosen.items() if name.endswith("bias"))
    assert all(mask.any() for mask in chosen.values())


def test_channels_of_a_low_rank_network_are_read_by_its_projection():
    network = Architecture(window=33, channels=(4, 6), kernels=(5, 3), hidden=8, rank=3).build()
    masks = Structured(sparsity=0.5).masks_once(network)
    assert {name: tuple(mask.shape) for name, mask in masks.items()} == {
        name: tuple(network.get_parameter(name).shape) for name in masks
    }
    taps = network.architecture.taps
    dropped = ~masks["convolutions.1.bias"]
    assert dropped.sum() == 3
    assert torch.equal(~masks["projection.weight"], dropped.repeat_interleave(taps).expand(3, -1))
    assert int(masks["hidden.bias"].sum()) == 4
