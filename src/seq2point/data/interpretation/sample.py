"""A sample of a table's rows: what its columns hold, for those who must tell them apart."""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.appliances import to_snake_case
from seq2point.data.file_errors import LONGEST_CELL
from seq2point.data.interpretation.units import NamedUnit, find_unit, split_unit
from seq2point.data.table_file import TableFile, describe_place
from seq2point.data.text.cell_kinds import NO_READINGS
from seq2point.data.times.zones import ZONE_IN_NAME

SAMPLE_ROWS = 200_000
LARGEST = float(np.finfo(np.float32).max)
WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")


def parse_numbers(column: pl.Series) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return a column of cells as f64[N], NaN where there is no number, and which are words.

    A cell that is empty, or that says that there is no reading, is no word. Numbers too large for
    single precision are infinite, so that no unit makes them overflow.
    """
    if column.dtype == pl.String:
        numbers = column.cast(pl.Float64, strict=False)
        if numbers.null_count() == column.null_count():
            empty = np.zeros(len(column), dtype=bool)
            return _to_array(numbers), empty
        text = column.str.strip_chars().str.to_lowercase()
        numbers = text.cast(pl.Float64, strict=False)
        words = numbers.is_null() & ~(text.is_null() | text.is_in(NO_READINGS))
        return _to_array(numbers), words.to_numpy()
    numbers = column.cast(pl.Float64, strict=False)
    return _to_array(numbers), np.zeros(len(column), dtype=bool)


def _to_array(numbers: pl.Series) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = numbers.fill_null(float("nan")).to_numpy()
    lowest, highest = (find.reduce(values, initial=0) for find in (np.fmin, np.fmax))
    if lowest >= -LARGEST and highest <= LARGEST:
        return values
    return np.where(np.abs(values) > LARGEST, np.copysign(np.inf, values), values)


def may_hold_numbers(column: pl.Series) -> bool:
    """Return whether a column's type is one of numbers, or text that may hold them."""
    return column.dtype.is_numeric() or column.dtype in (pl.String, pl.Null)


def _simplify(name: str) -> str:
    """Return a name in snake case: 'consumption_power' for 'consumptionPower'."""
    return to_snake_case(WORD_START.sub("_", ZONE_IN_NAME.sub("", name)))


class Sample:
    """The columns of some rows of a table, and what their names say."""

    def __init__(self, file: TableFile, rows: int = SAMPLE_ROWS, repair: bool = False):
        self.file = file
        piece = file.read_sample(rows, repair)
        self.frame, self._lines = piece.frame, piece.lines
        self._numbers: dict[str, npt.NDArray[np.float64]] = {}
        self._words: dict[str, npt.NDArray[np.bool_]] = {}
        self.times_s: dict[object, npt.NDArray[np.float64]] = {}
        """The rows' times, by how they are read."""

    def __len__(self) -> int:
        return len(self.frame)

    def describe_row(self, row: int) -> str:
        """Return where a row of the sample is in the file, for a message."""
        return describe_place(self.file, int(self._lines[row]))

    @cached_property
    def titles(self) -> dict[str, NamedUnit]:
        """Each column's name without its unit, and the unit that it or a row of units says."""
        titles = {}
        for name in self.file.names:
            title = split_unit(name)
            unit = find_unit(self.file.units.get(name, ""))
            titles[name] = title if title.unit or unit is None else title._replace(unit=unit)
        return titles

    @cached_property
    def plain_names(self) -> dict[str, str]:
        """Each column's name in snake case, without its unit or time zone."""
        return {name: _simplify(title.name) for name, title in self.titles.items()}

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """Return a column as f64[N], NaN where it has no number."""
        if name not in self._numbers:
            if not may_hold_numbers(self.frame[name]):
                self._numbers[name] = np.full(len(self), np.nan)
                self._words[name] = np.ones(len(self), dtype=bool)
            else:
                self._numbers[name], self._words[name] = parse_numbers(self.frame[name])
        return self._numbers[name]

    def add_up(self, names: Sequence[str], signs: Sequence[int]) -> npt.NDArray[np.float64]:
        """Return the sum of columns with signs, f64[N]."""
        total = np.zeros(len(self))
        for name, sign in zip(names, signs, strict=True):
            total = total + sign * self.numbers(name)
        return total

    def is_numeric(self, name: str) -> bool:
        """Return whether most cells of a column that hold anything hold numbers.

        A column without any cell is numeric too: it may be a meter that never answered.
        """
        known = int(np.isfinite(self.numbers(name)).sum())
        return int(self._words[name].sum()) <= known or len(self) == 0

    def describe_cells(self, name: str) -> str:
        """Return what a column holds, for a message: the first word of text, else its type."""
        column = self.frame[name]
        if column.dtype != pl.String:
            return str(column.dtype)
        self.numbers(name)
        words = column.filter(pl.Series(self._words[name]))
        return f"'{words[0][:LONGEST_CELL]}'" if len(words) else "text"

    def find_plain(self, plain: str) -> str | None:
        """Return the column of a name in snake case, without unit; None where there is none."""
        return next((name for name, own in self.plain_names.items() if own == plain), None)
