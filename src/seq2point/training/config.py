"""The settings of a training, and the plan of steps that follows from them."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Self, TypedDict

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError

from seq2point.choices import Engine, Freeze, LearningRateSchedule, find_nearest
from seq2point.errors import UsageError
from seq2point.training.augmentation import Augmentation
from seq2point.training.loss import Loss

VALIDATIONS = 20
WARM_UP = 10
LEARNING_RATES: dict[Engine, float] = {"sliding": 3e-3, "windows": 1e-3}
TRANSPLANT, GAIN, ABSOLUTE = 0.7, 0.3, 0.2


class TrainingConfig(BaseModel):
    """How a network is trained. At most one of `epochs`, `steps` and `budget_s` is given; without
    any it is ten epochs.

    `engine` 'sliding' learns from chunks of consecutive windows at once, 'windows' from shuffled
    single ones. `batch_size` is the windows in a step, by default 1000 for 'windows' and sixteen
    chunks for 'sliding'; `chunk` is the windows in a chunk, and `active` the fraction of chunks
    that are drawn by how much the appliance's power varies in them, and weighted accordingly.
    `transplant` is the fraction of chunks whose appliance is put in the mains of another time or
    house, `gain` how far its power is scaled up and down, `loads` how many made-up loads a day are
    added to the mains, and `stretch` how far the duration of what is transplanted goes from 1
    (training/augmentation.py): by default 0.7, 0.3, 0 and 0 for 'sliding'; 'windows' has none of
    them, and nor has a network with frozen layers, whose answers are then computed once. `missing`
    is the highest share of a chunk's readings that go missing.
    `absolute` is the weight of the absolute error beside the squared one, to which it rises over
    the first steps (training/loss.py), by default 0.2 for 'sliding' and 0 for 'windows', the
    paper's loss. What minimises it is the expected power, soft-thresholded: without it a network
    that is not sure answers with a few watts at all times, and a rare appliance is then worse
    predicted than by zero. `clipped` counts an answer below zero as zero where the appliance is
    off, by default for 'sliding' alone.
    `learning_rate` is Adam's, by default 1e-3 for 'windows' and 3e-3 for 'sliding', whose steps
    learn from more. `schedule` is its course over the planned steps; 'linear' and 'cosine' rise to
    it over the first ten steps, or a tenth of them, and end at zero.
    `freeze` is what stays as it is: the convolutions, or all but the output.
    `validation_frequency` is in epochs; without it there are about twenty validations in a
    training. Training stops early after `patience` validations without a better loss.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: PositiveFloat | None = None
    steps: PositiveInt | None = None
    budget_s: PositiveFloat | None = None
    engine: Engine = "sliding"
    batch_size: PositiveInt | None = None
    chunk: PositiveInt | None = None
    active: float = Field(0.5, ge=0, lt=1)
    transplant: float | None = Field(None, ge=0, le=1)
    gain: float | None = Field(None, ge=0, lt=1)
    loads: float = Field(0, ge=0)
    stretch: float = Field(0, ge=0)
    missing: float = Field(0, ge=0, lt=1)
    absolute: float | None = Field(None, ge=0)
    clipped: bool | None = None
    learning_rate: PositiveFloat | None = None
    schedule: LearningRateSchedule = "linear"
    freeze: Freeze = "none"
    validation_frequency: PositiveInt | None = None
    patience: PositiveInt = 10
    seed: int = Field(0, ge=0)

    @property
    def initial_learning_rate(self) -> float:
        """The rate asked for, or the engine's."""
        return self.learning_rate or LEARNING_RATES[self.engine]

    @property
    def augmentation(self) -> Augmentation:
        """What was asked for, or the engine's."""
        plain = self.engine == "windows" or self.freeze != "none"
        transplant, gain = (0.0, 0.0) if plain else (TRANSPLANT, GAIN)
        transplant = transplant if self.transplant is None else self.transplant
        return Augmentation(
            transplant,
            gain if self.gain is None else self.gain,
            self.loads,
            self.stretch,
            self.missing,
        )

    @property
    def loss(self) -> Loss:
        """The error asked for, or the engine's."""
        sliding = self.engine == "sliding"
        absolute = self.absolute if self.absolute is not None else ABSOLUTE if sliding else 0.0
        return Loss(absolute, sliding if self.clipped is None else self.clipped)

    @classmethod
    def of(cls, **values: Any) -> Self:
        """The settings from options, of which None is as if it were not there.

        Raises UsageError that names the one which does not exist, with the nearest that does, or
        does not fit.
        """
        for name in values:
            if name not in cls.model_fields:
                raise unknown_setting(name, [*cls.model_fields])
        try:
            settings = cls(**{name: value for name, value in values.items() if value is not None})
        except ValidationError as error:
            raise invalid_setting(error) from None
        if (
            sum(value is not None for value in (settings.epochs, settings.steps, settings.budget_s))
            > 1
        ):
            raise UsageError("give one of epochs, steps and budget_s, not several")
        if settings.engine == "windows" and any(settings.augmentation):
            raise UsageError(
                "transplant, gain, loads, stretch and missing change whole chunks: they go with"
                " engine 'sliding'"
            )
        return settings


