"""References to a series in a table, as users write them: 'a+b', 'power[kW]', 'import-export'."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from seq2point.data.interpretation.units import UnitOf, find_unit
from seq2point.errors import DataError

UNIT_AT_END = re.compile(r"^(.+?)\s*\[\s*([^\[\]]+?)\s*\]$")


class SeriesReference(NamedTuple):
    """Columns that are added, each with its sign, and the unit that the reference says."""

    columns: tuple[str, ...]
    signs: tuple[int, ...]
    unit: UnitOf | None

    @property
    def expression(self) -> str:
        """The columns with their signs: 'a+b+c'."""
        return write_expression(self.columns, self.signs)


def write_expression(columns: Sequence[str], signs: Sequence[int]) -> str:
    """Return columns with their signs: 'a+b+c', '-a', 'import-export'."""
    terms = [f"{'+' if sign > 0 else '-'}{name}" for sign, name in zip(signs, columns, strict=True)]
    return "".join(terms).removeprefix("+")


def parse_reference(text: str, names: Sequence[str]) -> SeriesReference | None:
    """Return what a reference means among the names of a table; None where it names none.

    The very name of a column comes first, whatever it contains, then names with + and - between
    them or before them. Else a unit in square brackets is taken off the end, and the rest is looked
    up likewise.
    """
    if (terms := _find_terms(text, names)) is not None:
        return _add_terms(terms, None)
    if (match := UNIT_AT_END.match(text)) and (unit := find_unit(match[2])):
        terms = _find_terms(match[1], names)
        return None if terms is None else _add_terms(terms, unit)
    return None


def _add_terms(terms: Sequence[tuple[str, int]], unit: UnitOf | None) -> SeriesReference:
    return SeriesReference(tuple(name for name, _ in terms), tuple(s for _, s in terms), unit)


def _find_terms(text: str, names: Sequence[str]) -> list[tuple[str, int]] | None:
    """Return the names of a text and their signs: one, or several; None where it is neither."""
    if text in names:
        return [(text, 1)]
    if not text.startswith("-"):
        return _split_terms(text, names)
    terms = _split_terms(text[1:].lstrip(), names)
    return terms and [(terms[0][0], -terms[0][1]), *terms[1:]]


def _split_terms(text: str, names: Sequence[str]) -> list[tuple[str, int]] | None:
    """Return the names that make up a text with + and - between them; None where they do not."""
    for name in sorted(names, key=len, reverse=True):
        if not name or not text.startswith(name):
            continue
        rest = text[len(name) :].lstrip()
        if not rest:
            return [(name, 1)]
        if rest[0] in "+-,":
            others = _split_terms(rest[1:].lstrip(), names)
            if others is not None:
                sign = -1 if rest[0] == "-" else 1
                (first, first_sign), *more = others
                return [(name, 1), (first, first_sign * sign), *more]
    return None


def split_file(text: str) -> tuple[str, str | None]:
    """Return the file and the column of a reference FILE or FILE:COLUMN[unit].

    A colon in the file's own path is no separator where a file of the whole name exists.
    """
    from pathlib import Path

    if Path(text).exists() or ":" not in text:
        return text, None
    file, _, column = text.rpartition(":")
    shorter, rest = file, column
    while not Path(shorter).exists() and ":" in shorter:
        shorter, _, more = shorter.rpartition(":")
        rest = f"{more}:{rest}"
    if Path(shorter).exists():
        file, column = shorter, rest
    if not column:
        raise DataError(f"{text}: no column after the colon")
    return file, column
