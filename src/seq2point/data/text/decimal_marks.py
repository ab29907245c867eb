"""Commas and points in numbers: which is the decimal mark, and which one sets thousands apart.

'0,270' can only have a decimal comma and '3,070.00' only a comma for thousands. '3,070' may have
either. What the other numbers say decides it; nothing does so by itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

_SIGN = r"[+\-−]?"
GROUPED_COMMA = rf"{_SIGN}[1-9]\d{{0,2}}((,\d{{3}})+\.\d*|(,\d{{3}}){{2,}})"
OPEN_COMMA = rf"{_SIGN}[1-9]\d{{0,2}},\d{{3}}"
DECIMAL_COMMA = rf"{_SIGN}(\d{{1,3}}(\.\d{{3}})+|\d+),\d*([eE][+-]?\d+)?|{_SIGN},\d+"
GROUPED_POINT = rf"{_SIGN}[1-9]\d{{0,2}}(\.\d{{3}})+"
SPACERS = "'’ \u00a0\u202f"
SPACED = rf"[+\-−]?\d{{1,3}}([{SPACERS}]\d{{3}})+([.,]\d*)?"
DECIMAL_POINT = rf"{_SIGN}(\d+\.\d*|\.\d+)([eE][+-]?\d+)?"


@dataclass
class Evidence:
    """An example of each way in which numbers use commas and points; '' for none."""

    grouped_comma: str = ""
    open_comma: str = ""
    decimal_comma: str = ""
    grouped_point: str = ""
    decimal_point: str = ""

    def decide(self) -> str | None:
        """Return the decimal mark, '.' or ','; None where the numbers do not tell."""
        if self.decimal_comma:
            return None if self.grouped_comma else ","
        return "." if self.grouped_comma or self.decimal_point else None


_SPACED, _SPACER = re.compile(SPACED), re.compile(f"[{SPACERS}]")
_WAYS = re.compile(
    f"(?P<grouped_comma>{GROUPED_COMMA})|(?P<open_comma>{OPEN_COMMA})"
    f"|(?P<decimal_comma>{DECIMAL_COMMA})|(?P<grouped_point>{GROUPED_POINT})"
    f"|(?P<decimal_point>{DECIMAL_POINT})"
)
"""Each way to write a number with commas or points, the first that fits."""


def find_evidence(cells: Iterable[str], evidence: Evidence | None = None) -> Evidence:
    """Return what the numbers among cells of text tell; added to the evidence so far, if any."""
    evidence = evidence or Evidence()
    for cell in cells:
        if "," not in cell and "." not in cell:
            continue
        way = _WAYS.fullmatch(cell)
        if way is None and _SPACED.fullmatch(cell):
            cell = _SPACER.sub("", cell)
            way = _WAYS.fullmatch(cell)
        if way is not None and way.lastgroup and not getattr(evidence, way.lastgroup):
            setattr(evidence, way.lastgroup, cell)
    return evidence


def match_cells(cells: pl.Series, pattern: str) -> pl.Series:
    """Return for each cell whether all of it matches; false for null."""
    return cells.str.contains(f"^(?:{pattern})$").fill_null(False)


def has_commas(cells: pl.Series) -> bool:
    """Return whether a cell is a number with a comma."""
    commas = cells.str.contains(",", literal=True).fill_null(False)
    if not commas.any():
        return False
    numbers = f"{GROUPED_COMMA}|{OPEN_COMMA}|{DECIMAL_COMMA}"
    return bool(match_cells(cells.filter(commas), numbers).any())


def has_grouped_points(cells: pl.Series) -> bool:
    """Return whether a cell is a number whose points may be for thousands."""
    return bool(match_cells(cells, GROUPED_POINT).any())


def choose_cells(cells: pl.Series, chosen: pl.Series, others: pl.Series) -> pl.Series:
    """Return the cells, and where chosen the other ones."""
    return others.zip_with(chosen, cells) if chosen.any() else cells


def remove_spacers(cells: pl.Series) -> pl.Series:
    """Return the numbers without blanks and apostrophes between thousands, and a plain minus."""
    first = cells.drop_nulls().head(1).to_list()
    if not first or ":" in first[0] or "-" in first[0][1:]:
        return cells  # times, in which blanks are usual
    spaced = match_cells(cells, SPACED)
    cells = choose_cells(cells, spaced, cells.str.replace_all(f"[{SPACERS}]", ""))
    minus = cells.str.starts_with("−").fill_null(False)
    return choose_cells(cells, minus, cells.str.replace("−", "-", literal=True))
