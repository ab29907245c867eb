"""How many weights of a network masks keep, and how many are zero: on NumPy's arrays, by name."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]


class LayerCount(NamedTuple):
    """One row of the pruning table.

    `kept` counts the weights that the mask keeps, `total` all weights, `zeros` those that are
    exactly zero.
    """

    name: str
    kept: int
    total: int
    zeros: int


def is_prunable(name: str) -> bool:
    """Return whether a parameter may be pruned: a bias is removed only with its whole unit."""
    return name.endswith("weight")


def count_weights(parameters: Arrays, masks: Arrays) -> list[LayerCount]:
    """Return the pruning table: a row for every prunable array of the parameters."""
    rows = []
    for name, weight in parameters.items():
        if is_prunable(name):
            kept = int(np.count_nonzero(masks[name])) if name in masks else weight.size
            zeros = weight.size - int(np.count_nonzero(weight))
            rows.append(LayerCount(name, kept, weight.size, zeros))
    return rows


def measure_sparsity(parameters: Arrays, masks: Arrays) -> float:
    """Return the fraction of the prunable weights that masks remove; biases are not counted."""
    total = sum(weight.size for name, weight in parameters.items() if is_prunable(name))
    removed = sum(
        mask.size - int(np.count_nonzero(mask))
        for name, mask in masks.items()
        if name in parameters and is_prunable(name)
    )
    return removed / total


def count_by_layer(parameters: Arrays, masks: Arrays) -> dict[str, Any]:
    """Return, as JSON, the sparsity over all prunable weights, and the pruning table."""
    return {
        "sparsity": measure_sparsity(parameters, masks),
        "layers": [row._asdict() for row in count_weights(parameters, masks)],
    }
