"""Whole hidden units and channels, and the weights that are dropped with them.

A unit or channel is a row of its layer's weights, its bias, and the weights of the next layer that
read it. Those are an input slice of a convolution, or the columns of a Linear layer that it feeds.
`Architecture.layers()` says which.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seq2point.errors import UsageError
from seq2point.network import Layer, Seq2Point
from seq2point.network.masks import merge


def require_seq2point(network: nn.Module) -> Seq2Point:
    """Return the network as a Seq2Point; raise UsageError for any other, whose layers are
    unknown.
    """
    if not isinstance(network, Seq2Point):
        raise UsageError(
            f"the network is a {type(network).__name__}: whole units and channels can be pruned of"
            " a Seq2Point only"
        )
    return network


def get_weight(network: Seq2Point, layer: Layer) -> Tensor:
    """Return a layer's weights, a row for each unit or channel."""
    return network.get_parameter(layer.weight_name).detach()


def couple_masks(network: Seq2Point, kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the masks of all weights and biases that are dropped with units and channels.

    `kept` are the units and channels that stay, bool[O] by layer name.
    """
    layers = {layer.name: layer for layer in network.architecture.layers()}
    return merge(
        *(_couple_layer(network, layers, layers[name], stays) for name, stays in kept.items())
    )


def _couple_layer(
    network: Seq2Point, layers: Mapping[str, Layer], layer: Layer, kept_O: Tensor
) -> dict[str, Tensor]:
    assert layer.reader is not None
    reader, weight = layers[layer.reader], get_weight(network, layer)
    kept_O, read = kept_O.to(weight.device), get_weight(network, reader)
    columns = kept_O.repeat_interleave(layer.columns_per_output).view(
        1, -1, *[1] * (read.dim() - 2)
    )
    return {
        layer.weight_name: (
            kept_O.view(-1, *[1] * (weight.dim() - 1)).expand_as(weight).contiguous()
        ),
        layer.bias_name: kept_O.clone(),
        reader.weight_name: columns.expand_as(read).contiguous(),
    }


def measure_norms(weight: Tensor, order: int) -> Tensor:
    """Return the L1 or L2 norm of every row of a weight tensor."""
    rows: Tensor = torch.linalg.vector_norm(weight.flatten(1), order, dim=1)
    return rows
