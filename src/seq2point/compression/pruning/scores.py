"""From scores to masks: keep the highest, exactly as many as asked."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

DROPPED = -1.0


def count_kept(total: int, sparsity: float) -> int:
    """Weights left of `total`: total * (1 - sparsity) rounded half to even, at least one (as in
    TensorFlow's toolkit).
    """
    return max(round(total * (1 - sparsity)), 1)


def find_last_if_dropped(scores: Tensor, kept: Tensor | None) -> Tensor:
    """Return scores of at least 0 with -1, the lowest, where a mask drops; None is a mask that
    drops nothing.
    """
    return scores if kept is None else scores.masked_fill(~kept.to(scores.device), DROPPED)


def keep_highest(scores: Tensor, count: int) -> Tensor:
    """A mask of the shape of `scores` that keeps exactly the `count` highest; of equal ones the
    first by index.
    """
    flat = scores.flatten()
    if count >= flat.numel():
        return torch.ones_like(scores, dtype=torch.bool)
    threshold = _ascending(flat, flat.numel() - count)
    mask = flat > threshold
    missing = count - int(torch.count_nonzero(mask))
    mask[torch.nonzero(flat == threshold)[:missing, 0]] = True
    return mask.view_as(scores)


def _ascending(flat: Tensor, place: int) -> Tensor:
    """The value at a place, from 0, of the ascending order."""
    if flat.device.type == "cpu":  # NumPy selects twice as quickly as torch
        return torch.as_tensor(np.partition(flat.numpy(), place)[place])
    return flat.kthvalue(place + 1).values


def keep_highest_of_all(scores: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """Masks that keep exactly the `count` highest scores of all tensors together, and of each
    tensor at least its highest.

    Where there are more tensors than `count`, one of each is kept.
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
