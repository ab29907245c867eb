"""Experiments: one training with its test, in a folder (outcome), and results that are made once and found again (store)."""

from seq2point.experiment.outcome import Files, Outcome, account, pruned_once, pruning_table, run, tested_on, write_plots
from seq2point.experiment.store import Part, Store, source_hash

__all__ = [
    "Files",
    "Outcome",
    "Part",
    "Store",
    "account",
    "pruned_once",
    "pruning_table",
    "run",
    "source_hash",
    "tested_on",
    "write_plots",
]
