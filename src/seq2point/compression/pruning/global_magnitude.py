"""Global magnitude pruning: one threshold for the whole network."""

from typing import ClassVar

from torch import Tensor, nn

from seq2point.compression.pruning.pruner import PruneState
from seq2point.compression.pruning.scheduled_pruner import SingleWeights
from seq2point.compression.pruning.scores import count_kept, keep_highest_of_all


class GlobalMagnitude(SingleWeights):
    """Keep the largest weights of all tensors together, at least one of each tensor.

    Sources: Han et al. 2015; Blalock et al. 2020. The tensors' scales decide how the sparsity
    spreads over them. In the paper's network one tensor holds 99.9 % of the weights, and its
    weights are the smallest.
    """

    name: ClassVar[str] = "global_magnitude"
    source: ClassVar[str] = (
        "Han et al. 2015, arXiv 1506.02626; Blalock et al. 2020, arXiv 2003.03033"
    )
    advice: ClassVar[str] = (
        "Leaves the convolutions nearly dense, which they need; for high sparsities."
    )

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """Return masks that drop the smallest weights of all tensors together."""
        scores = self.magnitudes(network, state)
        return keep_highest_of_all(
            scores, count_kept(sum(s.numel() for s in scores.values()), sparsity)
        )
