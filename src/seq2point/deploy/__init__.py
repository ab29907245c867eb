"""Deployment: a model as files for another runtime. One file a target, one line in the table."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from seq2point.errors import UsageError

TARGETS = {"microcontroller": "seq2point.deploy.microcontroller"}


def writer(target: str) -> Callable[..., Any]:
    """The `write` of a target; raises UsageError for an unknown one, with those that exist."""
    if target not in TARGETS:
        raise UsageError(f"unknown target '{target}': choose one of {', '.join(TARGETS)}")
    write: Callable[..., Any] = import_module(TARGETS[target]).write
    return write