class CommonOptions(TypedDict, total=False):
    """The fields of `Settings` as keyword arguments, None for the default; not freeze and seed.

    Those two are a transfer's own.
    """

    epochs: float | None
    steps: int | None
    budget_s: float | None
    engine: Engine | None
    batch_size: int | None
    chunk: int | None
    active: float | None
    transplant: float | None
    gain: float | None
    loads: float | None
    stretch: float | None
    missing: float | None
    absolute: float | None
    clipped: bool | None
    learning_rate: float | None
    schedule: LearningRateSchedule | None
    validation_frequency: int | None
    patience: int | None


class SettingsOptions(CommonOptions, total=False):
    """The fields of `Settings` as keyword arguments, None for the default."""

    freeze: Freeze | None
    seed: int | None


def unknown_setting(name: str, known: Sequence[str]) -> UsageError:
    """The refusal of a setting that does not exist, with the nearest that does."""
    near = find_nearest(name, known)
    advice = f"did you mean '{near}'?" if near else f"choose one of {', '.join(known)}"
    return UsageError(f"unknown setting '{name}': {advice}")


def invalid_setting(error: ValidationError, name: str | None = None) -> UsageError:
    """The refusal of a value, with the setting's name where it is not in pydantic's complaint, and
    all that it could be.
    """
    complaints = error.errors()
    first = complaints[0]
    name = name or str(first["loc"][0])
    others = [
        one["msg"].removeprefix("Input should be ")
        for one in complaints[1:]
        if one["input"] is first["input"]
    ]
    what = " or ".join([f"{first['msg'][:1].lower()}{first['msg'][1:]}", *others])
    return UsageError(f"{name} {first['input']!r}: {what}")


class Plan(NamedTuple):
    """How many optimiser steps a training makes and how many lie between validations; recorded, and
    kept on resuming.
    """

    steps: PositiveInt
    interval: PositiveInt

    def learning_rate_factor(self, step: int, schedule: LearningRateSchedule) -> float:
        """The learning rate of the step after `step` steps, as a fraction of the initial one."""
        done = min(step / self.steps, 1.0)
        if schedule == "constant":
            return 1.0
        warm_up = min(WARM_UP, self.steps // 10)
        risen = min((step + 1) / warm_up, 1.0) if warm_up else 1.0
        return risen * (1 - done if schedule == "linear" else (1 + math.cos(math.pi * done)) / 2)


class Pace(NamedTuple):
    """Seconds for one step and for one validation, as measured."""

    step_s: float
    validation_s: float


def plan_steps(settings: TrainingConfig, steps_per_epoch: int, pace: Pace | None) -> Plan:
    """The plan of a training; with a budget, as many steps as the measured pace allows in nine
    tenths of it.

    The tenth left is for checkpoints and for a machine that slows down.
    """
    if settings.budget_s is not None and pace is not None:
        validations = max(min(int(0.1 * settings.budget_s / pace.validation_s), VALIDATIONS), 2)
        steps = max(
            int((0.9 * settings.budget_s - validations * pace.validation_s) / pace.step_s), 1
        )
    else:
        steps = settings.steps or max(round((settings.epochs or 10) * steps_per_epoch), 1)
        validations = VALIDATIONS
    interval = math.ceil(steps / validations)
    if settings.validation_frequency is not None:
        interval = settings.validation_frequency * steps_per_epoch
    return Plan(steps, max(min(interval, steps), 1))
