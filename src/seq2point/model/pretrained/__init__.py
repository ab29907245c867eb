"""The models that come with the package: one for each appliance and sampling period, with a card.

A model has three files: `files/kettle-60s.safetensors`, the same in int8 as
`files/kettle-60s.onnx`, which needs no torch, and its card `files/kettle-60s.json`.
tools/make_models.py writes all three (`make models`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from seq2point.appliances import canonical_name
from seq2point.errors import ModelFileError, UsageError
from seq2point.events import EventSettings
from seq2point.recording import is_same_period
from seq2point.wording import format_seconds

FOLDER = Path(str(resources(__package__))) / "files"

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
    protocol_sha256: str
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
    def unseen_error(self) -> float:
        """Return the mean error of the homes that judge it; infinite without any."""
        return average_error(self.judges)

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


class Pretrained(NamedTuple):
    """The files and the card of a model of the package."""

    native: Path
    onnx: Path
    card: Card


def list_names() -> list[str]:
    """Return the names of all models, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load_pretrained(name: str) -> Pretrained:
    """Return the model of a name such as `kettle-60s`.

    Raises ModelFileError for an unknown name or a damaged card.
    """
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


def find_card(path: Path) -> Card | None:
    """Return the card of a file of the package, native or exported; None for any other file."""
    if path.resolve().parent != FOLDER.resolve() or path.stem not in list_names():
        return None
    return load_pretrained(path.stem).card


def load_cards(live: bool = False) -> Sequence[Card]:
    """Return the cards of the models for recordings, or of those that answer soon."""
    cards = [load_pretrained(name).card for name in list_names()]
    return [card for card in cards if card.is_live == live]


def list_periods_s(appliance: str) -> list[float]:
    """Return the sampling periods of an appliance's models, ascending; any of its names will do.

    Raises UsageError for an appliance without a model.
    """
    periods_s = sorted(
        card.period_s for card in load_cards() if card.appliance == canonical_name(appliance)
    )
    if not periods_s:
        known = dict.fromkeys(card.appliance for card in load_cards())
        raise UsageError(
            f"no model of '{appliance}' comes with the package, only of {', '.join(known)}"
        )
    return periods_s


def find_finest(appliance: str, period_s: float) -> Card:
    """Return the card of an appliance's model of the shortest period that is at least `period_s`.

    Where there is none, it is the model of the longest period. Raises UsageError for an appliance
    without a model.
    """
    periods_s = list_periods_s(appliance)
    chosen_s = next(
        (each_s for each_s in periods_s if each_s >= period_s or is_same_period(each_s, period_s)),
        periods_s[-1],
    )
    return find_pretrained(appliance, chosen_s).card


def choose_cards(can_give: Callable[[float], bool], live: bool = False) -> dict[str, Card]:
    """Return a card for each appliance: the best that the readings give, as `find_best` says.

    `can_give` says whether the readings give a sampling period in seconds. With `live` an appliance
    gets a model that answers soon, where there is one.
    """
    candidates: dict[str, list[Card]] = {}
    for card in [*load_cards(), *(load_cards(live=True) if live else [])]:
        if can_give(card.period_s):
            candidates.setdefault(card.appliance, []).append(card)
    soon = {name: [card for card in cards if card.is_live] for name, cards in candidates.items()}
    return {name: find_best(soon[name] or candidates[name]) for name in sorted(candidates)}


def find_best(cards: Sequence[Card]) -> Card:
    """Return the card of least error in homes left out of training: in those that judge all of
    them, where there are any.

    A model that is not to be relied on comes last, as does one that no home judged.
    """
    names = [{home.house for home in card.judges} for card in cards]
    shared = set.intersection(*names)

    def rank(card: Card) -> tuple[bool, float, float]:
        homes = [home for home in card.judges if not shared or home.house in shared]
        return judge(homes) is Verdict.UNRELIABLE, average_error(homes), card.period_s

    return min(cards, key=rank)


def choose_card(
    appliance: str, can_give: Callable[[float], bool], period_s: float, live: bool = False
) -> Card:
    """Return the card of an appliance's model by `choose_cards`; any of its names will do.

    Where the readings, one every `period_s`, give no model's period, it is that of `find_finest`.
    Raises UsageError for an appliance without a model.
    """
    chosen = choose_cards(can_give, live).get(canonical_name(appliance))
    return chosen or find_finest(appliance, period_s)


def find_better(card: Card) -> Card | None:
    """Return the card of a model of the same appliance, slower and of a better verdict, or None."""
    verdicts = list(Verdict)
    better = (
        other
        for other in load_cards()
        if other.appliance == card.appliance
        and other.period_s > card.period_s
        and verdicts.index(other.verdict) < verdicts.index(card.verdict)
    )
    return next(better, None)


def find_pretrained(appliance: str, period_s: float | None = None) -> Pretrained:
    """Return the model of an appliance for a sampling period, or the model of a name.

    Any of the appliance's names will do. Without a period the appliance must have one model only.
    Raises UsageError where there is no such model, with those that exist.
    """
    if appliance in list_names() and period_s is None:
        return load_pretrained(appliance)
    names = {
        each_s: f"{canonical_name(appliance)}-{each_s:g}s" for each_s in list_periods_s(appliance)
    }
    fits = [
        name
        for each_s, name in names.items()
        if period_s is None or is_same_period(each_s, period_s)
    ]
    if len(fits) == 1:
        return load_pretrained(fits[0])
    known = ", ".join(names.values())
    if period_s is None:
        raise UsageError(
            f"'{appliance}' has models for several sampling periods: name one of {known}"
        )
    raise UsageError(
        f"no model of '{appliance}' is for a reading every {format_seconds(period_s)}: choose one"
        f" of {known}"
    )
