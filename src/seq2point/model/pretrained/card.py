"""The card of a model of the package: what homes left out of its training say of it."""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from seq2point.events import EventSettings

GOOD_SAE = 0.25
"""Largest error of the energy of a model that is judged good."""


def is_useful(metrics: Mapping[str, float | None], zero_mae_w: float) -> bool:
    """Return whether metrics are those of a useful model.

    NDE is below 1, F1 at least 0.5, and the MAE lower than that of always zero.
    """
    nde, f1, mae_w = (metrics[name] for name in ("nde", "f1", "mae_w"))
    return (
        nde is not None
        and nde < 1
        and f1 is not None
        and f1 >= 0.5
        and mae_w is not None
        and mae_w < zero_mae_w
    )


class HouseResult(BaseModel):
    """The metrics of a recipe on a house, beside the MAE of always zero and of the mean.

    Where `unseen`, they are of a network of the same recipe that was trained without the house.
    Otherwise they are on the last fifth of a house that the model was trained on. `metrics` are
    those of what `disaggregate` gives. Where that is decided by event, `alone` has those of the
    network's own predictions.
    """

    model_config = ConfigDict(extra="forbid")

    house: str
    unseen: bool
    days: float
    metrics: dict[str, float | None]
    zero_mae_w: float
    mean_mae_w: float
    alone: dict[str, float | None] | None = None

    @property
    def passes(self) -> bool:
        """Return whether the recipe is useful on this house."""
        return is_useful(self.metrics, self.zero_mae_w)


class Verdict(StrEnum):
    """How well a model does in homes left out of training, best first."""

    GOOD = "good"
    CARE = "usable with care"
    UNRELIABLE = "not to be relied on"


def judge(tested: Sequence[HouseResult]) -> Verdict:
    """Return the verdict of left-out homes on a recipe; homes that it was trained on do not count.

    Good: useful in all of at least two homes, with an energy error of at most a quarter in each.
    Usable with care: useful in more than half.
    """
    unseen = [home for home in tested if home.unseen]
    passed = [home for home in unseen if home.passes]
    errors = [home.metrics["sae"] for home in passed]
    if (
        len(unseen) > 1
        and passed == unseen
        and all(sae is not None and sae <= GOOD_SAE for sae in errors)
    ):
        return Verdict.GOOD
    return Verdict.CARE if 2 * len(passed) > len(unseen) else Verdict.UNRELIABLE


def measure_error(metrics: Mapping[str, float | None], zero_mae_w: float) -> float:
    """Return MAE over that of the zero predictor, plus NDE, plus what F1 lacks to 1.

    A metric that is unknown counts as 0.
    """
    mae_w, nde, f1 = (metrics[name] or 0.0 for name in ("mae_w", "nde", "f1"))
    return mae_w / zero_mae_w + nde + 1 - f1


def average_error(homes: Sequence[HouseResult]) -> float:
    """Return the mean error of homes, as `measure_error` has it; infinite without homes."""
    errors = [measure_error(home.metrics, home.zero_mae_w) for home in homes if home.zero_mae_w]
    return sum(errors) / len(errors) if errors else math.inf


class Card(BaseModel):
    """What you need to know of a model before you trust it.

    `tested` has long houses. `days` has homes with about a day each: those that use the appliance
    pooled, then each. `file_bytes` and `sha256` are by file ending. `events` are the settings of
    its decisions by event, None where homes left out of training gain nothing by them.
    `target_index` is the sample of the window that is predicted, None for the midpoint.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    appliance: str
    period_s: float
    window: int
    target_index: int | None = None
    parameters: int
    protocol: str
    recipe_sha256: str
    seed: int
    trained_on: list[str]
    licences: list[str]
    tested: list[HouseResult]
    days: list[HouseResult] = []
    int8: dict[str, Any]
    limits: list[str]
    file_bytes: dict[str, int]
    sha256: dict[str, str]
    events: EventSettings | None = None

    @property
    def is_live(self) -> bool:
        """Return whether it answers soon after a reading, and sees less of what follows."""
        return self.target_index is not None

    @property
    def wait_s(self) -> float:
        """Return how long after a sample the last reading is that its answer needs."""
        target = self.window // 2 if self.target_index is None else self.target_index
        return (self.window - 1 - target) * self.period_s

    @property
    def judges(self) -> list[HouseResult]:
        """Return the homes left out of training: the long ones.

        Where no long home was left out, they are those with a day each, as one.
        """
        return [home for home in self.tested if home.unseen] or self.days[:1]

    @property
    def is_judged_by_days(self) -> bool:
        """Return whether homes with a day each are all that the model was left to judge by."""
        return bool(self.days) and not any(home.unseen for home in self.tested)

    @property
    def verdict(self) -> Verdict:
        """Return the verdict of left-out homes on the model."""
        return judge(self.judges)

    @property
    def promise(self) -> str:
        """Return the verdict as a sentence, with the figures behind it."""
        unseen = self.judges
        if not unseen:
            return (
                f"{self.verdict}: no home was left out of its training to show what it does in"
                " others"
            )
        errors = [sae for home in unseen if (sae := home.metrics["sae"]) is not None]
        least, most = (f"{each(errors, default=0):.0%}" for each in (min, max))
        span = least if least == most else f"{least} to {most}"
        wrong = f", with the energy wrong by {span}" if errors else ""
        if self.is_judged_by_days:
            useful = "of use" if unseen[0].passes else "of no use"
            return f"{self.verdict}: {useful} in {unseen[0].house}, taken together{wrong}"
        return (
            f"{self.verdict}: of use in {sum(home.passes for home in unseen)} of {len(unseen)}"
            f" homes left out of training{wrong}"
        )
