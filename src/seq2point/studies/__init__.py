"""Experiments: one training with its test, in a folder (outcome), and results that are made once
and found again (store).
"""

from seq2point.studies.result_cache import CachedResult, ResultCache, source_hash
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
    "source_hash",
    "train_and_test",
]
