"""What the batches of a training have in common: single windows, or chunks of neighbouring windows.

A batch is a function of the seed and the step alone: nothing to save, exact to resume.
"""

from typing import Protocol

from torch import Tensor

from seq2point.network import Seq2Point
from seq2point.training.houses import Houses


class Batches(Protocol):
    """Draws the batch of a step and computes the loss on it."""

    steps_per_epoch: int
    windows_per_step: int
    data: Houses
    rows: str

    def draw(self, step: int) -> Tensor:
        """Return the rows i64 that step `step` (from 0) learns from, the same at every call."""
        ...

    def loss(self, network: Seq2Point, drawn: Tensor, progress: float = 1.0) -> Tensor:
        """Return the mean error on the drawn rows, in network units.

        `progress` is the point of the training, from 0 to 1.
        """
        ...


def take_share(drawn: Tensor, rank: int, ranks: int) -> Tensor:
    """Return the rows of a draw that one of several processes learns from.

    It takes every `ranks`-th row, or all of them where there are too few.
    """
    return drawn[rank::ranks] if len(drawn) >= ranks else drawn
