"""The pruners under their public name; see `seq2point.compression.pruning`."""

from seq2point.compression.pruning import (
    ALIASES,
    PRUNERS,
    Pruner,
    PruneState,
    Scheduled,
    SingleWeights,
    StepInfo,
    count_kept,
    find_pruner,
    keep_highest,
    prune_once,
)

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
