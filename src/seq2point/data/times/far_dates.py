"""Dates beyond the years that Python and Polars show: of damaged files and of clocks gone wrong."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

YEAR_1_S, YEAR_9999_S = -62_135_596_800.0, 253_402_300_799.0


def drop_far_dates(column: "pl.Series") -> "pl.Series":
    """Return a column whose dates and date-times beyond the years 1 to 9999 are null.

    Polars panics on converting and on showing them. Columns of other types are returned unchanged.
    """
    import polars as pl

    dtype = column.dtype
    if isinstance(dtype, pl.Datetime):
        per_second = {"ms": 1e3, "us": 1e6, "ns": 1e9}[dtype.time_unit]
    elif dtype == pl.Date:
        per_second = 1 / 86_400
    else:
        return column
    numbers = column.to_physical()
    first, last = YEAR_1_S * per_second, YEAR_9999_S * per_second
    lowest, highest = numbers.min(), numbers.max()
    if lowest is None or (lowest >= first and highest <= last):  # type: ignore[operator]
        return column
    return numbers.set(~numbers.is_between(first, last), None).cast(dtype)
