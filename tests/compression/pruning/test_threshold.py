"""The relative threshold: between two percentiles of the signed values, once, at the end."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from seq2point.compression.pruning import PruneState
from seq2point.compression.pruning.threshold import Threshold, keep_outside
from seq2point.errors import UsageError
from seq2point.network import Seq2Point
from seq2point.network.masks import find_prunable

States = Callable[..., list[PruneState]]


def test_by_default_a_tenth_of_convolutions_and_seven_tenths_of_linear_layers_go_at_the_last_step(
    network: Seq2Point, states: States
):
    course = states(Threshold(), network, 50)
    assert not any(state.masks for state in course[:-1])
    assert course[-1].final
    for name, mask in course[-1].masks.items():
        assert float(mask.double().mean()) == pytest.approx(
            0.9 if name.startswith("conv") else 0.3, abs=1 / mask.numel()
        )


def test_what_goes_lies_between_the_percentiles_of_the_signed_values(network: Seq2Point):
    masks = Threshold(linear_low=30, linear_high=60).masks_once(network)
    weight = find_prunable(network)["hidden.weight"].detach()
    low, high = np.percentile(weight.numpy(), [30, 60])
    between = (weight > low) & (weight < high)
    assert int((between == masks["hidden.weight"]).sum()) <= 2


@pytest.mark.parametrize(
    ("low", "high", "kept"), [(0, 100, 1), (0, 50, 5), (50, 100, 5), (20, 20, 10), (25, 75, 5)]
)
def test_the_count_is_exact_and_one_weight_stays(low: float, high: float, kept: int):
    assert int(keep_outside(torch.randperm(10).float(), low, high).sum()) == kept


def test_a_sparsity_takes_the_middle_of_every_tensor(network: Seq2Point):
    for name, mask in Threshold(sparsity=0.6).masks_once(network).items():
        weight = network.get_parameter(name).detach()
        assert int(mask.sum()) == round(mask.numel() * 0.4)
        below = int((weight[mask] < weight[~mask].min()).sum()) if (~mask).any() else 0
        assert abs(below - mask.numel() * 0.2) <= 1


def test_percentiles_that_are_no_span_are_refused():
    with pytest.raises(UsageError, match="threshold: linear_low = 90 lies above linear_high = 85"):
        Threshold(linear_low=90)
