"""Layer-adaptive magnitude pruning (LAMP)."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from seq2point.pruning.pruner import PruneState
from seq2point.pruning.scheduled import SingleWeights
from seq2point.pruning.scores import keep_highest_of_all, kept_count


def lamp_scores(weight: Tensor) -> Tensor:
    """Each weight's square over the sum of the squares of its layer that are not smaller, of equal ones the later by index.

    Lee, Park, Mo, Ahn, Shin 2021, arXiv 2010.07611, equation 1. The largest weight scores 1 in every layer.
    """
    squares, order = weight.flatten().double().square().sort(stable=True)
    not_smaller = squares.flip(0).cumsum(0).flip(0)
    scores = torch.empty_like(squares)
    scores[order] = squares / not_smaller.clamp(min=torch.finfo(squares.dtype).tiny)
    return scores.view_as(weight)


class Lamp(SingleWeights):
    """Keep the highest LAMP scores of all tensors together: global, with each tensor's scale taken out."""

    name: ClassVar[str] = "lamp"
    source: ClassVar[str] = "Lee et al. 2021, arXiv 2010.07611"
    advice: ClassVar[str] = (
        "Finds each layer's share by itself; try it where magnitude begins to fail. Its update takes some seconds."
    )

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """The lowest scores of all."""
        scores = {name: lamp_scores(weight) for name, weight in self.tensors(network).items()}
        return keep_highest_of_all(scores, kept_count(sum(s.numel() for s in scores.values()), sparsity))
