"""Sources: the raw layouts of data sets, a module each.

A module is imported at its first use, since some need large libraries.
"""

from importlib import import_module

from seq2point.datasets.contract import Source
from seq2point.errors import UsageError

NAMES = ("refit", "ukdale", "redd", "nilmtk", "table")


def find_source(name: str) -> Source:
    """Return the source of a raw layout; raises UsageError for an unknown one."""
    if name not in NAMES:
        raise UsageError(f"unknown layout '{name}': choose one of {', '.join(NAMES)}")
    source: Source = import_module(f"{__name__}.{name}").SOURCE
    return source
