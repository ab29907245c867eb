"""Whole hidden units and channels: everything that goes when one of them goes.

A unit or channel is a row of its layer's weights, its bias, and the slice of the next layer that
reads it: a column of the output, an input slice of the next convolution, or, of the last
convolution, `taps` columns of the first Linear.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from seq2point.errors import UsageError
from seq2point.network import Seq2Point
from seq2point.network.masks import merge

HIDDEN = "hidden"


def require_seq2point(network: nn.Module) -> Seq2Point:
    """The network as a Seq2Point; raises UsageError for anything else, whose layers nobody knows."""
    if not isinstance(network, Seq2Point):
        raise UsageError(
            f"whole units and channels of a {type(network).__name__} cannot be pruned, only a"
            " Seq2Point's"
        )
    return network


def find_prunable_layers(network: Seq2Point) -> dict[str, nn.Module]:
    """The layers that have units or channels to remove, by name: the convolutions and the first
    Linear.
    """
    return {f"convolutions.{i}": layer for i, layer in enumerate(network.convolutions)} | {
        HIDDEN: network.hidden
    }


def get_weight(network: Seq2Point, layer: str) -> Tensor:
    """A layer's weights, a row for each unit or channel."""
    return network.get_parameter(f"{layer}.weight").detach()


def couple_masks(network: Seq2Point, kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The masks of all weights and biases that go with the units and channels that are dropped;
    `kept` bool[O] by layer name.
    """
    return merge(*(_masks_of(network, layer, stays) for layer, stays in kept.items()))


def _masks_of(network: Seq2Point, layer: str, kept_O: Tensor) -> dict[str, Tensor]:
    weight = get_weight(network, layer)
    kept_O = kept_O.to(weight.device)
    reader, per_row = _reader(network, layer)
    read = get_weight(network, reader)
    columns = kept_O.repeat_interleave(per_row).view(1, -1, *[1] * (read.dim() - 2))
    return {
        f"{layer}.weight": (
            kept_O.view(-1, *[1] * (weight.dim() - 1)).expand_as(weight).contiguous()
        ),
        f"{layer}.bias": kept_O.clone(),
        f"{reader}.weight": columns.expand_as(read).contiguous(),
    }


def _reader(network: Seq2Point, layer: str) -> tuple[str, int]:
    """The layer that reads a layer's units, and how many of its columns each of them feeds."""
    if layer == HIDDEN:
        return "output", 1
    number = int(layer.rpartition(".")[2])
    if number + 1 < len(network.convolutions):
        return f"convolutions.{number + 1}", 1
    return HIDDEN if network.projection is None else "projection", network.architecture.taps


def measure_norms(weight: Tensor, order: int) -> Tensor:
    """The L1 or L2 norm of every row of a weight tensor."""
    rows: Tensor = torch.linalg.vector_norm(weight.flatten(1), order, dim=1)
    return rows
