"""Studies: one training with its test, results that are made once and found again (result_cache),
and grids of them.

What needs torch is imported when it is asked for: protocols are listed and shown without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seq2point.studies.result_cache import CachedResult, ResultCache

if TYPE_CHECKING:
    from seq2point.studies.outcome import (
        Outcome,
        OutcomeFiles,
        compare_stages,
        count_by_layer,
        name_houses,
        prune_copy,
        train_and_test,
    )

__all__ = [
    "CachedResult",
    "Outcome",
    "OutcomeFiles",
    "ResultCache",
    "compare_stages",
    "count_by_layer",
    "name_houses",
    "prune_copy",
    "train_and_test",
]


def __getattr__(name: str) -> Any:
    """Import what trains and tests when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module 'seq2point.studies' has no attribute '{name}'")
    return getattr(import_module("seq2point.studies.outcome"), name)
