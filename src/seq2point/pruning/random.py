"""Random pruning: the floor that every method must beat."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from seq2point.pruning.pruner import PruneState, generator
from seq2point.pruning.scheduled import SingleWeights
from seq2point.pruning.scores import keep_highest, kept_count, last_if_dropped


class Random(SingleWeights):
    """Keep weights of every tensor by lot, each tensor at the same sparsity; the lot is cast once, so masks only shrink.

    What is already dropped counts as drawn first.
    """

    name: ClassVar[str] = "random"
    source: ClassVar[str] = "the baseline of Blalock et al. 2020, arXiv 2003.03033"
    advice: ClassVar[str] = "To compare with only: a method that does no better is worth nothing."

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """The same fraction of each tensor, whichever weights drew the lowest lots."""
        masks = {}
        for i, (name, weight) in enumerate(self.tensors(network).items()):
            lots = torch.rand(weight.shape, generator=generator(state.memory["seed"], i))
            lots = last_if_dropped(lots, state.masks.get(name))
            masks[name] = keep_highest(lots, kept_count(weight.numel(), sparsity)).to(weight.device)
        return masks
