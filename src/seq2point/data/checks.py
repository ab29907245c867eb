"""What a table's values must be: times that ascend, watts that are numbers, not negative and not
absurd.

Each check names the first place that fails it; with `repair` it mends and notes what it did
instead.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

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


class Hints(NamedTuple):
    """How a caller says what a check advises."""

    repair: str
    unit: str
    time: str
    mains: str
    period: str
    resample: str


FLAGS = Hints(
    "--repair",
    "--unit kW",
    "--time-column NAME",
    "--mains-column NAME",
    "--period",
    "say --resample",
)


@dataclass
class Checks:
    """The checks of one file. `first_line` is the file line of its first row (None for Parquet:
    rows are counted from 1).

    Where rows come in pieces, `rows_before` is the number of those in earlier pieces.
    """

    path: Path
    first_line: int | None
    repair: bool
    notes: list[str] = field(default_factory=list)
    rows_before: int = 0
    _clock: Clock | None = None
    hints: Hints = FLAGS

    def place(self, row: int) -> str:
        """A row as its reader would find it."""
        row += self.rows_before
        return f"row {row + 1}" if self.first_line is None else f"line {row + self.first_line}"

    def _fail(self, row: int, what: str, advice: str | None = None) -> DataError:
        advice = advice or f"mend it, or use {self.hints.repair}"
        return DataError(f"{self.path}, {self.place(row)}: {what}; {advice}")

    def times_s(self, column: pl.Series) -> Times:
        """A column of times as seconds since 1970: date-times (UTC unless they say otherwise),
        their text, or Unix seconds.

        Unix numbers too large for seconds are taken as milli-, micro- or nanoseconds.
        Raises DataError where one is missing, unreadable, outside the years 1 to 9999 or in another
        unit than the rest.
        """
        if not may_hold_times(column):
            raise DataError(
                f"{self.path}: column '{column.name}' holds {column.dtype}, not times; name it:"
                f" {self.hints.time}"
            )
        with refuse_damage(self.path, "its times cannot be read"):
            self._clock = self._clock or Clock(
                place=lambda row: f"{self.path}, {self.place(row - self.rows_before)}"
            )
            times = self._clock.seconds(column)
        strange = np.flatnonzero(np.isnan(times))
        if len(strange):
            what, advice = (
                "the time is missing or unreadable",
                "times like 2024-03-31T07:15:00Z or Unix seconds are read",
            )
            raise self._fail(int(strange[0]), what, advice)
        return times

    def ascending(self, times_s: Times) -> npt.NDArray[np.int64] | None:
        """The rows to keep, in order of time; None when they already ascend.

        Raises DataError where time goes back or repeats, unless repairing.
        """
        steps = np.diff(times_s)
        bad = np.flatnonzero(steps <= 0)
        if len(bad) == 0:
            return None
        row = int(bad[0]) + 1
        if not self.repair:
            what = (
                "the time repeats the row before" if steps[row - 1] == 0 else "the time goes back"
            )
            raise self._fail(row, what, f"sort the file, or use {self.hints.repair}")
        order = np.argsort(times_s, kind="stable")
        kept = order[np.concatenate(([True], np.diff(times_s[order]) > 0))]
        self.notes.append(
            f"{format_count(len(bad), 'row')} out of order or repeated; "
            f"{format_count(len(times_s) - len(kept), 'repeat')} dropped"
        )
        return kept

    def numbers(self, column: pl.Series) -> Watts:
        """A column of cells as f32[N]; an empty cell is a gap, NaN.

        Raises DataError where a cell is no number; when repairing it becomes a gap.
        """
        if column.dtype == pl.String:
            text = column.str.strip_chars().str.to_lowercase()
            numbers = text.cast(pl.Float32, strict=False)
            empty = text.is_null() | text.is_in(["", "nan", "null", "none"])
            strange = np.flatnonzero((numbers.is_null() & ~empty).to_numpy())
            if len(strange) and not self.repair:
                row = int(strange[0])
                raise self._fail(row, f"'{column.name}' is '{column[row][:40]}', not a number")
            self._note(strange, column.name, "not numbers")
        elif column.dtype.is_numeric() or column.dtype == pl.Null:
            numbers = column.cast(pl.Float32)
        else:
            raise DataError(
                f"{self.path}: column '{column.name}' holds {column.dtype}, not numbers"
            )
        return numbers.fill_null(float("nan")).to_numpy(writable=True)

    def watts(self, column: pl.Series, factor: float) -> Watts:
        """A column of readings as watts f32[N]: not negative but for noise, not absurd; NaN is a
        gap.
        """
        watts = self.numbers(column)
        if factor != 1:
            watts = watts * np.float32(factor)
        absurd = "more than a house can draw"
        for rows, what, advice in (
            (np.flatnonzero(watts < -NOISE_W), "below zero", None),
            (
                np.flatnonzero(watts > ABSURD_W),
                absurd,
                f"check the unit, or use {self.hints.repair}",
            ),
        ):
            if len(rows) and not self.repair:
                row = int(rows[0])
                raise self._fail(
                    row, f"'{column.name}' is {format_watts(watts[row])}, {what}", advice
                )
            if len(rows):
                watts = watts.copy()
                watts[rows] = np.nan
                self._note(rows, column.name, what)
        return np.maximum(watts, 0) if np.nanmin(watts, initial=0) < 0 else watts

    def _note(self, rows: npt.NDArray[np.int64], name: str, what: str) -> None:
        if len(rows):
            self.notes.append(f"{format_count(len(rows), 'reading')} of '{name}' made gaps: {what}")

    def mains_known(self, mains_w: Watts) -> None:
        """Refuse mains that are all gaps."""
        if np.isnan(mains_w).all():
            raise DataError(f"{self.path}: the mains hold no reading at all, only gaps")

    def mains_unit(self, mains_w: Watts) -> None:
        """Refuse mains that are all gaps, and mains so small that they must be kilowatts."""
        self.mains_known(mains_w)
        self.mains_highest(float(np.nanmax(mains_w)), len(mains_w))

    def mains_highest(self, highest_w: float, rows: int) -> None:
        """Refuse mains whose highest reading is so small that they must be kilowatts."""
        if 0 < highest_w < KILOWATTS_BELOW and rows > 100:
            raise DataError(
                f"{self.path}: the mains never exceed {format_watts(highest_w)}; if they are"
                f" kilowatts, say {self.hints.unit}"
            )
