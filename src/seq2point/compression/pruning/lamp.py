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
    """Return the `count` highest LAMP scores of a tensor's weights, ascending, f64.

    A score is a weight's square over the sum of the squares that are not smaller (Lee, Park, Mo,
    Ahn, Shin 2021, arXiv 2010.07611, equation 1). Of equal weights each counts as smaller than the
    next. The largest weight of every layer scores 1.
    """
    magnitudes = weight.detach().abs().flatten().cpu().numpy()
    first = max(len(magnitudes) - count, 0)
    largest = np.sort(np.partition(magnitudes, first)[first:])  # several times as fast as torch
    squares = torch.from_numpy(largest).double().square_()
    not_smaller = squares.flip(0).cumsum(0).flip(0)
    return squares.div_(not_smaller.clamp_(min=torch.finfo(squares.dtype).tiny))


class Lamp(SingleWeights):
    """Keep the highest LAMP scores of all tensors together (Lee et al. 2021).

    The scores are free of each tensor's scale. Within a tensor they rise with the magnitudes, so
    they decide only how many weights of each tensor stay.
    """

    name: ClassVar[str] = "lamp"
    source: ClassVar[str] = "Lee et al. 2021, arXiv 2010.07611"
    advice: ClassVar[str] = (
        "Finds each layer's share by itself; try it where magnitude begins to fail. Its update"
        " takes a second."
    )

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """Return masks that drop the lowest scores of all tensors together."""
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
