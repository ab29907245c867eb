"""Recordings that never were: an appliance's own power at another strength, or in the mains of another time or house.

A few weeks of one house hold a kettle two hundred times and always beside the same fridge; a network with millions of weights
learns them by heart. Both changes keep the mains the sum of what is on:

    gain          mains + (g - 1) x appliance,                         target g x appliance
    transplant    mains there - appliance there + g x appliance here,  target g x appliance here
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Places = npt.NDArray[np.int64]

PER_MILLE = 1000


class Augmentation(NamedTuple):
    """How much is changed: `transplant` the fraction of chunks put in other mains, `gain` how far g goes from 1, up and down."""

    transplant: float = 0.0
    gain: float = 0.0

    def __bool__(self) -> bool:
        return self.transplant > 0 or self.gain > 0

    def draw(self, places: Places, everywhere: Places, random: np.random.Generator) -> Places:
        """Where the mains of each place i64[N, P] come from, of all i64[M, P], and the gain in thousandths: i64[N, P + 1]."""
        moved = random.random(len(places)) < self.transplant
        mains_from = np.where(moved[:, None], everywhere[random.integers(len(everywhere), size=len(places))], places)
        gains = np.rint(PER_MILLE * (1 + self.gain * random.uniform(-1, 1, len(places)))).astype(np.int64)
        return np.column_stack([mains_from, gains])


NOTHING = Augmentation()


def replaced(mains_w: Tensor, held_w: Tensor, others_w: Tensor) -> Tensor:
    """The mains f32[N, L] with the appliances that they hold, f32[N, L, A], taken out and others, f32[N, L, A], put in.

    What is not known of an appliance is taken for nothing; mains stay mains: never below zero.
    """
    change_w = torch.nan_to_num(others_w).sum(-1) - torch.nan_to_num(held_w).sum(-1)
    return (mains_w + change_w).clamp_(min=0)
