"""A network on NumPy's arrays: the bounds of its outputs, and one with other layers."""

import numpy as np
import pytest
import torch
from tests.network.test_another_network import TwoHidden
from tests.network.test_network import SMALL, build_positive

from seq2point import Architecture
from seq2point.network import Seq2Point, sliding
from seq2point.runtime import array_network
from seq2point.runtime.array_network import Bounds, Weights


def list_weights(network: Seq2Point) -> Weights:
    return {name: each.detach().numpy() for name, each in network.named_parameters()}


def bound(network: Seq2Point, low: float, high: float) -> tuple[Bounds, Bounds]:
    layers = network.architecture.layers()
    return array_network.bound_outputs(layers, list_weights(network), low, high)


@pytest.mark.parametrize("rank", [None, 3])
@pytest.mark.parametrize("seed", range(3))
def test_outputs_keep_their_bounds(rank: int | None, seed: int):
    torch.manual_seed(seed)
    network = Architecture(**(SMALL.model_dump() | {"outputs": 2, "rank": rank})).build().eval()
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.1 * torch.randn_like(p))
    low, high = bound(network, -1.0, 2.0)
    outputs = network(torch.rand(500, 33) * 3 - 1).detach().double()
    assert (low <= outputs.amin(0).numpy()).all()
    assert (outputs.amax(0).numpy() <= high).all()


def test_bounds_are_those_of_a_network_in_which_nothing_cancels():
    network = build_positive(SMALL)
    low, high = bound(network, 0.5, 2.0)
    ends = torch.stack([torch.full((33,), 0.5), torch.full((33,), 2.0)])
    outputs = network(ends)[:, 0].detach().numpy()
    np.testing.assert_allclose(outputs, np.concatenate([low, high]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer", ["convolutions.0", "convolutions.1", "hidden", "output"])
def test_bounds_meet_where_no_weight_leads_on(layer: str):
    network = build_positive(SMALL)
    network.get_submodule(layer).weight.data.zero_()
    low, high = bound(network, -5.0, 50.0)
    np.testing.assert_array_equal(low, high)
    outputs = network(torch.randn(1, 33))[0].detach().numpy()
    np.testing.assert_allclose(outputs, low, rtol=1e-5, atol=1e-5)


def test_bounds_meet_where_every_unit_is_silent():
    network = build_positive(SMALL)
    network.hidden.bias.data.fill_(-1e6)
    low, high = bound(network, -5.0, 50.0)
    np.testing.assert_array_equal(low, high)


@pytest.mark.parametrize("block", [64, 100])
def test_several_hidden_layers_are_evaluated_for_windows_and_for_a_series(block: int):
    torch.manual_seed(4)
    shape = TwoHidden(window=33, channels=(4, 5), kernels=(5, 3), hidden=35, outputs=2)
    network, series = shape.build().eval(), torch.randn(500)
    weights, expected = list_weights(network), sliding.predict_windows(network, series).numpy()
    windows = np.lib.stride_tricks.sliding_window_view(series.numpy(), 33)
    by_window = array_network.predict_windows(shape, weights, windows)
    at_once = array_network.predict_series(shape, weights, series.numpy(), block)
    np.testing.assert_allclose(by_window, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(at_once.T, expected, rtol=1e-5, atol=1e-6)
