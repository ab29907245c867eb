"""Pruners by name: a new one is one file here and one line in PRUNERS."""

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
    """Return the pruner of a name or alias with its settings, None for 'none'.

    Raises UsageError for an unknown name, and for a setting that the pruner does not have or allow.
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
        setting = ".".join(map(str, first["loc"]))
        reason = first["msg"].lower()
        if first["type"] == "extra_forbidden":
            known = [*PRUNERS[name].model_fields]
            nearest = find_nearest(setting, known)
            hint = f"; did you mean '{nearest}'?" if nearest else ""
            reason = f"there is no such setting; {name} has {', '.join(known)}{hint}"
        raise UsageError(f"{name}: setting '{setting}' = {first['input']!r}: {reason}") from None


def prune_once(
    network: nn.Module, pruner: Pruner, seed: int = 0, masks: Masks | None = None
) -> dict[str, Tensor]:
    """Return the masks of a network pruned once, without training; `masks.apply_` applies them.

    `masks` are those that the network has already. What they drop stays dropped. Raises UsageError
    for a method that decides while the network trains: spp, entropic, the Taylor criterion.
    """
    present = {
        name: mask.to(network.get_parameter(name).device) for name, mask in (masks or {}).items()
    }
    return merge(present, pruner.masks_once(network, seed, present))
