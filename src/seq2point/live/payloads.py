"""Payloads of meters: a number, or JSON with a number under a path."""

import json
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from seq2point.errors import DataError

MISSING = {"", "unavailable", "unknown", "none", "null", "nan"}
"""Words for a reading that is missing, in lower case."""

EVERY = "*"
"""A part of a path that stands for every item of a list or an object, to be added up."""

MILLISECONDS_FROM = 1e11
"""Stamps from here on are in milliseconds: as seconds they are after the year 5000."""


def parse_payload(payload: bytes | str) -> Any:
    """Return a payload as JSON gives it, and text that is no JSON unchanged.

    Raises DataError for bytes that are no text.
    """
    try:
        text = payload.decode() if isinstance(payload, bytes) else payload
    except UnicodeDecodeError:
        raise DataError("the payload is no text") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text.strip()


def find_watts(document: Any, path: str, scale: float = 1.0) -> float | None:
    """Return the number at a path such as `ENERGY.Power`, times `scale`; None without such a path.

    NaN stands for a reading that is marked as missing. A part of the path may be a place in a list
    (`power.0`) or `*`, which adds up all items.
    Raises DataError for what is no number, and for an object or a list, with the paths below it.
    """
    found = list(_walk(document, path.split(".") if path else []))
    if not found:
        return None
    return sum(_to_number(each, path) for each in found) * scale


def find_time_s(document: Any, path: str) -> float | None:
    """Return the time at a path in seconds since 1970, UTC; None where there is none.

    A number is in seconds or milliseconds, text is ISO 8601 and says its zone.
    Raises DataError for anything else.
    """
    found = list(_walk(document, path.split(".")))
    if len(found) != 1 or found[0] is None:
        return None
    return parse_time_s(found[0])


def parse_time_s(stamp: Any) -> float:
    """Return a stamp in seconds since 1970, UTC: a number in s or ms, or ISO 8601 with its zone.

    Raises DataError for anything else.
    """
    if isinstance(stamp, str):
        try:
            stamp = float(stamp)
        except ValueError:
            return _parse_iso_s(stamp)
    if isinstance(stamp, bool) or not isinstance(stamp, int | float) or not math.isfinite(stamp):
        raise DataError(f"invalid time {_show(stamp)}: expected seconds since 1970, or ISO 8601")
    return stamp / 1000 if abs(stamp) >= MILLISECONDS_FROM else float(stamp)


def _parse_iso_s(text: str) -> float:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(
            f"invalid time {_show(text)}: expected seconds since 1970, or ISO 8601"
        ) from None
    if time.tzinfo is None:
        raise DataError(f"the time {_show(text)} says no zone: write it as 2026-01-31T12:00:00Z")
    return time.astimezone(UTC).timestamp()


def _walk(value: Any, parts: Sequence[str]) -> Iterator[Any]:
    if not parts:
        yield value
        return
    first, rest = parts[0], parts[1:]
    if isinstance(value, dict):
        if first in value:
            yield from _walk(value[first], rest)
        elif ".".join(parts) in value:
            yield value[".".join(parts)]
        elif first == EVERY:
            for item in value.values():
                yield from _walk(item, rest)
    elif isinstance(value, list):
        if first == EVERY:
            for item in value:
                yield from _walk(item, rest)
        elif first.isdigit() and int(first) < len(value):
            yield from _walk(value[int(first)], rest)
    elif first == EVERY and not rest:
        yield value


def _to_number(value: Any, path: str) -> float:
    if value is None or (isinstance(value, str) and value.strip().lower() in MISSING):
        return math.nan
    if isinstance(value, dict | list):
        choices = [".".join(filter(None, (path, below))) for below in list_numbers(value)][:8]
        if isinstance(value, list) and choices:
            choices.append(f"{path}.{EVERY} for their sum" if path else f"{EVERY} for their sum")
        raise DataError(
            f"{path or 'the payload'} is {'a list' if isinstance(value, list) else 'an object'}:"
            f" name one number in it: {', '.join(choices) or 'it has none'}"
        )
    if isinstance(value, bool):
        raise DataError(f"{path or 'the payload'} is {_show(value)}, not a number")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise DataError(f"{path or 'the payload'} is {_show(value)}, not a number") from None


def list_numbers(document: Any) -> list[str]:
    """Return the paths of all numbers in a document, in its order."""
    if isinstance(document, dict | list):
        items = document.items() if isinstance(document, dict) else enumerate(document)
        return [
            ".".join(filter(None, (str(key), below)))
            for key, value in items
            for below in list_numbers(value)
        ]
    is_number = isinstance(document, int | float) and not isinstance(document, bool)
    return [""] if is_number else []


def _show(value: Any) -> str:
    text = str(value) if not isinstance(value, str) else f"'{value}'"
    return text if len(text) <= 40 else f"{text[:36]}...'"
