"""Pruners by name: a new one is one file here and one line in the table."""

from typing import Any

from pydantic import ValidationError

from seq2point.errors import UsageError
from seq2point.pruning.magnitude import Magnitude
from seq2point.pruning.pruner import Pruner, PruneState, StepInfo

__all__ = ["ALIASES", "PRUNERS", "PruneState", "Pruner", "StepInfo", "find"]

PRUNERS: dict[str, type[Pruner]] = {pruner.name: pruner for pruner in (Magnitude,)}
ALIASES = {"tfmot": "magnitude", "default": "none"}


def find(name: str, **settings: Any) -> Pruner | None:
    """A pruner by name or alias with its settings, None for 'none'.

    Raises UsageError for an unknown name (with those that exist) or a setting that the pruner does not have or allow.
    """
    name = ALIASES.get(name, name)
    if name == "none":
        return None
    if name not in PRUNERS:
        raise UsageError(f"unknown pruning algorithm '{name}': choose one of none, {', '.join([*PRUNERS, *ALIASES])}")
    try:
        return PRUNERS[name](**settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{name}: setting '{where}' = {first['input']!r}: {first['msg'].lower()}") from None
