"""Times of files as seconds since 1970, UTC: the clock of a meter, and what is odd about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seq2point.data.grid import Times
from seq2point.data.times.far_dates import YEAR_1_S, YEAR_9999_S
from seq2point.data.times.time_format import TimeFormat, find_text_format, to_plain
from seq2point.data.times.time_numbers import (
    PER_SECOND,
    UNIX_UNITS,
    find_other_unit,
    find_usual_unit,
    holds_numbers,
    to_floats,
    to_numbers,
)
from seq2point.errors import DataError
from seq2point.metrics import HOUR_S

if TYPE_CHECKING:
    import polars as pl

AUTUMNS_APART_S = 300 * 86_400.0
"""A clock goes back once a year."""


def limit_years(
    times_s: Times, earliest_s: float = YEAR_1_S, latest_s: float = YEAR_9999_S
) -> Times:
    """Return seconds since 1970 with NaN outside two times: the years 1 to 9999."""
    inside = (times_s >= earliest_s) & (times_s <= latest_s)
    return times_s if inside.all() else np.where(inside, times_s, np.nan)


def find_autumn_hour(times_s: Times) -> int | None:
    """Return the first row after a local clock went back in autumn; None where none did so.

    Times f64[N] ascend but for one step a year. There the clock goes back by an hour less one step
    or, where all steps are an hour, repeats it.
    """
    known = np.flatnonzero(np.isfinite(times_s))
    steps = np.diff(times_s[known])
    back = np.flatnonzero(steps <= 0)
    if len(back) == 0:
        return None
    is_autumn = (steps[back] <= -HOUR_S / 2) & (steps[back] >= -HOUR_S)
    is_autumn |= (steps[back] == 0) & (np.median(steps) == HOUR_S)
    if not is_autumn.all() or (np.diff(times_s[known[back]]) < AUTUMNS_APART_S).any():
        return None
    return int(known[back[0] + 1])


@dataclass
class Clock:
    """The clock of one meter, read piece after piece: date-times, their text, or numbers.

    `format` is the form of the times; None takes that of the first piece, whose numbers are Unix
    numbers in one unit. Date-times without a zone are UTC, or local times of `zone`.
    In autumn a local clock goes back and an hour comes twice, on Lord Howe Island half an hour. A
    step back by half of it or more begins the second pass. Of two passes the first is summer time;
    a single pass is summer time. Readings once an hour repeat it.
    In spring it leaps over an hour: times in it are unreadable.
    `describe_row` says where a row is, counted from 0 over all pieces.
    """

    zone: str | None = None
    describe_row: Callable[[int], str] = lambda row: f"row {row + 1}"
    format: TimeFormat | None = None
    _rows: int = 0
    _last: int | None = None
    _last_step: int = 0
    _second_pass: bool = False

    def to_seconds(self, column: "pl.Series | Times") -> Times:
        """Return the next times as seconds since 1970, UTC, f64[N]; NaN for an unreadable one.

        Raises DataError for Unix numbers of several units, and for dates of open order.
        """
        times_s = (
            self._convert_numbers(column)
            if isinstance(column, np.ndarray) and (not self.format or self.format.per_second)
            else self._convert_column(column)
        )
        self._rows += len(times_s)
        if self.format is None:
            return limit_years(times_s)
        return limit_years(times_s, self.format.earliest_s, self.format.latest_s)

    def _convert_numbers(self, numbers: Times) -> Times:
        self.format = self.format or _find_unix_format(numbers)
        if self.format is None or not (per_second := self.format.per_second):
            return np.full(len(numbers), np.nan)
        other_unit = find_other_unit(numbers, per_second)
        if len(other_unit):
            first = int(other_unit[0])
            raise DataError(
                f"{self.describe_row(self._rows + first)}: the time {numbers[first]:.0f} is in"
                f" another unit than the rest, which are {UNIX_UNITS[per_second]}; write all of"
                " them in one unit"
            )
        return numbers if per_second == 1 else numbers / per_second

    def _convert_column(self, column: "pl.Series | Times") -> Times:
        import polars as pl

        column = to_plain(pl.Series(column) if isinstance(column, np.ndarray) else column)
        if not isinstance(column.dtype, pl.Datetime):
            self.format = self.format or self._find_format(column)
            if self.format is None:
                return np.full(len(column), np.nan)
            column = self.format.parse(column)
        if isinstance(dtype := column.dtype, pl.Datetime):
            column = column.cast(pl.Datetime("us", dtype.time_zone))
            local = self.zone is not None and dtype.time_zone is None
            microseconds = self._convert_local(column) if local else column.to_physical()
            return to_floats(microseconds) / 1e6
        return self._convert_numbers(to_floats(column))

    def _find_format(self, column: "pl.Series") -> TimeFormat | None:
        """Return the form of a first piece of text or numbers; None where it holds no times."""
        import polars as pl

        if holds_numbers(column):
            return _find_unix_format(to_floats(to_numbers(column)))
        if column.dtype != pl.String:
            return None
        try:
            return find_text_format(column, column.name)
        except DataError as error:
            raise DataError(f"{self.describe_row(self._rows)}: {error}") from None

    def _convert_local(self, column: "pl.Series") -> "pl.Series":
        """Return local times as microseconds since 1970, UTC."""
        import polars as pl

        first, second = (
            pl.select(
                pl.lit(column).dt.replace_time_zone(self.zone, ambiguous=pass_, non_existent="null")
            )
            .to_series()
            .to_physical()
            for pass_ in ("earliest", "latest")
        )
        written = column.to_physical()
        if not (first != second).any() and not self._second_pass:
            self._remember(written)
            return first
        late = np.zeros(len(column), dtype=bool)
        known = np.flatnonzero(first.is_not_null().to_numpy())
        again_us = (second - first).fill_null(0).to_numpy()[known]
        steps = np.diff(written.to_numpy()[known], prepend=self._last or 0)
        before = np.concatenate(([self._last_step], steps[:-1]))
        for at, row in enumerate(known):
            if not again_us[at]:
                self._second_pass = False
            elif steps[at] <= -again_us[at] / 2 or (steps[at] == 0 and before[at] == again_us[at]):
                self._second_pass = True
            late[row] = self._second_pass
        self._remember(written)
        return pl.select(pl.when(pl.lit(pl.Series(late))).then(second).otherwise(first)).to_series()

    def _remember(self, written: "pl.Series") -> None:
        """Keep the last local time of a piece and the step that led to it."""
        known = written.drop_nulls()
        if len(known) > 1:
            self._last_step = int(known[-1]) - int(known[-2])
        elif len(known) == 1 and self._last is not None:
            self._last_step = int(known[-1]) - self._last
        if len(known):
            self._last = int(known[-1])


def _find_unix_format(numbers: Times) -> TimeFormat | None:
    """Return the unit of Unix numbers, small ones too, as a form; None where there is no number."""
    usual = find_usual_unit(numbers)
    kinds = (kind for kind, per_second in PER_SECOND.items() if per_second == usual)
    return next((TimeFormat(kind, says_zone=True) for kind in kinds), None)
