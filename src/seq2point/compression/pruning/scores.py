"""From scores to masks: keep the highest, and exactly as many as requested."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

DROPPED = -1.0
"""The score of a weight that is dropped already: lower than any other."""


def count_kept(total: int, sparsity: float) -> int:
    """Return how many of `total` weights a sparsity leaves: at least one.

    total * (1 - sparsity) is rounded half to even, as in the TensorFlow toolkit.
    """
    return max(round(total * (1 - sparsity)), 1)


def rank_dropped_last(scores: Tensor, kept: Tensor | None) -> Tensor:
    """Return scores with DROPPED where a mask drops; None is a mask that drops nothing."""
    return scores if kept is None else scores.masked_fill(~kept.to(scores.device), DROPPED)


def keep_highest(scores: Tensor, count: int) -> Tensor:
    """Return a mask that keeps exactly the `count` highest scores, of equal ones the first."""
    flat = scores.flatten()
    if count >= flat.numel():
        return torch.ones_like(scores, dtype=torch.bool)
    threshold = _select_ascending(flat, flat.numel() - count)
    mask = flat > threshold
    missing = count - int(torch.count_nonzero(mask))
    mask[torch.nonzero(flat == threshold)[:missing, 0]] = True
    return mask.view_as(scores)


def _select_ascending(flat: Tensor, place: int) -> Tensor:
    """Return the value at a place of the ascending order, from 0."""
    if flat.device.type == "cpu":  # NumPy selects twice as fast as torch
        return torch.as_tensor(np.partition(flat.numpy(), place)[place])
    return flat.kthvalue(place + 1).values


def keep_highest_of_all(scores: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """Return masks that keep exactly the `count` highest scores of all tensors together.

    Of each tensor at least the highest is kept, even where there are more tensors than `count`.
    """
    flat = torch.cat([s.flatten() for s in scores.values()])
    sizes = [s.numel() for s in scores.values()]
    first = 0
    for s, size in zip(scores.values(), sizes, strict=True):
        flat[first + int(s.argmax())] = torch.inf
        first += size
    parts = torch.split(keep_highest(flat, max(count, len(sizes))), sizes)
    return {
        name: part.view_as(s).clone() for (name, s), part in zip(scores.items(), parts, strict=True)
    }
