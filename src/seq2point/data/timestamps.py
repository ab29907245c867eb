"""Times as people and meters write them, as seconds since 1970 (UTC), with the clocks of time zones
and of summer time.
"""

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
FROM_S = 1e8  # Unix numbers above so many seconds' worth of a unit are taken to be in it
THIS_AGE_S = 631_152_000.0, 4_102_444_800.0  # 1990 to 2100
STEP_BACK_US = 1_800_000_000
FORMATS = 3


def may_hold_times(column: "pl.Series") -> bool:
    """Whether a column is of a type that `Clock` reads."""
    import polars as pl

    return (
        column.dtype in (pl.String, pl.Date)
        or isinstance(column.dtype, pl.Datetime)
        or column.dtype.is_numeric()
    )


def find_usual_unit(numbers: Times) -> int | None:
    """How many of the unit that most Unix numbers are in make a second; None where there is no
    number.
    """
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
    """The places of Unix numbers that are times of our days in another unit than that of the
    column.
    """
    strange = np.zeros(len(numbers), dtype=bool)
    for other in UNITS:
        if other != per_second:
            strange |= (numbers >= THIS_AGE_S[0] * other) & (numbers < THIS_AGE_S[1] * other)
    return np.flatnonzero(strange)


def limit_years(times_s: Times) -> Times:
    """Seconds since 1970 with NaN outside the years 1 to 9999."""
    inside = (times_s >= YEAR_1_S) & (times_s <= YEAR_9999_S)
    return times_s if inside.all() else np.where(inside, times_s, np.nan)


@dataclass
class Clock:
    """The clock of one meter, read piece after piece: date-times, their text, or Unix numbers.

    All Unix numbers of a clock are in one unit, that of most in the first piece. `place` says in
    words where a row is, counted from 0 over all pieces.

    Date-times that do not say their zone are UTC, or local times of `zone`. Unix numbers too large
    for seconds are milli-, micro- or nanoseconds. Where a local clock goes back in autumn an hour
    comes twice: of two passes the first is summer time, of one pass all is. The hour that it leaps
    over in spring has no times: they are unreadable.
    """

    zone: str | None = None
    place: Callable[[int], str] = lambda row: f"row {row + 1}"
    _rows: int = 0
    _per_second: int | None = None
    _last: int | None = None
    _second_pass: bool = False

    def seconds(self, column: "pl.Series | Times") -> Times:
        """The next times as seconds since 1970 (UTC), f64[N]; NaN where one is unreadable.

        Raises DataError where Unix numbers of several units are mixed.
        """
        times_s = (
            self._from_numbers(column)
            if isinstance(column, np.ndarray)
            else self._from_column(column)
        )
        self._rows += len(times_s)
        return limit_years(times_s)

    def _from_numbers(self, numbers: Times) -> Times:
        self._per_second = self._per_second or find_usual_unit(numbers)
        if self._per_second is None:
            return numbers
        strange = find_other_unit(numbers, self._per_second)
        if len(strange):
            where, number = self.place(self._rows + int(strange[0])), numbers[strange[0]]
            raise DataError(
                f"{where}: the time {number:.0f} is in another unit than the rest, which are"
                f" {UNITS[self._per_second]}; write all of them in one unit"
            )
        return numbers if self._per_second == 1 else numbers / self._per_second

    def _from_column(self, column: "pl.Series") -> Times:
        import polars as pl

        if column.dtype == pl.String:
            numbers = column.cast(pl.Float64, strict=False)
            column = numbers if 2 * numbers.null_count() < len(column) else _parsed(column)
        elif column.dtype == pl.Date:
            column = column.cast(pl.Datetime("us"))
        if isinstance(dtype := column.dtype, pl.Datetime):
            column = column.cast(pl.Datetime("us", dtype.time_zone))
            local = self.zone is not None and dtype.time_zone is None
            stamps = self._local(column) if local else column.to_physical()
            return _floats(stamps) / 1e6
        return self._from_numbers(_floats(column))

    def _local(self, column: "pl.Series") -> "pl.Series":
        """Local times as microseconds since 1970, UTC."""
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
            self._last = _latest(written, self._last)
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
        self._last = _latest(written, self._last)
        return pl.select(pl.when(pl.lit(pl.Series(late))).then(second).otherwise(first)).to_series()


def _floats(column: "pl.Series") -> Times:
    import polars as pl

    numbers: Times = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return numbers


def _latest(written: "pl.Series", before: int | None) -> int | None:
    known = written.drop_nulls()
    return int(known[-1]) if len(known) else before


def _parsed(column: "pl.Series") -> "pl.Series":
    """Times in words: in the format of the first that is one, then what is left in the next; null
    where one is in none.
    """
    import polars as pl

    found = pl.Series(column.name, [None] * len(column), dtype=pl.Datetime("us"))
    for _ in range(FORMATS):
        left = pl.select(pl.when(found.is_null()).then(column)).to_series()
        try:
            parsed = left.str.to_datetime(strict=False, time_unit="us")
        except pl.exceptions.ComputeError:
            break
        if found.null_count() == len(found):
            found = parsed
        elif parsed.dtype == found.dtype:
            found = pl.select(pl.coalesce(found, parsed)).to_series()
    return found
