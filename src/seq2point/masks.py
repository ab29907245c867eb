"""Masks by parameter name: True where a weight is kept. Counting, applying and merging them happens here alone."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

Masks = Mapping[str, Tensor]


class LayerCount(NamedTuple):
    """One row of the pruning table: weights kept by the mask, all weights, and weights that are exactly zero."""

    name: str
    kept: int
    total: int
    zeros: int


def prunable(network: nn.Module) -> dict[str, nn.Parameter]:
    """The weight tensors that may be pruned, by name: convolutions and Linear layers, never biases."""
    return {name: p for name, p in network.named_parameters() if name.endswith("weight")}


@torch.no_grad()
def apply_(network: nn.Module, masks: Masks) -> None:
    """Set every weight that its mask drops to exactly zero, in place."""
    for name, mask in masks.items():
        weight = network.get_parameter(name)
        weight.mul_(mask.view(torch.uint8).to(weight))  # a bool factor is ten times slower


def merge(*several: Masks) -> dict[str, Tensor]:
    """The masks that keep only what all of them keep."""
    merged: dict[str, Tensor] = {}
    for masks in several:
        for name, mask in masks.items():
            merged[name] = merged[name] & mask if name in merged else mask
    return merged


def count(network: nn.Module, masks: Masks) -> list[LayerCount]:
    """The pruning table, a row for every prunable tensor."""
    rows = []
    for name, weight in prunable(network).items():
        kept = int(torch.count_nonzero(masks[name])) if name in masks else weight.numel()
        rows.append(LayerCount(name, kept, weight.numel(), weight.numel() - int(torch.count_nonzero(weight))))
    return rows


def sparsity(masks: Masks) -> float:
    """Fraction of the masked tensors' weights that is removed."""
    total = sum(mask.numel() for mask in masks.values())
    return 1 - sum(int(torch.count_nonzero(mask)) for mask in masks.values()) / total if total else 0.0
