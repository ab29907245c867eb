"""Masks by parameter name: True where a weight is kept.

This module alone applies and merges them, and has what they keep counted (`weight_counts`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from seq2point import weight_counts
from seq2point.weight_counts import Arrays, LayerCount, is_prunable

Masks = Mapping[str, Tensor]

ROWS = 16
"""Rows of weights that `apply_` multiplies at a time: few enough to stay in the processor's cache.
"""


class Stash(NamedTuple):
    """The weights that a mask of one step drops, to be put back after the step.

    `rows` holds the numbers of whole rows, or `dropped` is a mask of single weights in the
    parameter's shape. `values` are the weights.
    """

    name: str
    rows: Tensor | None
    dropped: Tensor | None
    values: Tensor


def is_convolution(weight: Tensor) -> bool:
    """Return whether weights are a convolution's, which have a dimension for its taps."""
    return weight.dim() > 2


def find_prunable(network: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weight tensors that may be pruned, by name: those of all layers.

    A bias is removed only with its whole unit.
    """
    return {name: p for name, p in network.named_parameters() if is_prunable(name)}


@torch.no_grad()
def apply_(network: nn.Module, masks: Masks) -> None:
    """Set every weight that its mask drops to exactly zero, in place."""
    for name, mask in masks.items():
        weights = torch.split(network.get_parameter(name), ROWS)
        factors = torch.split(mask.view(torch.uint8), ROWS)
        for weight, factor in zip(weights, factors, strict=True):
            weight.mul_(factor.to(weight))  # a factor of type bool is ten times slower


@torch.no_grad()
def stash_(network: nn.Module, masks: Masks) -> list[Stash]:
    """Set the weights that masks of one step drop to zero, in place; return them for `restore_`.

    A mask [O] or [O, 1, ...] drops whole rows, and costs no more than those rows. Any other mask
    broadcasts to the shape of its parameter.
    """
    stashes = []
    for name, mask in masks.items():
        weight = network.get_parameter(name)
        mask = mask.to(weight.device)
        if mask.numel() == mask.shape[0] == len(weight):
            rows = torch.nonzero(~mask.flatten())[:, 0]
            stashes.append(Stash(name, rows, None, weight.index_select(0, rows)))
            weight.index_fill_(0, rows, 0)
        else:
            dropped = ~mask.expand_as(weight)
            stashes.append(Stash(name, None, dropped, weight[dropped]))
            weight[dropped] = 0
    return stashes


@torch.no_grad()
def clear_gradients_(network: nn.Module, stashes: Sequence[Stash]) -> None:
    """Set the gradients of stashed weights to zero, in place: they took no part in the step."""
    for name, rows, dropped, _ in stashes:
        gradient = network.get_parameter(name).grad
        if gradient is not None and rows is not None:
            gradient.index_fill_(0, rows, 0)
        elif gradient is not None:
            gradient[dropped] = 0


@torch.no_grad()
def restore_(network: nn.Module, stashes: Sequence[Stash]) -> None:
    """Put stashed weights back, in place, over whatever the optimiser has made of the zeros."""
    for name, rows, dropped, values in stashes:
        weight = network.get_parameter(name)
        if rows is not None:
            weight.index_copy_(0, rows, values)
        else:
            weight[dropped] = values


def merge(*several: Masks) -> dict[str, Tensor]:
    """Return masks that keep a weight only where all of `several` keep it."""
    merged: dict[str, Tensor] = {}
    for masks in several:
        for name, mask in masks.items():
            merged[name] = merged[name] & mask if name in merged else mask
    return merged


def count_weights(network: nn.Module, masks: Masks) -> list[LayerCount]:
    """Return the pruning table: a row for every prunable tensor."""
    return weight_counts.count_weights(*_to_arrays(network, masks))


def measure_sparsity(network: nn.Module, masks: Masks) -> float:
    """Return the fraction of a network's prunable weights that its masks remove; biases are not
    counted.
    """
    return weight_counts.measure_sparsity(*_to_arrays(network, masks))


def count_by_layer(network: nn.Module, masks: Masks) -> dict[str, Any]:
    """Return the sparsity and the pruning table, as JSON."""
    return weight_counts.count_by_layer(*_to_arrays(network, masks))


def _to_arrays(network: nn.Module, masks: Masks) -> tuple[Arrays, Arrays]:
    weights, kept = (
        {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        for tensors in (find_prunable(network), masks)
    )
    return weights, kept
