"""Reports on a terminal: they fit its width, and no number is cut."""

from io import StringIO

import pytest
from rich.console import Console

from seq2point.report import markdown

NUMBERS = [f"{1000 + i} ± {i}" for i in range(9)]
REPORT = f"""## A title

- a note of *somebody* in **bold** words that is longer than a narrow terminal is wide, \
so that it wraps

| appliance, house | network | {" | ".join(f"metric {i}, W" for i in range(9))} |
| --- | --- | {" | ".join(["---:"] * 9)} |
| kettle, house 5 | seq2point, window 599 | {" | ".join(NUMBERS)} |
| kettle, house 5 | *published* | {" | ".join(["-"] * 9)} |
| kettle, house 5 | zero predictor | {" | ".join(["7.00"] * 9)} |
"""


def shown(width: int, terminal: bool = True) -> str:
    file = StringIO()
    markdown.print_markdown(
        Console(width=width, file=file, force_terminal=terminal, no_color=True, color_system=None),
        REPORT,
    )
    return file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 132, 300])
def test_a_table_fits_the_terminal_and_every_number_stands_whole_beside_its_labels(width: int):
    out = shown(width)
    assert all(len(line) <= width for line in out.splitlines())
    assert all(number in out for number in NUMBERS)
    assert "*" not in out
    assert "|" not in out
    tables = out.count("published")
    assert out.count("zero") == tables
    assert (tables == 1) == (width >= 132)
    assert out.count("kettle") == (
        3 if width == 300 else tables
    )  # a title, where it does not fit as a column


def test_what_is_no_terminal_gets_the_markdown_as_it_is():
    assert shown(40, terminal=False) == REPORT + "\n"
