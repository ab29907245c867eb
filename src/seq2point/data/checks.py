"""Checks of a table's values: times ascend; watts are numbers, not negative and not absurd.

A check raises DataError for the first row that fails it. With `repair` it mends the rows instead
and notes what it did.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.data.file_errors import refuse_damage
from seq2point.data.grid import Times
from seq2point.data.timestamps import Clock, may_hold_times
from seq2point.errors import DataError
from seq2point.limits import ABSURD_W, KILOWATTS_BELOW, NOISE_W
from seq2point.recording import Watts
from seq2point.wording import format_count, format_watts

Rows = npt.NDArray[np.int64]

EMPTY_CELLS = ("", "nan", "null", "none")
FEWEST_TO_JUDGE = 100  # so few rows may all be from a house that draws next to nothing
LONGEST_CELL = 40  # letters of a cell that a message shows


@dataclass
class Checks:
    """The checks of one file.

    `first_line` is the line of the file's first row; in Parquet it is None, and rows are counted
    from 1. Where rows come in pieces, `rows_before` counts those of the earlier pieces.
    """

    path: Path
    first_line: int | None
    repair: bool
    notes: list[str] = field(default_factory=list)
    rows_before: int = 0
    _clock: Clock | None = None

    def describe_row(self, row: int) -> str:
        """Return where a row is in the file: 'line 3', or 'row 3' in Parquet."""
        row += self.rows_before
        return f"row {row + 1}" if self.first_line is None else f"line {row + self.first_line}"

    def parse_times(self, column: pl.Series) -> Times:
        """Return a column of times as seconds since 1970, UTC, f64[N].

        Date-times and their text are UTC unless they name a zone. Numbers are Unix seconds; those
        too large for seconds are milli-, micro- or nanoseconds.
        Raises DataError for a time that is missing, unreadable, outside the years 1 to 9999 or in
        another unit than the rest.
        """
        if not may_hold_times(column):
            raise DataError(
                f"{self.path}: column '{column.name}' holds {column.dtype}, not times; name the"
                " column of the times with `time`"
            )
        with refuse_damage(self.path, "its times cannot be read"):
            self._clock = self._clock or Clock(
                describe_row=lambda row: f"{self.path}, {self.describe_row(row - self.rows_before)}"
            )
            times_s = self._clock.to_seconds(column)
        unreadable = np.flatnonzero(np.isnan(times_s))
        if len(unreadable):
            raise DataError(
                f"{self.path}, {self.describe_row(int(unreadable[0]))}: the time is missing or"
                " unreadable; write times like 2024-03-31T07:15:00Z or as Unix seconds"
            )
        return times_s

    def find_order(self, times_s: Times) -> Rows | None:
        """Return the rows to keep, in order of time; None for times f64[N] that already ascend.

        Raises DataError where time goes back or repeats, unless repairing.
        """
        steps = np.diff(times_s)
        out_of_order = np.flatnonzero(steps <= 0)
        if len(out_of_order) == 0:
            return None
        row = int(out_of_order[0]) + 1
        if not self.repair:
            repeats = steps[row - 1] == 0
            problem = "the time repeats the row before" if repeats else "the time goes back"
            raise self._make_error(row, problem, "sort the file, or set `repair`")
        order = np.argsort(times_s, kind="stable")
        kept = order[np.concatenate(([True], np.diff(times_s[order]) > 0))]
        self.notes.append(
            f"{format_count(len(out_of_order), 'row')} out of order or repeated; "
            f"{format_count(len(times_s) - len(kept), 'repeat')} dropped"
        )
        return kept

    def parse_numbers(self, column: pl.Series) -> Watts:
        """Return a column of cells as f32[N]. An empty cell is a gap, NaN.

        Raises DataError for a cell that is no number; when repairing it becomes a gap.
        """
        if column.dtype == pl.String:
            text = column.str.strip_chars().str.to_lowercase()
            numbers = text.cast(pl.Float32, strict=False)
            empty = text.is_null() | text.is_in(EMPTY_CELLS)
            words = np.flatnonzero((numbers.is_null() & ~empty).to_numpy())
            if len(words) and not self.repair:
                row = int(words[0])
                cell = column[row][:LONGEST_CELL]
                raise self._make_error(row, f"'{column.name}' is '{cell}', not a number")
            self._note_gaps(words, column.name, "not numbers")
        elif column.dtype.is_numeric() or column.dtype == pl.Null:
            numbers = column.cast(pl.Float32)
        else:
            raise DataError(
                f"{self.path}: column '{column.name}' holds {column.dtype}, not numbers"
            )
        return numbers.fill_null(float("nan")).to_numpy(writable=True)

    def parse_watts(self, column: pl.Series, unit_w: float) -> Watts:
        """Return a column of readings as watts f32[N], NaN where one is missing.

        `unit_w` is the watts in the column's unit. A little noise below zero becomes zero.
        Raises DataError for a reading below zero or above `limits.ABSURD_W`; when repairing it
        becomes a gap.
        """
        watts = self.parse_numbers(column)
        if unit_w != 1:
            watts = watts * np.float32(unit_w)
        below_zero = np.flatnonzero(watts < -NOISE_W)
        watts = self._remove(watts, below_zero, column.name, "below zero")
        absurd = np.flatnonzero(watts > ABSURD_W)
        advice = "check the unit, or set `repair`"
        watts = self._remove(watts, absurd, column.name, "more than a house can draw", advice)
        return np.maximum(watts, 0) if np.nanmin(watts, initial=0) < 0 else watts

    def _remove(
        self, watts: Watts, rows: Rows, name: str, problem: str, advice: str | None = None
    ) -> Watts:
        """Return readings with gaps in some rows; raises DataError unless repairing."""
        if not len(rows):
            return watts
        if not self.repair:
            row = int(rows[0])
            raise self._make_error(
                row, f"'{name}' is {format_watts(watts[row])}, {problem}", advice
            )
        self._note_gaps(rows, name, problem)
        repaired = watts.copy()
        repaired[rows] = np.nan
        return repaired

    def _make_error(self, row: int, problem: str, advice: str | None = None) -> DataError:
        advice = advice or "mend it, or set `repair`"
        return DataError(f"{self.path}, {self.describe_row(row)}: {problem}; {advice}")

    def _note_gaps(self, rows: Rows, name: str, problem: str) -> None:
        if len(rows):
            count = format_count(len(rows), "reading")
            self.notes.append(f"{count} of '{name}' made gaps: {problem}")

    def require_mains(self, mains_w: Watts) -> None:
        """Raise DataError for mains that are all gaps."""
        if np.isnan(mains_w).all():
            raise DataError(f"{self.path}: the mains hold no reading at all, only gaps")

    def require_mains_in_watts(self, mains_w: Watts) -> None:
        """Raise DataError for mains that are all gaps or that must be in kilowatts."""
        self.require_mains(mains_w)
        self.require_watts(float(np.nanmax(mains_w)), len(mains_w))

    def require_watts(self, highest_w: float, rows: int) -> None:
        """Raise DataError for mains whose highest reading is so small that they are in
        kilowatts.
        """
        if 0 < highest_w < KILOWATTS_BELOW and rows > FEWEST_TO_JUDGE:
            raise DataError(
                f"{self.path}: the mains never exceed {format_watts(highest_w)}; if they are"
                " kilowatts, set `unit` to kW"
            )
