"""Masks by parameter name: True where a weight is kept. Counting, applying and merging them happens
here alone.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

Masks = Mapping[str, Tensor]

ROWS = 16


class LayerCount(NamedTuple):
    """One row of the pruning table: weights kept by the mask, all weights, and weights that are
    exactly zero.
    """

    name: str
    kept: int
    total: int
    zeros: int


class Stash(NamedTuple):
    """What stood where a mask of one step drops: whole rows by number, or single weights by a mask
    of the parameter's shape.
    """

    name: str
    rows: Tensor | None
    dropped: Tensor | None
    values: Tensor


def convolves(weight: Tensor) -> bool:
    """Whether weights are those of a convolution, which have a dimension for its taps."""
    return weight.dim() > 2


def find_prunable(network: nn.Module) -> dict[str, nn.Parameter]:
    """The weight tensors that may be pruned, by name: convolutions and Linear layers. A bias only
    goes with its whole unit.
    """
    return {name: p for name, p in network.named_parameters() if name.endswith("weight")}


@torch.no_grad()
def apply_(network: nn.Module, masks: Masks) -> None:
    """Set every weight that its mask drops to exactly zero, in place."""
    for name, mask in masks.items():
        weights, factors = (
            torch.split(network.get_parameter(name), ROWS),
            torch.split(mask.view(torch.uint8), ROWS),
        )
        for weight, factor in zip(weights, factors, strict=True):
            weight.mul_(
                factor.to(weight)
            )  # a bool factor is ten times slower; a few rows at a time stay in the cache


@torch.no_grad()
def stash_(network: nn.Module, masks: Masks) -> list[Stash]:
    """Set what masks of one step drop to zero, in place, and return what stood there for
    `restore_`.

    A mask [O] or [O, 1, ...] drops whole rows, which costs no more than those rows. Any other
    broadcasts to the shape of its parameter.
    """
    aside = []
    for name, mask in masks.items():
        weight = network.get_parameter(name)
        mask = mask.to(weight.device)
        if mask.numel() == mask.shape[0] == len(weight):
            rows = torch.nonzero(~mask.flatten())[:, 0]
            aside.append(Stash(name, rows, None, weight.index_select(0, rows)))
            weight.index_fill_(0, rows, 0)
        else:
            dropped = ~mask.expand_as(weight)
            aside.append(Stash(name, None, dropped, weight[dropped]))
            weight[dropped] = 0
    return aside


@torch.no_grad()
def clear_gradients_(network: nn.Module, aside: Sequence[Stash]) -> None:
    """Set the gradients of what was set aside to zero: it was not part of the step."""
    for name, rows, dropped, _ in aside:
        gradient = network.get_parameter(name).grad
        if gradient is not None and rows is not None:
            gradient.index_fill_(0, rows, 0)
        elif gradient is not None:
            gradient[dropped] = 0


@torch.no_grad()
def restore_(network: nn.Module, aside: Sequence[Stash]) -> None:
    """Put back what was set aside, whatever the optimiser has made of the zeros."""
    for name, rows, dropped, values in aside:
        weight = network.get_parameter(name)
        if rows is not None:
            weight.index_copy_(0, rows, values)
        else:
            weight[dropped] = values


def merge(*several: Masks) -> dict[str, Tensor]:
    """The masks that keep only what all of them keep."""
    merged: dict[str, Tensor] = {}
    for masks in several:
        for name, mask in masks.items():
            merged[name] = merged[name] & mask if name in merged else mask
    return merged


def count_weights(network: nn.Module, masks: Masks) -> list[LayerCount]:
    """The pruning table, a row for every prunable tensor."""
    rows = []
    for name, weight in find_prunable(network).items():
        kept = int(torch.count_nonzero(masks[name])) if name in masks else weight.numel()
        rows.append(
            LayerCount(
                name, kept, weight.numel(), weight.numel() - int(torch.count_nonzero(weight))
            )
        )
    return rows


def measure_sparsity(network: nn.Module, masks: Masks) -> float:
    """Return the fraction of a network's prunable weights that its masks remove, biases aside."""
    weights = find_prunable(network)
    removed = sum(
        mask.numel() - int(torch.count_nonzero(mask))
        for name, mask in masks.items()
        if name in weights
    )
    return removed / sum(weight.numel() for weight in weights.values())
