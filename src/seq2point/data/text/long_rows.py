"""What is wrong with a row that has more cells than the table has columns."""

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile
from pathlib import Path

from seq2point.data.text.dialect import Dialect
from seq2point.data.times.time_numbers import says_time
from seq2point.errors import DataError
from seq2point.wording import format_count

LONGEST_NUMBER = 30  # letters of a number in a message
GROUP = re.compile(r"[+-]?[1-9]\d{0,2}")
NEXT_GROUP = re.compile(r"\d{3}(\.\d+)?")
WHOLE = re.compile(r"[+-]?\d+")
FRACTION = re.compile(r"\d+")


def explain_long_row(
    path: Path, line: int, cells: Sequence[str], names: Sequence[str], dialect: Dialect
) -> DataError:
    """Return the error for a row of more cells than names: a comma in a number, or a column
    unnamed.

    Commas of thousands come in some rows, decimal commas in all of them. A row that can be joined
    in several ways is left to the user.
    """
    place = (
        f"{path}, line {line}: {format_count(len(cells), 'cell')} under"
        f" {format_count(len(names), 'column')}"
    )
    usual = dialect.cells > len(names)
    if dialect.separator == ",":
        first = _count_time_columns(names, dialect)
        thousands = _join_pairs(cells[first:], GROUP, NEXT_GROUP)
        fractions = _join_pairs(cells[first:], WHOLE, FRACTION)
        if not usual and len(thousands) == len(cells) - len(names):
            return DataError(
                f"{place}; '{thousands[-1]}' has a comma for thousands: write it without the comma,"
                " or in quotes"
            )
        if usual and fractions:
            return DataError(
                f"{place}; name every column, or write decimal points, or ';' between the cells,"
                f" if '{fractions[-1]}' is one number"
            )
    if usual:
        return DataError(f"{place}; name every column in the heading")
    return DataError(f"{place}; mend it")


def _count_time_columns(names: Sequence[str], dialect: Dialect) -> int:
    """Return how many columns at the front hold times. Without a heading the first may do so."""
    if dialect.heading is None:
        return min(1, len(names) - 1)
    return sum(1 for _ in takewhile(says_time, names))


def _join_pairs(cells: Sequence[str], first: re.Pattern[str], second: re.Pattern[str]) -> list[str]:
    """Return the numbers that two neighbouring cells may be."""
    return [
        f"{left},{right}"
        for left, right in pairwise(cells)
        if first.fullmatch(left) and second.fullmatch(right)
        if len(left) + len(right) < LONGEST_NUMBER
    ]
