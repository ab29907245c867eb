"""The models that come with the package: one for each appliance and sampling period, with a card.

A model has three files: `files/kettle-60s.safetensors`, the same in int8 as
`files/kettle-60s.onnx`, which needs no torch, and its card `files/kettle-60s.json`.
tools/make_models.py writes all three (`make models`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import files as resources
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from seq2point.appliances import canonical_name
from seq2point.configuration.arguments import require_seconds
from seq2point.errors import ModelFileError, UsageError
from seq2point.model.pretrained.card import Card, Verdict, average_error, judge
from seq2point.recording import is_same_period
from seq2point.wording import format_seconds

FOLDER = Path(str(resources(__package__))) / "files"


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


def share_period(names: Sequence[str]) -> list[str]:
    """Return models of one period for those of some appliances: of the period that most have."""
    cards = [load_pretrained(name).card for name in names]
    (period_s, _), *_ = Counter(card.period_s for card in cards).most_common()
    return [find_pretrained(card.appliance, period_s).card.name for card in cards]


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
    require_seconds(period_s, "period_s")
    if not isinstance(appliance, str):
        raise UsageError(
            f"a model of type {type(appliance).__name__}: give the name of an appliance or of a"
            " model, as kettle-60s"
        )
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
