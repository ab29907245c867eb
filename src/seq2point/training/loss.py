"""The error that a training minimises, of answers in network units."""

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

OFF_W = 5.0
RISE = 0.3


class Loss(NamedTuple):
    """The squared error, the paper's, and what is put beside it.

    `absolute` is the weight of the absolute error. It rises over the first RISE of the training:
    while a network's answers are still noise, the absolute error pulls at all of them alike until
    they are silent, and in a thin network the features die. With `clipped`, an answer below zero
    counts as zero where the appliance is off (below OFF_W, which leaves room for standby): so it is
    answered to the user. A network whose answers are held to exactly zero for most of the day
    spends itself on that, and hovers about it by some watts; where it only must not be above, it
    need not.
    """

    absolute: float = 0.0
    clipped: bool = False

    def at(self, progress: float) -> Self:
        """The error at a point of the training, from 0 to 1."""
        return self._replace(absolute=self.absolute * min(progress / RISE, 1.0))

    def __call__(
        self, answer: Tensor, target: Tensor, scaled: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """The error of each answer [..., A], in network units, to which `scaled` brings watts."""
        if self.clipped:
            zero, off = (scaled(answer.new_full((), power_w)) for power_w in (0.0, OFF_W))
            answer = torch.where(target < off, torch.maximum(answer, zero), answer)
        difference = answer - target
        return (
            difference.square() + self.absolute * difference.abs()
            if self.absolute
            else difference.square()
        )

    def of_watts(self, error_w: npt.NDArray[np.float64], std_w: float) -> float:
        """The sum over errors in watts, of one appliance."""
        scaled = error_w / std_w
        return float(np.square(scaled).sum() + self.absolute * np.abs(scaled).sum())
