"""The models of a fleet: named or all of the package, opened once in each process."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from seq2point import runtime
from seq2point.errors import UsageError
from seq2point.household.home_models import HomeModel
from seq2point.household.mains import HomeMains
from seq2point.model import pretrained

THREADS = 1
"""The threads of a model in a fleet: each process has a core of its own."""


class ModelSource(NamedTuple):
    """Where a model is: its file, its name in results, and the SHA-256 of the file."""

    path: str
    name: str
    sha256: str


class FleetModels(NamedTuple):
    """The models of a fleet. With `choose` they are those to choose from by a home's readings."""

    sources: tuple[ModelSource, ...]
    choose: bool

    @classmethod
    def find(cls, names: Sequence[str | Path]) -> "FleetModels":
        """Return the models of names and files; of none, all of the package.

        A name is that of one model: kettle-60s. Raises UsageError for an appliance's name that
        several have and for two models of one appliance, ModelFileError for a file that is missing
        or damaged.
        """
        if not names:
            cards = pretrained.load_cards()
            return cls(tuple(_describe_pretrained(card.name) for card in cards), choose=True)
        models = cls(tuple(map(_describe, names)), choose=False)
        appliances = [a.name for model in models.open() for a in model.predictor.appliances]
        for name in appliances:
            if appliances.count(name) > 1:
                raise UsageError(f"two models predict the {name.replace('_', ' ')}: give one")
        return models

    @property
    def digest(self) -> str:
        """The SHA-256 of all models and of how they are chosen."""
        text = "\n".join([str(self.choose), *(source.sha256 for source in self.sources)])
        return hashlib.sha256(text.encode()).hexdigest()

    def open(self) -> list[HomeModel]:
        """Return all models, each opened once in a process."""
        return [open_model(source) for source in self.sources]

    def open_for(self, mains: HomeMains) -> list[HomeModel]:
        """Return the models for a home's readings: those named, or the best of each appliance."""
        if not self.choose:
            return self.open()
        periods_s = tuple(each_s for each_s in _list_periods_s() if mains.can_give(each_s))
        return [open_model(s) for s in self.sources if s.name in _choose_names(periods_s)]


def _describe(name: str | Path) -> ModelSource:
    path = Path(name)
    if path.suffix or path.is_file():
        runtime.load(path, THREADS)
        return ModelSource(str(path.resolve()), path.name, _hash_file(path))
    return _describe_pretrained(pretrained.find_pretrained(str(name)).card.name)


def _describe_pretrained(name: str) -> ModelSource:
    path = pretrained.load_pretrained(name).native
    return ModelSource(str(path), name, _hash_file(path))


def _hash_file(path: Path) -> str:
    """Return the SHA-256 of a model file, and of its card where it has one: both decide."""
    digest = hashlib.sha256(path.read_bytes())
    if (card := pretrained.find_card(path)) is not None:
        digest.update(card.model_dump_json().encode())
    return digest.hexdigest()


@cache
def _list_periods_s() -> tuple[float, ...]:
    return tuple(sorted({card.period_s for card in pretrained.load_cards()}))


@cache
def _choose_names(periods_s: tuple[float, ...]) -> frozenset[str]:
    chosen = pretrained.choose_cards(lambda period_s: period_s in periods_s)
    return frozenset(card.name for card in chosen.values())


_OPEN: dict[ModelSource, HomeModel] = {}
"""The models that this process has open."""


def open_model(source: ModelSource) -> HomeModel:
    """Return a model, opened once in a process, to run with one thread."""
    if source not in _OPEN:
        path = Path(source.path)
        model = HomeModel(runtime.load(path, THREADS), source.name, pretrained.find_card(path))
        _OPEN[source] = model
    return _OPEN[source]


def share_models(models: Mapping[ModelSource, HomeModel]) -> None:
    """Let this process use models that are open, as those of a cluster's object store."""
    for source, model in models.items():
        _OPEN.setdefault(source, model)


def close_models() -> None:
    """Free the models that this process has open: its workers open their own."""
    _OPEN.clear()
