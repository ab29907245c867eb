"""The models that come with the package: one a file for each appliance and sampling period, each with its card.

A model is `files/kettle-60s.safetensors`, the same as int8 `files/kettle-60s.onnx`, which needs no torch, and its card
`files/kettle-60s.json`. tools/make_models.py writes all three (`make models`).
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from seq2point.appliances import canonical
from seq2point.errors import ModelFileError, UsageError
from seq2point.recording import same_period
from seq2point.wording import format_seconds

FOLDER = Path(str(resources(__package__))) / "files"


def of_use(metrics: Mapping[str, float | None], zero_mae_w: float) -> bool:
    """Whether what was reached may be called disaggregation: NDE below 1, F1 of at least 0.5, better than always zero."""
    nde, f1, mae_w = (metrics[name] for name in ("nde", "f1", "mae_w"))
    return nde is not None and nde < 1 and f1 is not None and f1 >= 0.5 and mae_w is not None and mae_w < zero_mae_w


class Tested(BaseModel):
    """What a recipe reached on a house: its metrics, and the MAE of always predicting zero, and the mean.

    Where `unseen`, a network of the same recipe that was trained without the house; else the last fifth of a house that was
    trained on.
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
        return of_use(self.metrics, self.zero_mae_w)


class Card(BaseModel):
    """What a user must know of a model before trusting it. `file_bytes` and `sha256` are by file ending."""

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
    tested: list[Tested]
    int8: dict[str, Any]
    limits: list[str]
    file_bytes: dict[str, int]
    sha256: dict[str, str]

    @property
    def passes(self) -> bool:
        """Whether it does in every house that it was tested on."""
        return all(tested.passes for tested in self.tested)


class Pretrained(NamedTuple):
    """A model of the package: its files, and its card."""

    native: Path
    onnx: Path
    card: Card


def names() -> list[str]:
    """All models, by appliance and period."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> Pretrained:
    """A model by its name, `kettle-60s`; raises ModelFileError for one that is not there."""
    path = FOLDER / f"{name}.json"
    try:
        card = Card.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFileError(f"no model '{name}' comes with the package: choose one of {', '.join(names())}") from None
    except (ValidationError, OSError, UnicodeDecodeError) as error:
        raise ModelFileError(f"{path}: damaged ({str(error).splitlines()[0]}); install the package again") from None
    return Pretrained(path.with_suffix(".safetensors"), path.with_suffix(".onnx"), card)


def cards() -> Sequence[Card]:
    """The cards of all models."""
    return [load(name).card for name in names()]


def periods_s(appliance: str) -> list[float]:
    """The sampling periods for which there is a model of an appliance, by any of its names.

    Raises UsageError where there is none, with the appliances that have one.
    """
    found = sorted(card.period_s for card in cards() if card.appliance == canonical(appliance))
    if not found:
        known = dict.fromkeys(card.appliance for card in cards())
        raise UsageError(f"no model of '{appliance}' comes with the package, only of {', '.join(known)}")
    return found


def better(card: Card) -> Card | None:
    """A model of the same appliance for slower readings that passes in every house where this one does not, if there is one."""
    slower = (other for other in cards() if other.appliance == card.appliance and other.period_s > card.period_s)
    return next((other for other in slower if other.passes), None) if not card.passes else None


def find(appliance: str, period_s: float | None = None) -> Pretrained:
    """The model of an appliance, by any of its names, for a sampling period; or a model by its own name.

    Raises UsageError where there is none, with those that there are.
    """
    if appliance in names() and period_s is None:
        return load(appliance)
    there = {one_s: f"{canonical(appliance)}-{one_s:g}s" for one_s in periods_s(appliance)}
    fits = [name for one_s, name in there.items() if period_s is None or same_period(one_s, period_s)]
    if len(fits) == 1:
        return load(fits[0])
    known = ", ".join(there.values())
    if period_s is None:
        raise UsageError(f"'{appliance}' comes for more than one sampling period: name one of {known}")
    raise UsageError(f"no model of '{appliance}' comes for a reading every {format_seconds(period_s)}: choose one of {known}")
