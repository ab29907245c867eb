"""Low magnitude pruning, as in the TensorFlow Model Optimization Toolkit."""

from typing import ClassVar

from torch import Tensor, nn

from seq2point.compression.pruning.pruner import PruneState
from seq2point.compression.pruning.scheduled_pruner import SingleWeights
from seq2point.compression.pruning.scores import count_kept, keep_highest


class Magnitude(SingleWeights):
    """Keep the largest weights of every tensor, each at the same sparsity (Zhu and Gupta 2017)."""

    name: ClassVar[str] = "magnitude"
    source: ClassVar[str] = (
        "Zhu and Gupta 2017, arXiv 1710.01878; TensorFlow Model Optimization Toolkit"
    )
    advice: ClassVar[str] = "The simple one, hard to beat up to about 70 %: begin here."

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """Return masks that drop the smallest weights of each tensor, the same fraction of each."""
        return {
            name: keep_highest(scores, count_kept(scores.numel(), sparsity))
            for name, scores in self.magnitudes(network, state).items()
        }
