"""Augmentation: training data changed so that a network does not learn a few weeks by heart.

A few weeks of one house hold a kettle two hundred times, always beside the same fridge.
Augmentation puts an appliance's own power at another strength, or in the mains of another time or
house. All changes keep the mains the sum of what is on:

    gain         mains + (g - 1) x appliance; target g x appliance
    transplant   other mains - appliance there + g x appliance here; target g x appliance here
    stretch      a transplanted activation lasts longer or shorter, about its middle
    loads        mains + synthetic loads (synthetic_loads.py); the target stays
    missing      some readings of the mains repeat the one before; the target stays
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2point.configuration.columns import FILL

Places = npt.NDArray[np.int64]

PER_MILLE = 1000
SEEDS = 2**31


class Augmentation(NamedTuple):
    """How much is changed.

    `transplant` is the fraction of chunks put in other mains. `gain` is how far g goes from 1, up
    and down. `loads` is the number of synthetic loads a day added to the mains.
    `stretch` is how far a transplanted duration goes from 1, as a factor: 0.25 means from 1/1.25 to
    1.25 times as long. `missing` is the highest share of readings that go missing in the mains of a
    chunk. They are filled as gaps are: singly in some chunks, in bursts in others.
    """

    transplant: float = 0.0
    gain: float = 0.0
    loads: float = 0.0
    stretch: float = 0.0
    missing: float = 0.0

    def __bool__(self) -> bool:
        return self.transplant > 0 or self.gain > 0 or self.loads > 0 or self.missing > 0

    def draw(self, places: Places, everywhere: Places, random: np.random.Generator) -> Places:
        """Return the changes to draw for each place i64[N, 2], of all i64[M, 2]: i64[N, 5].

        The columns are the place that the mains come from (two), gain and duration in thousandths,
        and the seed of the loads.
        """
        count = len(places)
        moved = random.random(count) < self.transplant
        elsewhere = everywhere[random.integers(len(everywhere), size=count)]
        mains_from = np.where(moved[:, None], elsewhere, places)
        gains = 1 + self.gain * random.uniform(-1, 1, count)
        seeds = random.integers(SEEDS, size=count)
        durations = np.where(moved, (1 + self.stretch) ** random.uniform(-1, 1, count), 1.0)
        thousandths = np.rint(PER_MILLE * np.array([gains, durations])).astype(np.int64)
        return np.column_stack([mains_from, *thousandths, seeds])


NO_AUGMENTATION = Augmentation()


def draw_repeats(seed: int, length: int, share: float) -> Tensor:
    """Return which sample each of `length` places repeats once missing readings are filled.

    The numbers are i64[length]. A share of the readings from 0 to `share` goes missing, in bursts
    of one length: a single reading up to `FILL`.
    """
    random = np.random.default_rng((seed, 1))
    burst = int(random.integers(1, FILL + 1))
    begins = random.random(length) < random.uniform(0, share) / burst
    lost = np.convolve(begins, np.ones(burst))[:length] > 0
    lost[0] = False
    return torch.from_numpy(np.maximum.accumulate(np.where(lost, 0, np.arange(length))))


def replace_power_w(mains_w: Tensor, removed_w: Tensor, added_w: Tensor) -> Tensor:
    """Return the mains f32[N, L] with one appliance power f32[N, L, A] removed and another added.

    Unknown power counts as zero, and the mains stay at zero or above.
    """
    change_w = torch.nan_to_num(added_w).sum(-1) - torch.nan_to_num(removed_w).sum(-1)
    return (mains_w + change_w).clamp_(min=0)
