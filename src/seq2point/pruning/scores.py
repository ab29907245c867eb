"""From scores to masks: keep the highest, exactly as many as asked."""

import torch
from torch import Tensor


def kept_count(total: int, sparsity: float) -> int:
    """Weights left of `total`: total * (1 - sparsity) rounded half to even, at least one (as in TensorFlow's toolkit)."""
    return max(round(total * (1 - sparsity)), 1)


def keep_highest(scores: Tensor, count: int) -> Tensor:
    """A mask of the shape of `scores` that keeps exactly the `count` highest; of equal ones the first by index."""
    flat = scores.flatten()
    if count >= flat.numel():
        return torch.ones_like(scores, dtype=torch.bool)
    threshold = flat.kthvalue(flat.numel() - count + 1).values
    mask = flat > threshold
    missing = count - int(torch.count_nonzero(mask))
    mask[torch.nonzero(flat == threshold)[:missing, 0]] = True
    return mask.view_as(scores)
