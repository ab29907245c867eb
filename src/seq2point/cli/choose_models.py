"""The models that `disaggregate` computes with: files, names, or 'all', for the readings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seq2point.configuration import MachineConfig
from seq2point.errors import UsageError
from seq2point.system.console import print_note

if TYPE_CHECKING:
    from seq2point.data.long_table import LongTable
    from seq2point.data.table import Table
    from seq2point.model.pretrained.card import Card
    from seq2point.predictor import Predictor

ALL = "all"
"""The name of all models that fit the readings."""


class LoadedModel(NamedTuple):
    """A model, and its card where it comes with the package."""

    predictor: "Predictor"
    card: "Card | None"


def load_with_card(path: Path, machine: MachineConfig) -> LoadedModel:
    """Return the model of a file; raises what `load_predictor` does."""
    from seq2point.cli.find_model import load_predictor
    from seq2point.model import pretrained

    return LoadedModel(
        load_predictor(path, machine.device, machine.threads), pretrained.find_card(path)
    )


def choose_models(
    models: Sequence[Path],
    loaded: Mapping[Path, LoadedModel],
    readings: "Table | LongTable",
    period_s: float | None,
    resample: bool,
    machine: MachineConfig,
) -> list[LoadedModel]:
    """Return the models of files and names, for the readings; `loaded` has those of files.

    Raises UsageError where others stand beside 'all', for an unknown name, and where the readings'
    period is unknown, which chooses what a name means.
    """
    chosen = []
    for path in _expand_all(models, readings, period_s, resample):
        if path in loaded:
            chosen.append(loaded[path])
        else:
            file = _choose_file(path, readings, period_s, resample)
            chosen.append(load_with_card(file, machine))
    return chosen


def _expand_all(
    models: Sequence[Path],
    readings: "Table | LongTable",
    period_s: float | None,
    resample: bool,
) -> list[Path]:
    """Return the models, with 'all' as the names of every appliance's model for the readings.

    Raises UsageError where others stand beside 'all'.
    """
    from seq2point.model import pretrained

    if Path(ALL) not in models or Path(ALL).is_file():
        return list(models)
    if len(models) > 1:
        raise UsageError("'all' stands for every model: give it alone, or the models by name")
    appliances = dict.fromkeys(card.appliance for card in pretrained.load_cards())
    names = [
        _choose_name(Path(name), Path(ALL), readings, period_s, resample) for name in appliances
    ]
    if resample:
        names = pretrained.share_period(names)
    return [Path(name) for name in names]


def _choose_name(
    name: Path,
    said: Path,
    readings: "Table | LongTable",
    period_s: float | None,
    resample: bool,
) -> str:
    """Return the name of a model: `name`, or that of an appliance's model for the readings.

    It is the finest that they give as they are. To resample, or where no model takes them as they
    are, it is of all that they give the one of least error in other homes. Raises UsageError for an
    unknown name, and where the readings' period is unknown, which chooses what was `said`.
    """
    from seq2point.cli.find_model import read_period_s
    from seq2point.data.grid import can_give
    from seq2point.model import pretrained
    from seq2point.recording import is_same_period

    if str(name) in pretrained.list_names():
        return str(name)
    own_s = read_period_s(said, readings, period_s)
    finest = pretrained.find_finest(str(name), own_s)
    if not resample and is_same_period(own_s, finest.period_s):
        return finest.name
    hold_s = readings.interpretation.hold_s
    return pretrained.choose_card(
        str(name), lambda each_s: can_give(own_s, each_s, hold_s), own_s
    ).name


def _choose_file(
    name: Path,
    readings: "Table | LongTable",
    period_s: float | None,
    resample: bool,
) -> Path:
    """Return the file of a model by name, for the readings, and say what it is worth."""
    from seq2point.model import pretrained

    chosen = pretrained.load_pretrained(_choose_name(name, name, readings, period_s, resample))
    card = chosen.card
    readings.require_period(card.period_s, resample)
    print_note(f"{card.name} comes with seq2point; what it can do: seq2point models {card.name}")
    print_note(f"{card.name} is {card.promise}")
    if other := pretrained.find_better(card):
        print_note(f"{other.name} is {other.promise}; it takes these readings with --resample")
    return chosen.native


def join_models(models: Sequence[LoadedModel]) -> "tuple[Predictor, Card | None]":
    """Return several models as one, whose cards' settings are its own."""
    if len(models) == 1:
        return models[0]
    from seq2point.model.several import SeveralModels

    return SeveralModels(*zip(*models, strict=True)), None
