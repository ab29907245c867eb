"""Random pruning: the floor that every method must beat."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import PruneState, make_generator
from seq2point.compression.pruning.scheduled_pruner import SingleWeights
from seq2point.compression.pruning.scores import count_kept, find_last_if_dropped, keep_highest


class Random(SingleWeights):
    """Keep weights of every tensor by lot, each tensor at the same sparsity; the lot is cast once,
    so masks only shrink.

    What is already dropped counts as drawn first.
    """

    name: ClassVar[str] = "random"
    source: ClassVar[str] = "the baseline of Blalock et al. 2020, arXiv 2003.03033"
    advice: ClassVar[str] = "To compare with only: a method that does no better is worth nothing."

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """The same fraction of each tensor, whichever weights drew the lowest lots."""
        masks = {}
        for i, (name, weight) in enumerate(self.tensors(network).items()):
            lots = torch.rand(weight.shape, generator=make_generator(state.memory["seed"], i))
            lots = find_last_if_dropped(lots, state.masks.get(name))
            masks[name] = keep_highest(lots, count_kept(weight.numel(), sparsity)).to(weight.device)
        return masks
