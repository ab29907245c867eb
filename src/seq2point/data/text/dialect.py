"""How a table of text is written: its separator, its decimal mark and the lines above its rows."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from seq2point.data.text.cell_kinds import (
    EMPTY,
    NUMBER,
    STAMP,
    TEXT,
    TIME,
    clean_cell,
    is_date_format,
    is_unit,
    judge_cell,
)
from seq2point.data.text.decimal_marks import GROUPED_POINT, Evidence, find_evidence
from seq2point.data.text.separators import (
    COMMENT,
    Row,
    detect_separator,
    find_width,
    select_body,
    split_cells,
    split_rows,
)
from seq2point.recording.plausibility import MARKS

_MARKS = {f"{mark:.0f}" for mark in MARKS}


@dataclass(frozen=True)
class Dialect:
    """How a table of text is written.

    `separator` ' ' stands for runs of blanks. `decimal` is '.' or ','; `decimal_from` tells who
    says so: an 'option', the first 'rows', or nobody ('default').

    `heading` holds the names as they stand, None where the first row is data. `units` has one for
    each name, '' where it has none, and None where there is no row of units. `first_line` is
    the line of the first row, from 1. Most rows have `cells` cells. `has_groups` tells whether a
    column's points stand where those of thousands would.
    """

    encoding: str
    compression: str | None
    separator: str
    decimal: str
    decimal_from: str
    heading: tuple[str, ...] | None
    units: tuple[str, ...] | None
    first_line: int
    cells: int
    has_groups: bool = False

    @property
    def commas_are_open(self) -> bool:
        """Whether a comma in a number may be a decimal comma or one for thousands."""
        return self.decimal_from == "default"

    @property
    def points_are_open(self) -> bool:
        """Whether a point may be one for thousands: ';' is usual where decimals have commas."""
        return self.commas_are_open and (self.separator == ";" or self.has_groups)


def detect_dialect(
    lines: Sequence[str],
    encoding: str,
    compression: str | None,
    separator: str | None = None,
    decimal: str | None = None,
) -> Dialect:
    """Return the dialect of a table by its first lines.

    An option that is not None is taken as it is.
    """
    separator = separator or detect_separator(lines, decimal)
    rows = split_rows(lines, separator)
    body = select_body(rows)
    width = find_width(body)
    kinds = _judge_columns(body, width)
    above, first = _find_first_row(rows, kinds, width)
    if first < len(rows):
        first_line = rows[first].line
    else:
        first_line = rows[-1].line + 1 if rows else 1
    heading, units = _read_heading(rows, above, first)
    if heading is None and above is None:
        heading = _read_comment_heading(lines, first_line, width, separator)
    evidence = find_evidence(dict.fromkeys(cell for row in rows[first:] for cell in row.cells))
    mark = decimal or evidence.decide()
    decimal_from = "option" if decimal else "rows" if mark else "default"
    return Dialect(
        encoding,
        compression,
        separator,
        mark or ".",
        decimal_from,
        heading,
        units,
        first_line,
        width,
        decimal_from == "default" and _has_groups([row.cells for row in rows[first:]], evidence),
    )


def _has_groups(rows: list[list[str]], evidence: Evidence) -> bool:
    """Return whether a column has whole numbers of up to three digits, and points in groups of
    three in all others: 284 and 2.320.
    """
    if not evidence.grouped_point:
        return False
    for cells in zip_longest(*rows, fillvalue=""):
        numbers = [c for c in cells if judge_cell(c) in (NUMBER, STAMP) and c not in _MARKS]
        grouped = [cell for cell in numbers if re.fullmatch(GROUPED_POINT, cell)]
        whole = [cell for cell in numbers if re.fullmatch(r"[+-]?\d{1,3}", cell)]
        if grouped and whole and len(grouped) + len(whole) == len(numbers):
            return True
    return False


def _judge_columns(body: list[list[str]], width: int) -> list[str]:
    """Return the kind of each column: that of at least half of its cells that are not empty."""
    columns = []
    for cells in list(zip_longest(*body, fillvalue=""))[:width]:
        kinds = Counter(judge_cell(cell) for cell in cells)
        del kinds[EMPTY]
        total = sum(kinds.values())
        kinds[NUMBER] += kinds[STAMP]
        kind = next((k for k in (TIME, STAMP, NUMBER) if total and kinds[k] >= total / 2), TEXT)
        columns.append(kind)
    return columns


def _find_first_row(rows: list[Row], kinds: list[str], width: int) -> tuple[int | None, int]:
    """Return the numbers of the row that is the heading, None for none, and of the first row."""
    sure = next((i for i, row in enumerate(rows) if _is_data(row.cells, kinds)), None)
    if sure is None:  # no numbers at all, or no rows
        sure = len(rows) if len(rows) < 2 or TEXT not in kinds else 1
    before = range(sure)
    headings = [
        i for i in before if _is_heading(rows[i].cells, kinds, width) and not _is_units(rows[i])
    ]
    if not headings:
        headings = [i for i in before if _is_heading(rows[i].cells, kinds, width)]
    if not headings:  # what is narrower than the rows cannot name them: the rows are refused
        headings = [
            i
            for i in before
            if not any(rows[i].cells[1:]) and judge_cell(rows[i].cells[0]) == TEXT
            if not rows[i].cells[0].lower().startswith("sep=")
        ]
    if not headings:
        lines_above = [i for i in before if rows[i].cells[0].lower().startswith("sep=")]
        return None, len(lines_above)
    above = headings[-1]
    first = above + 1
    while first < sure and (_is_units(rows[first]) or _names_first_column(rows[first])):
        first += 1
    return above, first


def _is_data(cells: list[str], kinds: list[str]) -> bool:
    """Return whether a row has a time where the rows have times, else a number."""
    first = next((kind for kind in (TIME, STAMP) if kind in kinds), NUMBER)
    fitting = (NUMBER, STAMP) if first == NUMBER else (first,)
    return any(
        kind == first and judge_cell(cell) in fitting
        for cell, kind in zip(cells, kinds, strict=False)
    )


def _is_heading(cells: list[str], kinds: list[str], width: int) -> bool:
    """Return whether a row can name the columns: enough text, and no number under a number.

    The columns of a data frame without names are 0, 1, 2, ...
    """
    below = list(zip(cells, kinds, strict=False))
    has_unnamed_times = any(kind in (TIME, STAMP) and not cell for cell, kind in below)
    has_unnamed_index = not cells[0] and kinds[0] == NUMBER
    has_numbers = any(
        kind in (NUMBER, STAMP) and judge_cell(cell) in (NUMBER, STAMP) for cell, kind in below
    )
    filled = [cell for cell in cells if cell]
    is_count = filled == [str(i) for i in range(len(filled))] and bool({TIME, STAMP} & {*kinds})
    if has_numbers and not (has_unnamed_times or is_count):
        return False
    own_width = max((i + 1 for i, cell in enumerate(cells) if cell), default=0)
    is_unnamed = has_unnamed_times or has_unnamed_index
    return len(filled) >= min(2, width) or (is_unnamed and len(filled) == own_width - 1 > 0)


def _is_units(row: Row) -> bool:
    cells = [cell for cell in row.cells if cell]
    return bool(cells) and all(is_unit(cell) or is_date_format(cell) for cell in cells)


def _names_first_column(row: Row) -> bool:
    """Return whether a row has a name for the first column alone, as pandas writes an index."""
    name = row.cells[0]
    is_name = bool(name) and (not is_unit(name) or name.lower() in ("unix", "utc"))
    return len(row.cells) > 1 and is_name and not any(row.cells[1:])


def _read_heading(
    rows: list[Row], above: int | None, first: int
) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
    """Return the names and the units, which stand below the names or above them."""
    if above is None:
        return None, None
    below = rows[above + 1 : first]
    heading = tuple(rows[above].cells)
    if any(map(_names_first_column, below)):
        heading = _join_levels(rows, above, below)
    units = next((row for row in below if _is_units(row)), None)
    if units is None and above and _is_units(rows[above - 1]):
        units = rows[above - 1]
    if units is None:
        return heading, None
    by_column = zip_longest(units.cells[: len(heading)], heading, fillvalue="")
    return heading, tuple(unit if is_unit(unit) else "" for unit, _ in by_column)


def _join_levels(rows: list[Row], above: int, below: list[Row]) -> tuple[str, ...]:
    """Return the names of a heading of several lines: 'power active', and that of the index."""
    first = above
    while first and len(rows[first - 1].cells) == len(rows[above].cells):
        first -= 1
    index = next(row.cells[0] for row in below if _names_first_column(row))
    levels = [row.cells for row in rows[first : above + 1]]
    return (
        index,
        *(" ".join(filter(None, names)) for names in list(zip(*levels, strict=True))[1:]),
    )


def _read_comment_heading(
    lines: Sequence[str], first_line: int, width: int, separator: str
) -> tuple[str, ...] | None:
    """Return the names of a comment right above the rows: '# time, mains'."""
    comment = next((line for line in reversed(lines[: first_line - 1]) if line.strip()), "")
    text = clean_cell(comment)
    if not text.startswith(COMMENT) or width < 2:
        return None
    cells = split_cells(text.lstrip(COMMENT).strip(), separator)
    plain = len(cells) == width and all(judge_cell(cell) == TEXT for cell in cells)
    return tuple(cells) if plain else None
