"""The models that come with the package: one a file for each appliance and sampling period, each
with its card.

A model is `files/kettle-60s.safetensors`, the same as int8 `files/kettle-60s.onnx`, which needs no
torch, and its card `files/kettle-60s.json`. tools/make_models.py writes all three (`make models`).
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from seq2point.appliances import canonical_name
from seq2point.errors import ModelFileError, UsageError
from seq2point.recording import is_same_period
from seq2point.wording import format_seconds

FOLDER = Path(str(resources(__package__))) / "files"


GOOD_SAE = 0.25


def is_useful(metrics: Mapping[str, float | None], zero_mae_w: float) -> bool:
    """Whether what was reached may be called disaggregation: NDE below 1, F1 of at least 0.5,
    better than always zero.
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
    """What a recipe reached on a house: its metrics, and the MAE of always predicting zero, and the
    mean.

    Where `unseen`, a network of the same recipe that was trained without the house; else the last
    fifth of a house that was trained on.
    """

    model_config = ConfigDict(extra="forbid")

    house: str
    unseen: bool
    days: float
    metrics: dict[str, float | None]
    zero_mae_w: float
    mean_mae_w: float

    @property
    def passes(self) -> bool:
        """Whether it is of use there."""
        return is_useful(self.metrics, self.zero_mae_w)


class Verdict(StrEnum):
    """What homes that a model has not seen say of it, the best first."""

    GOOD = "good"
    CARE = "usable with care"
    UNRELIABLE = "not to be relied on"


def judge(tested: Sequence[HouseResult]) -> Verdict:
    """What left-out homes show of a recipe; homes that it was trained on say nothing.

    Good: of use in all of at least two, with the energy within a quarter in each. Usable with care:
    of use in more than half.
    """
    unseen = [home for home in tested if home.unseen]
    of_use_in = [home for home in unseen if home.passes]
    errors = [home.metrics["sae"] for home in of_use_in]
    if (
        len(unseen) > 1
        and of_use_in == unseen
        and all(sae is not None and sae <= GOOD_SAE for sae in errors)
    ):
        return Verdict.GOOD
    return Verdict.CARE if 2 * len(of_use_in) > len(unseen) else Verdict.UNRELIABLE


class Card(BaseModel):
    """What a user must know of a model before trusting it.

    `file_bytes` and `sha256` are by file ending.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    appliance: str
    period_s: float
    window: int
    parameters: int
    protocol: str
    protocol_sha256: str
    seed: int
    trained_on: list[str]
    licences: list[str]
    tested: list[HouseResult]
    int8: dict[str, Any]
    limits: list[str]
    file_bytes: dict[str, int]
    sha256: dict[str, str]

    @property
    def verdict(self) -> Verdict:
        """What left-out homes show of it."""
        return judge(self.tested)

    @property
    def promise(self) -> str:
        """The verdict as a sentence, with the figures that it rests on."""
        unseen = [home for home in self.tested if home.unseen]
        if not unseen:
            return (
                f"{self.verdict}: no home was left out of its training to show what it does in"
                " others"
            )
        errors = [sae for home in unseen if (sae := home.metrics["sae"]) is not None]
        wrong = (
            f", with the energy wrong by {min(errors):.0%} to {max(errors):.0%}" if errors else ""
        )
        return (
            f"{self.verdict}: of use in {sum(home.passes for home in unseen)} of {len(unseen)}"
            f" homes left out of training{wrong}"
        )


class Pretrained(NamedTuple):
    """A model of the package: its files, and its card."""

    native: Path
    onnx: Path
    card: Card


def list_names() -> list[str]:
    """All models, by appliance and period."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load_pretrained(name: str) -> Pretrained:
    """A model by its name, `kettle-60s`; raises ModelFileError for one that is not there."""
    path = FOLDER / f"{name}.json"
    try:
        card = Card.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFileError(
            f"no model '{name}' comes with the package: choose one of {', '.join(list_names())}"
        ) from None
    except (ValidationError, OSError, UnicodeDecodeError) as error:
        raise ModelFileError(
            f"{path}: damaged ({str(error).splitlines()[0]}); install the package again"
        ) from None
    return Pretrained(path.with_suffix(".safetensors"), path.with_suffix(".onnx"), card)


def load_cards() -> Sequence[Card]:
    """The cards of all models."""
    return [load_pretrained(name).card for name in list_names()]


def list_periods_s(appliance: str) -> list[float]:
    """The sampling periods for which there is a model of an appliance, by any of its names.

    Raises UsageError where there is none, with the appliances that have one.
    """
    found = sorted(
        card.period_s for card in load_cards() if card.appliance == canonical_name(appliance)
    )
    if not found:
        known = dict.fromkeys(card.appliance for card in load_cards())
        raise UsageError(
            f"no model of '{appliance}' comes with the package, only of {', '.join(known)}"
        )
    return found


def find_finest(appliance: str, period_s: float) -> Card:
    """The model of an appliance that needs the most readings of those that readings so far apart
    allow, else the slowest one.

    Raises UsageError where no model is of this appliance.
    """
    there_s = list_periods_s(appliance)
    chosen_s = next(
        (one_s for one_s in there_s if one_s >= period_s or is_same_period(one_s, period_s)),
        there_s[-1],
    )
    return find_pretrained(appliance, chosen_s).card


def find_better(card: Card) -> Card | None:
    """A model of the same appliance for slower readings, of a better verdict than this one, if
    there is one.
    """
    ranks, slower = (
        list(Verdict),
        (other for other in load_cards() if other.appliance == card.appliance),
    )
    better_ones = (
        o
        for o in slower
        if o.period_s > card.period_s and ranks.index(o.verdict) < ranks.index(card.verdict)
    )
    return next(better_ones, None)


def find_pretrained(appliance: str, period_s: float | None = None) -> Pretrained:
    """The model of an appliance, by any of its names, for a sampling period; or a model by its own
    name.

    Raises UsageError where there is none, with those that there are.
    """
    if appliance in list_names() and period_s is None:
        return load_pretrained(appliance)
    there = {
        one_s: f"{canonical_name(appliance)}-{one_s:g}s" for one_s in list_periods_s(appliance)
    }
    fits = [
        name for one_s, name in there.items() if period_s is None or is_same_period(one_s, period_s)
    ]
    if len(fits) == 1:
        return load_pretrained(fits[0])
    known = ", ".join(there.values())
    if period_s is None:
        raise UsageError(
            f"'{appliance}' comes for more than one sampling period: name one of {known}"
        )
    raise UsageError(
        f"no model of '{appliance}' comes for a reading every {format_seconds(period_s)}: choose"
        f" one of {known}"
    )
