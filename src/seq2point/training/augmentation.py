"""Recordings that never were: an appliance's own power at another strength, or in the mains of
another time or house.

A few weeks of one house hold a kettle two hundred times and always beside the same fridge; a
network with millions of weights learns them by heart. All changes keep the mains the sum of what is
on:

    gain          mains + (g - 1) x appliance,                         target g x appliance
    transplant    mains there - appliance there + g x appliance here,  target g x appliance here
    stretch       what is transplanted lasts longer or shorter, about its middle: another machine's programme
    loads         mains + made-up loads (loads.py),                    target as it was
    missing       some readings of the mains repeat the one before,    target as it was
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2point.choices import FILL

Places = npt.NDArray[np.int64]

PER_MILLE = 1000
SEEDS = 2**31


class Augmentation(NamedTuple):
    """How much is changed.

    `transplant` is the fraction of chunks put in other mains, `gain` how far g goes from 1, up and
    down, `loads` how many made-up loads a day are added to the mains, and `stretch` how far the
    duration of what is transplanted goes from 1, up or down by a factor: with 0.25 it is from
    1/1.25 to 1.25 times as long. `missing` is the highest share of readings that go missing in the
    mains of a chunk, and are filled as gaps are: singly in some chunks, in bursts in others.
    """

    transplant: float = 0.0
    gain: float = 0.0
    loads: float = 0.0
    stretch: float = 0.0
    missing: float = 0.0

    def __bool__(self) -> bool:
        return self.transplant > 0 or self.gain > 0 or self.loads > 0 or self.missing > 0

    def draw(self, places: Places, everywhere: Places, random: np.random.Generator) -> Places:
        """What becomes of each place i64[N, 2], of all i64[M, 2]: i64[N, 5].

        The place that its mains come from (two columns), the gain and the duration in thousandths,
        and the seed of its loads.
        """
        count = len(places)
        moved = random.random(count) < self.transplant
        mains_from = np.where(
            moved[:, None], everywhere[random.integers(len(everywhere), size=count)], places
        )
        gains = 1 + self.gain * random.uniform(-1, 1, count)
        seeds = random.integers(SEEDS, size=count)
        durations = np.where(moved, (1 + self.stretch) ** random.uniform(-1, 1, count), 1.0)
        return np.column_stack(
            [mains_from, *np.rint(PER_MILLE * np.array([gains, durations])).astype(np.int64), seeds]
        )


NOTHING = Augmentation()


def draw_repeats(seed: int, length: int, share: float) -> Tensor:
    """Which sample stands at each of `length` places once readings went missing and were filled:
    i64[length].

    A share of them from 0 to `share` goes missing, in bursts of one length from a single reading to
    `FILL`.
    """
    random = np.random.default_rng((seed, 1))
    burst = int(random.integers(1, FILL + 1))
    begins = random.random(length) < random.uniform(0, share) / burst
    lost = np.convolve(begins, np.ones(burst))[:length] > 0
    lost[0] = False
    return torch.from_numpy(np.maximum.accumulate(np.where(lost, 0, np.arange(length))))


def replace_appliance(mains_w: Tensor, held_w: Tensor, others_w: Tensor) -> Tensor:
    """The mains f32[N, L] with the appliances that they hold, f32[N, L, A], taken out and others,
    f32[N, L, A], put in.

    What is not known of an appliance is taken for nothing; mains stay mains: never below zero.
    """
    change_w = torch.nan_to_num(others_w).sum(-1) - torch.nan_to_num(held_w).sum(-1)
    return (mains_w + change_w).clamp_(min=0)
