"""How many steps a training makes, how often it validates, and how long both take."""

import math
import time
from typing import NamedTuple

from pydantic import PositiveInt

from seq2point.choices import LearningRateSchedule
from seq2point.configuration import TrainingConfig

VALIDATIONS = 20
WARM_UP = 10
EPOCHS = 10.0
BUDGET_FOR_VALIDATIONS = 0.1
BUDGET_KEPT = 0.1  # for checkpoints, and for a machine that slows down
BUDGET_OVERRUN = 0.15  # a training that needs no more than this to its end is not cut
GRACE_S = 5.0  # nor one that needs so few seconds, nor any in so few seconds after its budget
IDLE_SHARE = 0.75  # with this share of a processor, other work counts as none
LEAST_SHARE = 0.01


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
    """Seconds that one step and one validation take, as measured.

    `processor_share` is the share of those seconds in which the training had a processor: the rest
    went to other work. It is None where it was not measured.
    """

    step_s: float
    validation_s: float
    processor_share: float | None = None


class Deadline:
    """The end of a training's budget of seconds; without a budget there is none.

    `began_at` is the time.perf_counter() at which the training began.

    A training that is nearly done goes on to its last step. One that other work has slowed down
    ends.
    """

    def __init__(self, budget_s: float | None, plan: Plan, began_at: float):
        self.budget_s, self.plan = budget_s, plan
        self._began_at = began_at
        self._first_step: int | None = None

    def has_passed(self, step: int) -> bool:
        """Return whether to end before this step; the first one asked about is the first made."""
        if self._first_step is None:
            self._first_step = step
        made = step - self._first_step
        seconds = time.perf_counter() - self._began_at
        if self.budget_s is None or seconds < self.budget_s + GRACE_S or not made:
            return False
        left_s = seconds / made * (self.plan.steps - step)
        return left_s > max(BUDGET_OVERRUN * self.budget_s, GRACE_S)


def count_lost_steps(plan: Plan, pace: Pace) -> int:
    """Return how many more steps a budget would hold without other work; 0 where it took little."""
    share = pace.processor_share
    if share is None or share > IDLE_SHARE:
        return 0
    return round(plan.steps * (1 / max(share, LEAST_SHARE) - 1))


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
