"""The models of a home: those that are named, or the best of the package for its readings."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from seq2point import runtime
from seq2point.appliances import Appliance, canonical_name
from seq2point.errors import UsageError
from seq2point.model import pretrained
from seq2point.model.pretrained.card import Card
from seq2point.predictor import Predictor

WITHOUT_CARD = 0.25
"""The error of a model without a card: this share of the appliance's highest power."""


class HomeModel(NamedTuple):
    """A model to tell a home's appliances apart: its name, and its card where it has one."""

    predictor: Predictor
    name: str
    card: Card | None = None


class Readings(Protocol):
    """What models are chosen by: how close a home's readings are."""

    @property
    def period_s(self) -> float:
        """The usual time between readings."""

    def can_give(self, period_s: float) -> bool:
        """Return whether the readings are close enough for a sampling period."""


def choose_models(
    readings: Readings,
    without: Iterable[str] = (),
    threads: int | None = None,
    live: bool = False,
) -> list[HomeModel]:
    """Return the models of the package that suit a home's readings: one for each appliance.

    Of an appliance's models it is, among those to be relied on, the one of least error in homes
    left out of training; with `live`, of those that answer soon. `without` names appliances that
    the home lacks.
    Raises UsageError for an appliance in `without` that no model is for.
    """
    lacking = require_known(without, {card.appliance for card in pretrained.load_cards()})
    return [
        load_pretrained_model(card.name, threads)
        for name, card in pretrained.choose_cards(readings.can_give, live).items()
        if name not in lacking
    ]


def load_pretrained_model(name: str, threads: int | None = None) -> HomeModel:
    """Load a model of the package."""
    model = pretrained.load_pretrained(name)
    return HomeModel(runtime.load(model.native, threads), name, model.card)


def check_models(models: Sequence[str]) -> None:
    """Raise UsageError for a name that no model of the package has, and for a missing file."""
    for model in models:
        if _is_file_name(model):
            if not Path(model).is_file():
                raise UsageError(f"{model}: no such file")
        elif model not in pretrained.list_names():
            pretrained.list_periods_s(model)


def _is_file_name(model: str | Path) -> bool:
    """Return whether a model is given by its file, not by its name."""
    path = Path(model)
    return bool(path.suffix) or path.name != str(model) or path.is_file()


def load_models(
    models: Any,
    readings: Readings,
    without: Iterable[str] = (),
    threads: int | None = None,
    live: bool = False,
) -> list[HomeModel]:
    """Return models by their names or files, or as predictors; None for those of `choose_models`.

    A name may be an appliance's alone: its model is then the one that `choose_models` takes.
    Raises UsageError for an unknown name and for two models of one appliance, and ModelFileError
    for a file that cannot be run.
    """
    if models is None:
        return choose_models(readings, without, threads, live)
    several = (
        [models] if isinstance(models, str | Path | HomeModel) or _predicts(models) else models
    )
    loaded = [_load_model(model, readings, threads, live) for model in several]
    names = [a.name for model in loaded for a in model.predictor.appliances]
    lacking = require_known(without, set(names), are_named=True)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two models predict the {twice.replace('_', ' ')}: give one of them")
    return [
        model for model in loaded if not {a.name for a in model.predictor.appliances} <= lacking
    ]


def _predicts(model: Any) -> bool:
    return hasattr(model, "predict_w")


def _load_model(model: Any, readings: Readings, threads: int | None, live: bool) -> HomeModel:
    if isinstance(model, HomeModel):
        return model
    if _predicts(model):
        return HomeModel(model, ", ".join(a.label for a in model.appliances))
    path = Path(model)
    if _is_file_name(model):
        return HomeModel(runtime.load(path, threads), path.name, pretrained.find_card(path))
    name = str(model)
    if name not in pretrained.list_names():
        name = pretrained.choose_card(name, readings.can_give, readings.period_s, live).name
    return load_pretrained_model(name, threads)


def require_known(without: Iterable[str], known: set[str], are_named: bool = False) -> set[str]:
    """Return the appliances of `without`, by their usual names.

    Raises UsageError for one that is not known, and for all of those of models that `are_named`.
    """
    names = {canonical_name(name) for name in without}
    for name in sorted(names - known):
        raise UsageError(
            f"`without` '{name}': no model is for it; choose from {', '.join(sorted(known))}"
        )
    if are_named and known and known <= names:
        raise UsageError(
            f"`without` {', '.join(sorted(names))}: the models that are named predict nothing else;"
            " leave out one or the other"
        )
    return names


def find_error_w(model: HomeModel, appliance: Appliance) -> float:
    """Return how far a model is usually off while the appliance is on, in watts.

    It is the median of the homes that its card leaves out of training. Without any it is a quarter
    of the appliance's highest power.
    """
    errors_w = [
        error_w
        for home in (model.card.judges if model.card else ())
        if (error_w := home.metrics.get("on_mae_w")) is not None
    ]
    return float(np.median(errors_w)) if errors_w else WITHOUT_CARD * appliance.max_power_w
