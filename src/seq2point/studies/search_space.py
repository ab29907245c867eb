"""What a study searches: training settings, each in a range or among choices.

[study.search]
trials = 40
[study.search.settings]
learning_rate = { low = 1e-4, high = 1e-2, log = true }
chunk = { low = 200, high = 1600, step = 200 }
schedule = { choices = ["linear", "constant"] }
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from seq2point.configuration import TrainingConfig
from seq2point.configuration.training import HIGHEST_SEED
from seq2point.studies.protocols.protocol_file import StrictTable

Sampler = Literal["tpe", "random"]
MOST_TRIALS = 100_000
Choice = str | bool | int | float


class SettingRange(StrictTable):
    """The values of a setting: from `low` to `high`, both counted, or one of `choices`.

    Whole bounds give whole numbers. With `log` the exponent is drawn, with `step` a multiple of it
    above `low`.
    """

    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = Field(None, gt=0)
    log: bool = False
    choices: tuple[Choice, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.choices:
            if not self.low is self.high is self.step is None or self.log:
                raise ValueError("give `choices`, or `low` and `high`, not both")
        elif self.low is None or self.high is None:
            raise ValueError("give `low` and `high`, or `choices`")
        elif self.low > self.high:
            raise ValueError(f"`low` {self.low:g} is above `high` {self.high:g}")
        elif self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("`log` needs a `low` above 0, and no `step`")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers."""
        bounds = (self.low, self.high, 1 if self.step is None else self.step)
        return all(isinstance(bound, int) for bound in bounds)


class StudySearch(StrictTable):
    """How a study searches: so many trials, a few at a time, each from those before.

    A trial is a recipe. Its value is the least validation error in watts, averaged over its
    networks: the test houses choose nothing. `seed` decides what is drawn.
    """

    trials: int = Field(gt=0, le=MOST_TRIALS)
    settings: dict[str, SettingRange] = Field(min_length=1)
    at_a_time: int = Field(8, gt=0, le=MOST_TRIALS)
    sampler: Sampler = "tpe"
    seed: int = Field(0, ge=0, le=HIGHEST_SEED)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.settings:
            if name == "seed" or name not in TrainingConfig.model_fields:
                known = ", ".join(key for key in TrainingConfig.model_fields if key != "seed")
                raise ValueError(f"settings.{name}: no setting to search; choose from {known}")
        return self

    def name_trial(self, number: int) -> str:
        """Return the recipe that a trial is called in the results."""
        return f"trial {number:0{len(str(self.trials - 1))}}"


Settings = dict[str, Any]
