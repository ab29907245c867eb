"""How many steps a training makes, how often it validates, and how long both take."""

import math
from typing import NamedTuple

from pydantic import PositiveInt

from seq2point.choices import LearningRateSchedule
from seq2point.configuration import TrainingConfig

VALIDATIONS = 20
WARM_UP = 10
EPOCHS = 10.0
BUDGET_FOR_VALIDATIONS = 0.1
BUDGET_KEPT = 0.1  # for checkpoints, and for a machine that slows down


class Plan(NamedTuple):
    """The optimiser steps of a training, and the steps between two validations.

    A run records its plan, and a resumed run keeps it.
    """

    steps: PositiveInt
    interval: PositiveInt

    def learning_rate_factor(self, step: int, schedule: LearningRateSchedule) -> float:
        """Return the learning rate after `step` steps, as a fraction of the highest one.

        All schedules but 'constant' rise over the first ten steps, or a tenth of them, and end at
        zero.
        """
        done = min(step / self.steps, 1.0)
        if schedule == "constant":
            return 1.0
        warm_up = min(WARM_UP, self.steps // 10)
        risen = min((step + 1) / warm_up, 1.0) if warm_up else 1.0
        return risen * (1 - done if schedule == "linear" else (1 + math.cos(math.pi * done)) / 2)


class Pace(NamedTuple):
    """Seconds that one step and one validation take, as measured."""

    step_s: float
    validation_s: float


def plan_steps(config: TrainingConfig, steps_per_epoch: int, pace: Pace | None) -> Plan:
    """Return the plan of a training: of its epochs or steps, or of what its budget allows."""
    if config.budget_s is not None and pace is not None:
        affordable = int(BUDGET_FOR_VALIDATIONS * config.budget_s / pace.validation_s)
        validations = max(min(affordable, VALIDATIONS), 2)
        left_s = (1 - BUDGET_KEPT) * config.budget_s - validations * pace.validation_s
        steps = max(int(left_s / pace.step_s), 1)
    else:
        steps = config.steps or max(round((config.epochs or EPOCHS) * steps_per_epoch), 1)
        validations = VALIDATIONS
    interval = math.ceil(steps / validations)
    if config.validation_frequency is not None:
        interval = config.validation_frequency * steps_per_epoch
    return Plan(steps, max(min(interval, steps), 1))
