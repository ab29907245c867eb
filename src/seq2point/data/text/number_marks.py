"""Numbers with decimal commas and separated thousands, written with points alone."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.data.text.decimal_marks import (
    DECIMAL_COMMA,
    DECIMAL_POINT,
    GROUPED_COMMA,
    GROUPED_POINT,
    OPEN_COMMA,
    Evidence,
    choose_cells,
    has_commas,
    has_grouped_points,
    match_cells,
)
from seq2point.data.text.dialect import Dialect
from seq2point.errors import DataError

SURE = "option"
"""`decimal_from` where the mark is an option: points in groups of three are then thousands."""


@dataclass
class NumberMarks:
    """Writes the numbers of a table with points, and refuses those that may be two numbers.

    A column whose points stand in groups of three says with its commas that they are no decimal
    points. So the columns with commas are remembered, and those with decimal points.
    """

    path: Path
    dialect: Dialect
    with_commas: set[str] = field(default_factory=set)
    with_groups: set[str] = field(default_factory=set)
    with_points: set[str] = field(default_factory=set)

    def need_evidence(self, frame: pl.DataFrame) -> bool:
        """Return whether rows have a number with a comma or a point that may mean two things."""
        return (self.dialect.commas_are_open and any(map(has_commas, frame))) or (
            self.dialect.points_are_open and any(map(has_grouped_points, frame))
        )

    def settle(self, evidence: Evidence) -> "NumberMarks":
        """Return the marks that the numbers of all rows show.

        Raises DataError where they show none, or both.
        """
        decimal = evidence.decide()
        if evidence.decimal_comma and (evidence.grouped_comma or evidence.grouped_point):
            other = evidence.grouped_comma or evidence.grouped_point
            raise DataError(
                f"{self.path}: '{evidence.decimal_comma}' has a decimal comma, and '{other}' has"
                " none: write its numbers one way, or give `decimal`"
            )
        if decimal is None:
            number = evidence.open_comma or evidence.grouped_point
            mark = "comma" if evidence.open_comma else "point"
            raise DataError(
                f"{self.path}: '{number}' may have a decimal {mark} ({number.replace(',', '.')}) or"
                f" a {mark} for thousands ({re.sub('[,.]', '', number)}): give the decimal mark"
                " with `decimal`"
            )
        return replace(self, dialect=replace(self.dialect, decimal=decimal, decimal_from="rows"))

    def write_points(
        self, frame: pl.DataFrame, lines: npt.NDArray[np.int64], lenient: bool = False
    ) -> pl.DataFrame:
        """Return the rows with decimal points and without marks for thousands.

        Raises DataError for a number that may mean two things; not where `lenient`.
        """
        for cells in frame:
            if cells.dtype == pl.String:
                plain = self._write_commas(cells, lines, lenient)
                if self.dialect.decimal == ",":
                    plain = self._write_groups(plain, cells, lines, lenient)
                if plain is not cells:
                    frame = frame.with_columns(plain)
        return frame

    def _write_commas(
        self, cells: pl.Series, lines: npt.NDArray[np.int64], lenient: bool
    ) -> pl.Series:
        if not cells.str.contains(",", literal=True).any():
            return cells
        grouped = match_cells(cells, GROUPED_COMMA)
        unclear = match_cells(cells, OPEN_COMMA)
        decimal = match_cells(cells, DECIMAL_COMMA) & ~grouped & ~unclear
        if self.dialect.decimal == ",":
            wrong, decimal = grouped, decimal | unclear
        else:
            wrong, grouped = decimal, grouped | unclear
        if wrong.any() and not lenient:
            self._refuse(cells, wrong, lines)
        if decimal.any():
            self.with_commas.add(cells.name)
        whole = cells.str.replace_all(",", "", literal=True)
        broken = cells.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        return choose_cells(choose_cells(cells, grouped, whole), decimal, broken)

    def _write_groups(
        self,
        cells: pl.Series,
        originals: pl.Series,
        lines: npt.NDArray[np.int64],
        lenient: bool,
    ) -> pl.Series:
        """Return the cells of a table with decimal commas, without the points of thousands."""
        if not originals.str.contains(".", literal=True).any():
            return cells
        grouped = match_cells(originals, GROUPED_POINT)
        points = match_cells(originals, DECIMAL_POINT) & ~grouped
        self.with_groups |= {cells.name} if grouped.any() else set()
        self.with_points |= {cells.name} if points.any() else set()
        known = cells.name in self.with_commas or self.dialect.decimal_from == SURE
        if cells.name in self.with_groups and not lenient:
            if cells.name in self.with_points:
                self._refuse(originals, grouped | points, lines)
            if not known:
                self._refuse(originals, grouped, lines)
        return choose_cells(cells, grouped, originals.str.replace_all(".", "", literal=True))

    def _refuse(self, cells: pl.Series, wrong: pl.Series, lines: npt.NDArray[np.int64]) -> None:
        row = int(wrong.arg_max() or 0)
        other = "a decimal comma" if self.dialect.decimal == "." else "no decimal comma"
        mark = "point" if self.dialect.decimal == "." else "comma"
        raise DataError(
            f"{self.path}, line {lines[row]}: '{cells[row]}' in column '{cells.name}' seems to have"
            f" {other}, and other numbers have a decimal {mark}: write them one way, or give"
            " `decimal`"
        )
