"""Random pruning: the floor that every method must beat."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import PruneState, make_generator
from seq2point.compression.pruning.scheduled_pruner import SingleWeights
from seq2point.compression.pruning.scores import count_kept, keep_highest, rank_dropped_last


class Random(SingleWeights):
    """Keep random weights of every tensor, each tensor at the same sparsity.

    Each weight draws one number for the whole training, so masks only shrink. A weight that is
    dropped already ranks lowest.
    """

    name: ClassVar[str] = "random"
    source: ClassVar[str] = "the baseline of Blalock et al. 2020, arXiv 2003.03033"
    advice: ClassVar[str] = "To compare with only: a method that does no better is worth nothing."

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """Return masks that drop the lowest draws of each tensor, the same fraction of each."""
        masks = {}
        for i, (name, weight) in enumerate(self.select_tensors(network).items()):
            draws = torch.rand(weight.shape, generator=make_generator(state.memory["seed"], i))
            draws = rank_dropped_last(draws, state.masks.get(name))
            masks[name] = keep_highest(draws, count_kept(weight.numel(), sparsity)).to(
                weight.device
            )
        return masks
