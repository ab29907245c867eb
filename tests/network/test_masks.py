"""Masks by parameter name: what they may touch, what they set to zero, how they are counted and
merged.
"""

import pytest
import torch

from seq2point.network import Architecture, Seq2Point, masks
from seq2point.weight_counts import LayerCount

LAYERS = ("convolutions.0.weight", "convolutions.1.weight", "hidden.weight", "output.weight")


@pytest.fixture
def network() -> Seq2Point:
    torch.manual_seed(0)
    network = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8).build()
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(torch.randn_like(p))
    return network


def random_masks(network: Seq2Point, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(w.shape, generator=generator) < 0.5
        for name, w in masks.find_prunable(network).items()
    }


def test_every_weight_tensor_may_be_pruned_and_no_bias(network: Seq2Point):
    assert tuple(masks.find_prunable(network)) == LAYERS


def test_applying_zeroes_what_is_dropped_and_leaves_the_rest_bit_for_bit(network: Seq2Point):
    before = {name: t.clone() for name, t in network.state_dict().items()}
    chosen = random_masks(network, 1)
    masks.apply_(network, chosen)
    for name, after in network.state_dict().items():
        kept = chosen.get(name, torch.ones_like(after, dtype=torch.bool))
        assert torch.equal(after[kept], before[name][kept])
        assert torch.equal(after[~kept], torch.zeros_like(after[~kept]))


def test_applying_nothing_changes_nothing(network: Seq2Point):
    before = {name: t.clone() for name, t in network.state_dict().items()}
    masks.apply_(network, {})
    assert all(torch.equal(t, before[name]) for name, t in network.state_dict().items())


def test_a_mask_of_an_unknown_parameter_is_refused(network: Seq2Point):
    with pytest.raises(AttributeError, match="nowhere"):
        masks.apply_(network, {"nowhere.weight": torch.ones(1, dtype=torch.bool)})


def test_the_table_has_a_row_for_each_weight_tensor_with_what_is_kept_and_what_is_zero(
    network: Seq2Point,
):
    assert masks.count_weights(network, {}) == [
        LayerCount("convolutions.0.weight", 20, 20, 0),
        LayerCount("convolutions.1.weight", 48, 48, 0),
        LayerCount("hidden.weight", 8 * 4 * 27, 864, 0),
        LayerCount("output.weight", 8, 8, 0),
    ]
    mask = torch.ones(1, 8, dtype=torch.bool)
    mask[0, :3] = False
    with torch.no_grad():
        network.output.weight[0, 3] = 0  # a zero that no mask has made
    masks.apply_(network, {"output.weight": mask})
    assert masks.count_weights(network, {"output.weight": mask})[-1] == LayerCount(
        "output.weight", kept=5, total=8, zeros=4
    )


ONE_STEP = {
    "hidden.weight": torch.tensor([[True], [False]] * 4),
    "hidden.bias": torch.tensor([True, False] * 4),
    "convolutions.0.weight": torch.tensor([False, True, True, False]).view(4, 1, 1),
    "convolutions.1.weight": torch.rand(1, 4, 3, generator=torch.Generator().manual_seed(0)) < 0.5,
}


def test_stashed_weights_are_zero_for_a_while_and_then_back_to_the_bit(
    network: Seq2Point,
):
    before = {name: t.clone() for name, t in network.state_dict().items()}
    stashes = masks.stash_(network, ONE_STEP)
    for name, after in network.state_dict().items():
        kept = (
            ONE_STEP[name].expand_as(after)
            if name in ONE_STEP
            else torch.ones_like(after, dtype=torch.bool)
        )
        assert torch.equal(after, torch.where(kept, before[name], 0.0))
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1)
    masks.restore_(network, stashes)
    for name, after in network.state_dict().items():
        kept = (
            ONE_STEP[name].expand_as(after)
            if name in ONE_STEP
            else torch.ones_like(after, dtype=torch.bool)
        )
        assert torch.equal(after, torch.where(kept, before[name] + 1, before[name]))


def test_what_is_set_aside_gets_no_gradient(network: Seq2Point):
    stashes = masks.stash_(network, ONE_STEP)
    masks.clear_gradients_(network, stashes)  # none yet: nothing to do
    for p in network.parameters():
        p.grad = torch.ones_like(p)
    masks.clear_gradients_(network, stashes)
    for name, p in network.named_parameters():
        kept = (
            ONE_STEP[name].expand_as(p)
            if name in ONE_STEP
            else torch.ones_like(p, dtype=torch.bool)
        )
        assert torch.equal(p.grad, kept.float())


def test_only_the_rows_that_are_dropped_are_copied(network: Seq2Point):
    assert masks.stash_(network, {"hidden.weight": ONE_STEP["hidden.weight"]})[0].values.shape == (
        4,
        4 * 27,
    )


def test_merged_masks_keep_what_all_of_them_keep(network: Seq2Point):
    first, other = random_masks(network, 1), random_masks(network, 2)
    del other["output.weight"]
    merged = masks.merge(first, other)
    assert torch.equal(merged["hidden.weight"], first["hidden.weight"] & other["hidden.weight"])
    assert torch.equal(merged["output.weight"], first["output.weight"])
    assert masks.merge() == {}


def test_merging_leaves_its_arguments_alone(network: Seq2Point):
    first, other = random_masks(network, 1), random_masks(network, 2)
    before = {name: t.clone() for name, t in first.items()}
    masks.merge(first, other)
    assert all(torch.equal(first[name], before[name]) for name in first)


def test_sparsity_is_the_fraction_removed_of_all_prunable_weights(network: Seq2Point):
    total = 20 + 48 + 864 + 8
    chosen = {"output.weight": torch.tensor([[True, False] * 4])}
    assert masks.measure_sparsity(network, chosen) == pytest.approx(4 / total)
    assert masks.measure_sparsity(network, {}) == 0
    chosen["hidden.bias"] = torch.zeros(8, dtype=torch.bool)
    assert masks.measure_sparsity(network, chosen) == pytest.approx(4 / total)
