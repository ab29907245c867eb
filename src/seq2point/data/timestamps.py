"""Times of files as seconds since 1970, UTC: date-times, text, Unix numbers, local clocks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import Times
from seq2point.errors import DataError

if TYPE_CHECKING:
    import polars as pl

YEAR_1_S, YEAR_9999_S = -62_135_596_800.0, 253_402_300_799.0
UNITS = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}
"""Units of Unix numbers, by how many of them make a second."""

FROM_S = 1e8
"""Unix numbers above so many seconds' worth of a unit (March 1973) are in that unit."""

THIS_AGE_S = 631_152_000.0, 4_102_444_800.0
"""1990 to 2100: readings of electricity meters are from this time."""

STEP_BACK_US = 1_800_000_000
"""A local clock that goes back by half an hour or more begins the second pass of an hour."""

FORMATS = 3
"""A column of times in words is parsed in at most so many formats."""


def may_hold_times(column: "pl.Series") -> bool:
    """Return whether a column is of a type that `Clock` reads."""
    import polars as pl

    return (
        column.dtype in (pl.String, pl.Date)
        or isinstance(column.dtype, pl.Datetime)
        or column.dtype.is_numeric()
    )


def find_usual_unit(numbers: Times) -> int | None:
    """Return the unit of most Unix numbers, as a key of `UNITS`; None where there is no number."""
    known = numbers[np.isfinite(numbers)]
    if len(known) == 0:
        return None
    usual = abs(float(np.median(known)))
    return next(
        per_second
        for per_second in sorted(UNITS, reverse=True)
        if per_second == 1 or usual > FROM_S * per_second
    )


def find_other_unit(numbers: Times, per_second: int) -> npt.NDArray[np.int64]:
    """Return the places of Unix numbers that are times of 1990 to 2100 in another unit."""
    other_unit = np.zeros(len(numbers), dtype=bool)
    for other in UNITS:
        if other != per_second:
            other_unit |= (numbers >= THIS_AGE_S[0] * other) & (numbers < THIS_AGE_S[1] * other)
    return np.flatnonzero(other_unit)


def limit_years(times_s: Times) -> Times:
    """Return seconds since 1970 with NaN outside the years 1 to 9999."""
    inside = (times_s >= YEAR_1_S) & (times_s <= YEAR_9999_S)
    return times_s if inside.all() else np.where(inside, times_s, np.nan)


@dataclass
class Clock:
    """The clock of one meter, read piece after piece: date-times, their text, or Unix numbers.

    Date-times without a zone are UTC, or local times of `zone`. Unix numbers too large for seconds
    are milli-, micro- or nanoseconds. All are in the unit of most numbers of the first piece.
    In autumn a local clock goes back and an hour comes twice. Of two passes the first is summer
    time; a single pass is summer time. In spring it leaps over an hour: times in it are unreadable.
    `describe_row` says where a row is, counted from 0 over all pieces.
    """

    zone: str | None = None
    describe_row: Callable[[int], str] = lambda row: f"row {row + 1}"
    _rows: int = 0
    _per_second: int | None = None
    _last: int | None = None
    _second_pass: bool = False

    def to_seconds(self, column: "pl.Series | Times") -> Times:
        """Return the next times as seconds since 1970, UTC, f64[N]; NaN for an unreadable one.

        Raises DataError for Unix numbers of several units.
        """
        times_s = (
            self._convert_numbers(column)
            if isinstance(column, np.ndarray)
            else self._convert_column(column)
        )
        self._rows += len(times_s)
        return limit_years(times_s)

    def _convert_numbers(self, numbers: Times) -> Times:
        self._per_second = self._per_second or find_usual_unit(numbers)
        if self._per_second is None:
            return numbers
        other_unit = find_other_unit(numbers, self._per_second)
        if len(other_unit):
            first = int(other_unit[0])
            raise DataError(
                f"{self.describe_row(self._rows + first)}: the time {numbers[first]:.0f} is in"
                f" another unit than the rest, which are {UNITS[self._per_second]}; write all of"
                " them in one unit"
            )
        return numbers if self._per_second == 1 else numbers / self._per_second

    def _convert_column(self, column: "pl.Series") -> Times:
        import polars as pl

        if column.dtype == pl.String:
            numbers = column.cast(pl.Float64, strict=False)
            column = numbers if 2 * numbers.null_count() < len(column) else _parse_words(column)
        elif column.dtype == pl.Date:
            column = column.cast(pl.Datetime("us"))
        if isinstance(dtype := column.dtype, pl.Datetime):
            column = column.cast(pl.Datetime("us", dtype.time_zone))
            local = self.zone is not None and dtype.time_zone is None
            microseconds = self._convert_local(column) if local else column.to_physical()
            return _to_floats(microseconds) / 1e6
        return self._convert_numbers(_to_floats(column))

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
            self._last = _find_latest(written, self._last)
            return first
        late = np.zeros(len(column), dtype=bool)
        known = np.flatnonzero(first.is_not_null().to_numpy())
        twice = (first != second).fill_null(False).to_numpy()[known]
        steps = np.diff(written.to_numpy()[known], prepend=self._last or 0)
        for at, row in enumerate(known):
            if not twice[at]:
                self._second_pass = False
            elif steps[at] <= -STEP_BACK_US:
                self._second_pass = True
            late[row] = self._second_pass
        self._last = _find_latest(written, self._last)
        return pl.select(pl.when(pl.lit(pl.Series(late))).then(second).otherwise(first)).to_series()


def _to_floats(column: "pl.Series") -> Times:
    import polars as pl

    numbers: Times = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return numbers


def _find_latest(written: "pl.Series", before: int | None) -> int | None:
    known = written.drop_nulls()
    return int(known[-1]) if len(known) else before


def _parse_words(column: "pl.Series") -> "pl.Series":
    """Return times in words as date-times; null where one has none of the formats.

    The format of the first readable time is tried for all, then that of the first that is left.
    """
    import polars as pl

    times = pl.Series(column.name, [None] * len(column), dtype=pl.Datetime("us"))
    for _ in range(FORMATS):
        left = pl.select(pl.when(times.is_null()).then(column)).to_series()
        try:
            parsed = left.str.to_datetime(strict=False, time_unit="us")
        except pl.exceptions.ComputeError:
            break
        if times.null_count() == len(times):
            times = parsed
        elif parsed.dtype == times.dtype:
            times = pl.select(pl.coalesce(times, parsed)).to_series()
    return times
