"""Reports in Markdown on a terminal: headings, lists, and tables that fit its width.

A pipe or a file gets the Markdown as it is.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

EMPHASIS = re.compile(r"(\*{1,2})([^*]+)\1")
NARROWEST = 12
"""Letters that a label has at least."""
LABELS = 0.45
"""Share of the width that labels may take where not all columns find room."""
GROUP = 3
"""Rows that groups have on average where their first label becomes a title."""
PADDING = 3
"""Letters between two columns."""


def print_markdown(console: Console, text: str) -> None:
    """Print a report."""
    if not console.is_terminal:
        console.print(text, markup=False, highlight=False, soft_wrap=True)
        return
    for block in _blocks(text):
        if block[0].startswith("|"):
            for table in draw_tables(block, console.width):
                console.print(table)
                console.print()
            continue
        if block[0].startswith("#"):
            console.print(Text(block[0].lstrip("# "), style="bold"))
        else:
            for line in block:
                console.print(_apply_emphasis(line))
        console.print()


def draw_tables(lines: Sequence[str], width: int) -> Iterator[Table]:
    """A Markdown table as one table, or where it is too wide as several below one another.

    Columns that are aligned left are labels: their words wrap, and every table has them; where the
    first repeats from row to row, its values become titles. Numbers never wrap.
    """
    headings, marks, *rows = [_cells(line) for line in lines]
    labels = sum(not mark.endswith(":") for mark in marks)
    widths = _natural_widths(headings, rows)
    groups = [(title, list(some)) for title, some in groupby(rows, key=lambda row: row[0])]
    if _width(widths) <= width:
        yield _table(headings, rows, labels, widths)
    elif labels > 1 and len(groups) * GROUP <= len(rows):
        for title, some in groups:
            yield from _split_columns(
                headings[1:], [row[1:] for row in some], labels - 1, width, title
            )
    else:
        yield from _split_columns(headings, rows, labels, width)


def _split_columns(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    labels: int,
    width: int,
    title: str | None = None,
) -> Iterator[Table]:
    """Tables of as many number columns as there is room for, at least one, each with all labels."""
    widths = _natural_widths(headings, rows)
    widest = max(widths[labels:], default=0)
    room = max(min(width - widest - PADDING, round(LABELS * width)), NARROWEST * labels)
    while _width(widths[:labels]) > min(room, width) and max(widths[:labels]) > NARROWEST:
        widths[widths.index(max(widths[:labels]))] -= 1
    parts: list[list[int]] = [[]]
    for i in range(labels, len(headings)):
        if (
            parts[-1]
            and _width([*widths[:labels], *(widths[j] for j in parts[-1]), widths[i]]) > width
        ):
            parts.append([])
        parts[-1].append(i)
    for part in parts:
        shown = [*range(labels), *part]
        cells = [[row[i] for i in shown] for row in rows]
        yield _table([headings[i] for i in shown], cells, labels, [widths[i] for i in shown], title)


def _table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    labels: int,
    widths: Sequence[int],
    title: str | None = None,
) -> Table:
    table = Table(
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        title=title,
        title_justify="left",
        title_style="italic",
    )
    for i, (heading, width) in enumerate(zip(headings, widths, strict=True)):
        table.add_column(heading, width=width, justify="left" if i < labels else "right")
    for row in rows:
        table.add_row(*map(_apply_emphasis, row))
    return table


def _width(columns: Sequence[int]) -> int:
    return sum(columns) + PADDING * (len(columns) - 1)


def _natural_widths(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """What columns need: headings may wrap between words, cells not."""
    columns = zip(headings, *rows, strict=True)
    return [
        max([*map(_length, cells), *map(len, heading.split())], default=1)
        for heading, *cells in columns
    ]


def _length(cell: str) -> int:
    return len(EMPHASIS.sub(r"\2", cell))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _blocks(text: str) -> Iterator[list[str]]:
    """What stands between empty lines."""
    block: list[str] = []
    for line in (*text.splitlines(), ""):
        if line:
            block.append(line)
        elif block:
            yield block
            block = []


def _apply_emphasis(line: str) -> Text:
    """A line with what stands between stars in bold or italics."""
    text, at = Text(), 0
    for match in EMPHASIS.finditer(line):
        text.append(line[at : match.start()])
        text.append(match[2], style="bold" if match[1] == "**" else "italic")
        at = match.end()
    return text.append(line[at:])
