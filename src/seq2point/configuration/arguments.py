"""What callers in Python give: names, the path of a file, and a number of seconds."""

import os
from collections.abc import Iterable
from numbers import Real
from pathlib import Path

from seq2point.errors import UsageError


def gather_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """Return names in order; a text alone is one name, not its letters."""
    return (names,) if isinstance(names, str) else tuple(names)


def require_path(path: object) -> Path:
    """Return a path; raises UsageError for what is neither a text nor a path."""
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"a file of type {type(path).__name__}: give its path, a text or a Path")
    return Path(path)


def require_seconds(value: object, field: str) -> None:
    """Raise UsageError where a duration is given and is no number of seconds above zero."""
    if value is None or (isinstance(value, Real) and 0 < float(value) < float("inf")):
        return
    raise UsageError(f"`{field}` {value!r}: give a number of seconds above zero, as 60")
