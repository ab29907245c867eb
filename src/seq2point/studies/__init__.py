"""Studies: one training with its test, results that are made once and found again (result_cache),
and grids of them.
"""

from seq2point.studies.result_cache import CachedResult, ResultCache
from seq2point.studies.train_and_test import (
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
