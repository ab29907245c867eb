"""Torch-Pruning (Fang et al., CVPR 2023) removes the same channels and hidden units: its network
must be the same as ours.

Its dependency graph finds by itself what each removal takes along: the next layer's inputs, and the
columns of the first Linear that belong to a channel behind the flatten.
"""

import copy
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from seq2point.compression.compaction import compact_network
from seq2point.network import Architecture, Seq2Point, masks

GONE = {
    "first channels": {"convolutions.0": [0, 2]},
    "last channels": {"convolutions.2": [1, 4]},
    "hidden units": {"hidden": [0, 3, 4, 9]},
    "all of them": {
        "convolutions.0": [1],
        "convolutions.1": [3, 4],
        "convolutions.2": [0],
        "hidden": [1, 2, 11],
    },
}


@pytest.fixture(scope="module")
def torch_pruning() -> ModuleType:
    return pytest.importorskip("torch_pruning", reason="Torch-Pruning is not installed here")


class Plain(nn.Module):
    """The same layers in the plain order, which Torch-Pruning can trace."""

    def __init__(self, network: Seq2Point):
        super().__init__()
        self.convolutions, self.hidden, self.output = (
            network.convolutions,
            network.hidden,
            network.output,
        )

    def forward(self, x_BW: Tensor) -> Tensor:
        f = x_BW[:, None]
        for convolution in self.convolutions:
            f = torch.relu(convolution(f))
        return self.output(torch.relu(self.hidden(torch.flatten(f, 1))))


@pytest.mark.parametrize("gone", GONE.values(), ids=GONE)
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_same_removal_by_torch_pruning_gives_the_same_network(
    torch_pruning: ModuleType, gone: dict[str, list[int]], outputs: int
):
    torch.manual_seed(4)
    network = (
        Architecture(window=41, channels=(4, 5, 6), kernels=(5, 4, 3), hidden=12, outputs=outputs)
        .build()
        .double()
        .eval()
    )
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    chosen = {
        f"{layer}.{kind}": torch.ones_like(
            network.get_parameter(f"{layer}.{kind}"), dtype=torch.bool
        )
        for layer in gone
        for kind in ("weight", "bias")
    }
    for layer, units in gone.items():
        chosen[f"{layer}.weight"][units] = False
        chosen[f"{layer}.bias"][units] = False
    theirs = Plain(copy.deepcopy(network))
    for layer, units in gone.items():
        module = theirs.get_submodule(layer)
        prune = (
            torch_pruning.prune_linear_out_channels
            if layer == "hidden"
            else torch_pruning.prune_conv_out_channels
        )
        graph = torch_pruning.DependencyGraph().build_dependency(
            theirs, example_inputs=torch.randn(2, 41, dtype=torch.float64)
        )
        graph.get_pruning_group(module, prune, idxs=units).prune()
    masks.apply_(network, chosen)
    ours = compact_network(network, chosen).network
    x_BW = torch.randn(20, 41, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(ours(x_BW), theirs(x_BW), rtol=1e-10, atol=1e-10)
    state, expected = ours.state_dict(), theirs.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in state)
