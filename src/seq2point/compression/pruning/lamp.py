"""Layer-adaptive magnitude pruning (LAMP)."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import PruneState
from seq2point.compression.pruning.scheduled_pruner import SingleWeights
from seq2point.compression.pruning.scores import (
    DROPPED,
    count_kept,
    keep_highest,
    keep_highest_of_all,
)


def keep_highest_lamp_scores(weight: Tensor, count: int) -> Tensor:
    """The `count` highest scores of a tensor's weights, ascending, f64: each square over the sum of
    those that are not smaller.

    Lee, Park, Mo, Ahn, Shin 2021, arXiv 2010.07611, equation 1; of equal weights each is smaller
    than the next. The largest weight scores 1 in every layer.
    """
    magnitudes = weight.detach().abs().flatten().cpu().numpy()
    first = max(len(magnitudes) - count, 0)
    largest = np.sort(np.partition(magnitudes, first)[first:])  # several times as quick as torch's
    squares = torch.from_numpy(largest).double().square_()
    not_smaller = squares.flip(0).cumsum(0).flip(0)
    return squares.div_(not_smaller.clamp_(min=torch.finfo(squares.dtype).tiny))


class Lamp(SingleWeights):
    """Keep the highest LAMP scores of all tensors together: global, with each tensor's scale taken
    out.

    Within a tensor the scores rise with the magnitudes, so they only say how many of each tensor's
    weights stay.
    """

    name: ClassVar[str] = "lamp"
    source: ClassVar[str] = "Lee et al. 2021, arXiv 2010.07611"
    advice: ClassVar[str] = (
        "Finds each layer's share by itself; try it where magnitude begins to fail. Its update"
        " takes a second."
    )

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """The lowest scores of all."""
        magnitudes = self.magnitudes(network, state)
        count = count_kept(sum(m.numel() for m in magnitudes.values()), sparsity)
        scores = {
            name: keep_highest_lamp_scores(m[m > DROPPED], count) for name, m in magnitudes.items()
        }
        shares = {
            name: int(kept.count_nonzero())
            for name, kept in keep_highest_of_all(scores, count).items()
        }
        return {name: keep_highest(m, shares[name]) for name, m in magnitudes.items()}
