"""Pruners by name: a new one is one file here and one line in the table."""

from typing import Any

from pydantic import ValidationError
from torch import Tensor, nn

from seq2point.choices import find_nearest
from seq2point.compression.pruning.entropic import Entropic
from seq2point.compression.pruning.global_magnitude import GlobalMagnitude
from seq2point.compression.pruning.lamp import Lamp
from seq2point.compression.pruning.magnitude import Magnitude
from seq2point.compression.pruning.pruner import Pruner, PruneState, StepInfo
from seq2point.compression.pruning.random import Random
from seq2point.compression.pruning.scheduled_pruner import Scheduled, SingleWeights
from seq2point.compression.pruning.scores import count_kept, keep_highest
from seq2point.compression.pruning.spp import SPP
from seq2point.compression.pruning.structured import Structured
from seq2point.compression.pruning.threshold import Threshold
from seq2point.errors import UsageError
from seq2point.network.masks import Masks, merge

__all__ = [
    "ALIASES",
    "PRUNERS",
    "PruneState",
    "Pruner",
    "Scheduled",
    "SingleWeights",
    "StepInfo",
    "count_kept",
    "find_pruner",
    "keep_highest",
    "prune_once",
]

PRUNERS: dict[str, type[Pruner]] = {
    pruner.name: pruner
    for pruner in (Magnitude, GlobalMagnitude, Lamp, Structured, SPP, Entropic, Threshold, Random)
}
ALIASES = {"tfmot": "magnitude", "default": "none"}


def find_pruner(name: str, **settings: Any) -> Pruner | None:
    """A pruner by name or alias with its settings, None for 'none'.

    Raises UsageError for an unknown name (with those that exist) or a setting that the pruner does
    not have or allow.
    """
    name = ALIASES.get(name, name)
    if name == "none":
        return None
    if name not in PRUNERS:
        raise UsageError(
            f"unknown pruning algorithm '{name}': choose one of none,"
            f" {', '.join([*PRUNERS, *ALIASES])}"
        )
    try:
        return PRUNERS[name](**settings)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        what = first["msg"].lower()
        if first["type"] == "extra_forbidden":
            known = [*PRUNERS[name].model_fields]
            near = find_nearest(where, known)
            meant = f"; did you mean '{near}'?" if near else ""
            what = f"there is no such setting; {name} has {', '.join(known)}{meant}"
        raise UsageError(f"{name}: setting '{where}' = {first['input']!r}: {what}") from None


def prune_once(
    network: nn.Module, pruner: Pruner, seed: int = 0, held: Masks | None = None
) -> dict[str, Tensor]:
    """The masks of a network pruned once, without training; `masks.apply_` zeroes what they drop.

    `held` are the masks that the network has, which hold on.
    Raises UsageError for a method that decides while the network trains (spp, entropic, the Taylor
    criterion).
    """
    here = {
        name: mask.to(network.get_parameter(name).device) for name, mask in (held or {}).items()
    }
    return merge(here, pruner.masks_once(network, seed, here))
