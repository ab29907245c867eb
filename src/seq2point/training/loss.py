"""The loss that a training minimises, of predictions in network units."""

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from seq2point.appliances import Appliance
from seq2point.configuration import TrainingConfig

OFF_W = 5.0  # the appliance is off below this: room for standby
ON_SHARE = 0.15
LOGIT_PER_THRESHOLD = 4.0
RISE = 0.3  # fraction of the training over which the absolute error's weight rises


class Loss(NamedTuple):
    """The squared error, as in the paper, and what is added to it.

    `absolute` is the weight of the absolute error. It rises over the first RISE of the training.
    While a network's predictions are still noise, the absolute error pulls all of them alike
    towards silence, and in a thin network the features die.

    With `clipped`, a prediction below zero counts as zero where the appliance is off (below OFF_W).
    The user sees it so, too. A network that must hold its predictions at exactly zero for most of
    the day spends itself on that, and hovers about zero by some watts.
    """

    absolute: float = 0.0
    clipped: bool = False
    on_off: float = 0.0
    highest_w: float = 0.0

    def ramp(self, progress: float) -> Self:
        """Return the loss at a point of the training, from 0 to 1."""
        return self._replace(absolute=self.absolute * min(progress / RISE, 1.0))

    def __call__(
        self, prediction: Tensor, target: Tensor, scale: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Return the error of each prediction [..., A], in network units.

        `scale` brings watts to network units.
        """
        if self.clipped:
            zero, off = (scale(prediction.new_full((), power_w)) for power_w in (0.0, OFF_W))
            prediction = torch.where(target < off, torch.maximum(prediction, zero), prediction)
        difference = prediction - target
        error = difference.square()
        if self.absolute:
            error = error + self.absolute * difference.abs()
        if self.on_off:
            zero, on = (scale(target.new_full((), w)) for w in (0.0, ON_SHARE * self.highest_w))
            logit = (prediction - on) / (on - zero) * LOGIT_PER_THRESHOLD
            error = error + self.on_off * binary_cross_entropy_with_logits(
                logit, (target > on).to(logit), reduction="none"
            )
        return error

    def sum_errors(self, error_w: npt.NDArray[np.float64], std_w: float) -> float:
        """Return the sum of the loss over one appliance's errors in watts."""
        scaled = error_w / std_w
        return float(np.square(scaled).sum() + self.absolute * np.abs(scaled).sum())


SQUARED = Loss()


def choose_loss(config: TrainingConfig, appliance: Appliance) -> Loss:
    """Return the error that a training minimises."""
    return Loss(
        config.absolute_weight, config.clips_predictions, config.on_off, appliance.max_power_w
    )
