"""Times as people and meters write them, as seconds since 1970 (UTC), with the clocks of time zones and of summer time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seq2point.data.align import Times

if TYPE_CHECKING:
    import polars as pl

YEAR_1_S, YEAR_9999_S = -62_135_596_800.0, 253_402_300_799.0
STEP_BACK_US = 1_800_000_000
FORMATS = 3


def may_hold_times(column: "pl.Series") -> bool:
    """Whether a column is of a type that `Clock` reads."""
    import polars as pl

    return column.dtype in (pl.String, pl.Date) or isinstance(column.dtype, pl.Datetime) or column.dtype.is_numeric()


def in_seconds(numbers: Times) -> Times:
    """Unix numbers as seconds, whatever the unit of most of them; NaN outside the years 1 to 9999."""
    known = numbers[np.isfinite(numbers)]
    usual = abs(float(np.median(known))) if len(known) else 0.0
    times = numbers / (1e9 if usual > 1e17 else 1e6 if usual > 1e14 else 1e3) if usual > 1e11 else numbers
    inside = (times >= YEAR_1_S) & (times <= YEAR_9999_S)
    return times if inside.all() else np.where(inside, times, np.nan)


@dataclass
class Clock:
    """The clock of one meter, read piece after piece: date-times, their text, or Unix numbers.

    Date-times that do not say their zone are UTC, or local times of `zone`. Unix numbers too large for seconds are milli-,
    micro- or nanoseconds. Where a local clock goes back in autumn an hour comes twice: of two passes the first is summer time, of
    one pass all is. The hour that it leaps over in spring has no times: they are unreadable.
    """

    zone: str | None = None
    _last: int | None = None
    _second_pass: bool = False

    def seconds(self, column: "pl.Series | Times") -> Times:
        """The next times as seconds since 1970 (UTC), f64[N]; NaN where one is unreadable."""
        if isinstance(column, np.ndarray):
            return in_seconds(column)
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
            return in_seconds(stamps.cast(pl.Float64).fill_null(float("nan")).to_numpy() / 1e6)
        return in_seconds(column.cast(pl.Float64).fill_null(float("nan")).to_numpy())

    def _local(self, column: "pl.Series") -> "pl.Series":
        """Local times as microseconds since 1970, UTC."""
        import polars as pl

        first, second = (
            pl.select(pl.lit(column).dt.replace_time_zone(self.zone, ambiguous=pass_, non_existent="null"))
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


def _latest(written: "pl.Series", before: int | None) -> int | None:
    known = written.drop_nulls()
    return int(known[-1]) if len(known) else before


def _parsed(column: "pl.Series") -> "pl.Series":
    """Times in words: in the format of the first that is one, then what is left in the next; null where one is in none."""
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
