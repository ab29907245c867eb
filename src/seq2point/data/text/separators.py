"""The separator of a table's cells, and lines of text taken apart by it."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from seq2point.data.text.cell_kinds import AROUND, EMPTY, TEXT, TIME, clean_cell, judge_cell

BLANK = " "
SEPARATORS = ("\t", ";", "|", ",", BLANK)  # where several fit as well, the first one
BODY_LINES = 500
FIRST_LINES, LAST_LINES = 100, 2 * BODY_LINES
"""The lines that are split by every separator in turn: of the heading, and of the body."""
COMMENT = "#"
RULE = re.compile(r"[-+=|:\s\x1f]*(--|==)[-+=|:\s\x1f]*")
"""A line of dashes, as programs draw between a heading and its rows, or below them."""
QUOTED_SHARE = 0.9  # a decimal mark separates cells where numbers are quoted, which is rare


class Row(NamedTuple):
    """A line of a table, its number from 1, and its clean cells."""

    line: int
    text: str
    cells: list[str]


def split_cells(line: str, separator: str) -> list[str]:
    """Return the clean cells of a line. A separator between quotes is none."""
    if '"' in line:
        parts = line.split('"')
        parts[::2] = [part.replace(separator, "\x1f") for part in parts[::2]]
        line, separator = "".join(parts), "\x1f"
    elif separator == BLANK:
        return [clean_cell(cell) for cell in line.split()]
    cells = line.split(separator)
    if separator == "\x1f" and BLANK * 2 in line:
        cells = [cell for cell in cells if cell.strip()] or cells
    return [cell.strip(AROUND) for cell in cells]  # as clean_cell does, without the call


def detect_separator(lines: Sequence[str], decimal: str | None) -> str:
    """Return the separator that makes the most cells numbers and times; ',' where none does."""
    first = next((clean_cell(line) for line in lines if clean_cell(line)), "")
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4]
    best, highest = ",", 0.0
    if len(lines) > FIRST_LINES + LAST_LINES:
        lines = [*lines[:FIRST_LINES], *lines[-LAST_LINES:]]
    with_tabs = sum("\t" in line for line in lines)
    for separator in SEPARATORS:
        if separator == BLANK and 2 * with_tabs > len(lines):
            continue  # the blanks are within cells
        if not _may_separate(lines, separator):
            continue
        rows = split_rows(lines, separator)
        body = select_body(rows)
        width = find_width(body)
        if width < 2 or (separator == BLANK and _holds_times_alone(body)):
            continue
        score = _score_rows([row.cells for row in rows], body, width)
        if separator == decimal:
            score *= QUOTED_SHARE
        if score > highest:
            best, highest = separator, score
    return best


def _may_separate(lines: Sequence[str], separator: str) -> bool:
    """Return whether any line could have two cells, which is quick to find."""
    if separator == BLANK:
        return any(len(line.split(None, 1)) > 1 or '"' in line for line in lines)
    return any(separator in line for line in lines)


def _holds_times_alone(body: list[list[str]]) -> bool:
    """Return whether all rows are a date and a time of day, and hold no readings."""
    return all(len(row) == 2 and judge_cell(BLANK.join(row)) == TIME for row in body)


def _score_rows(rows: list[list[str]], body: list[list[str]], width: int) -> float:
    """Return the share of the cells that are numbers, times or empty, and a little for text.

    The text of a heading that has a cell for each of the rows speaks for a separator too.
    """
    cells = [cell for row in body for cell in row]
    kinds = Counter(judge_cell(cell) for cell in cells)
    typed = len(cells) - kinds[TEXT]
    alike = sum(len(row) == width for row in body) / len(body)
    headed = any(
        len(row) >= width
        and TEXT in (row_kinds := {judge_cell(cell) for cell in row})
        and row_kinds <= {TEXT, EMPTY}
        for row in rows[:50]
    )
    return (typed / len(cells) + 0.02) * (0.5 + alike / 2) + 0.01 * headed


def split_rows(lines: Sequence[str], separator: str) -> list[Row]:
    """Return the lines that are neither blank nor comments nor rules."""
    rows = []
    for number, line in enumerate(lines, 1):
        cells = split_cells(line.strip("\r\n"), separator)
        is_comment = COMMENT in line and clean_cell(line).startswith(COMMENT)
        if any(cells) and not is_comment and not RULE.fullmatch(line):
            rows.append(Row(number, line, cells))
    return rows


def select_body(rows: Sequence[Row]) -> list[list[str]]:
    """Return the cells of the last half of the rows, where no heading is."""
    return [row.cells for row in rows[-min(len(rows) // 2 + 1, BODY_LINES) :]]


def find_width(body: list[list[str]]) -> int:
    """Return the number of cells of most rows; the larger one of two as frequent."""
    counts = Counter(len(row) for row in body)
    return max(counts, key=lambda width: (counts[width], width)) if counts else 0
