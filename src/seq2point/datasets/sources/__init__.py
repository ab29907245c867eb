"""The raw layouts that can be read, one file each, imported when its source is asked for, with the
libraries that it needs.
"""

from importlib import import_module

from seq2point.datasets.contract import Source
from seq2point.errors import UsageError

NAMES = ("refit", "ukdale", "redd", "nilmtk", "table")


def find_source(name: str) -> Source:
    """The source of a raw layout; UsageError for an unknown one."""
    if name not in NAMES:
        raise UsageError(f"unknown layout '{name}': choose one of {', '.join(NAMES)}")
    source: Source = import_module(f"{__name__}.{name}").SOURCE
    return source
