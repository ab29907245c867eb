"""Times in numbers: Unix numbers, digits of a date, Excel's days, seconds from an unknown start."""

import re
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import Times

if TYPE_CHECKING:
    import polars as pl

UNIX_UNITS = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}
"""Units of Unix numbers, by how many of them make a second."""

FROM_S = 1e8
"""Unix numbers above so many seconds' worth of a unit (March 1973) are in that unit."""

LARGEST = 1e21
"""No time is as large in any unit, and no sum of smaller numbers overflows."""

THIS_AGE_S = 631_152_000.0, 4_102_444_800.0
"""1990 to 2100: readings of electricity meters are from this time."""

UnixKind = Literal["unix s", "unix ms", "unix us", "unix ns"]
NumberKind = UnixKind | Literal["compact", "excel days", "seconds"]
PER_SECOND: dict[UnixKind, int] = {
    "unix s": 1,
    "unix ms": 10**3,
    "unix us": 10**6,
    "unix ns": 10**9,
}
"""How many Unix numbers of a kind make a second."""

COMPACT_PATTERNS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Patterns of dates in digits alone, by the number of digits."""

EXCEL_DAYS = 32_874.0, 73_051.0
"""1990 to 2100 in days since 1899-12-30."""

EXCEL_EPOCH_DAYS, DAY_S = 25_569.0, 86_400.0
"""Excel's number of 1970-01-01."""

NANOSECONDS_FROM_S = 788_918_400.0
"""1995: smaller counts of nanoseconds are Windows' ticks since the year 1."""

NOW_S = 2_208_988_800.0
"""2040: larger numbers that are dates in digits too, with a year of two, are no Unix seconds."""

CENTURY = 20 * 10.0**10
"""What makes 202311050015 of 2311050015."""

FEW = 0.05
"""A clock that is set late leaves most numbers small: a larger share of this age is enough."""

MOST = 0.95
"""Damage may spoil the other numbers of a kind."""

SAME_STEP_DAYS = 1.5 / DAY_S
"""Steps of Excel's days are equal within this: exports round them."""

SHORTEST_STEP_S = 0.01
"""Numbers closer together are days of MATLAB or of astronomers, and no seconds."""

_TIME_WORDS = re.compile(
    r"time|date|stamp|epoch|unix|clock|zeit|datum|fecha|heure|hora\b|tijd|recorded|last_changed"
    r"|(?:^|[^a-z])(?:utc|when|ts|secs?|seconds?|elapsed|tid|day|interval_(?:start|end))(?:$|[^a-z])"
    r"|^[ts]$"
)
_READING_WORDS = re.compile(
    r"power|energy|watt|mains|aggregate|load|import|export|consum|usage|volt|current|value|state"
    r"|(?:^|[^a-z])(?:[kmµ]?wh?|[kmµ]?va?r?|amps?|use|gen)(?:$|[^a-z])"
)


def to_numbers(column: "pl.Series") -> "pl.Series":
    """Return numbers, or text of numbers, as f64[N]; null for other cells."""
    import polars as pl

    if column.dtype == pl.String:
        column = column.str.strip_chars()
    return column.cast(pl.Float64, strict=False)


def to_floats(column: "pl.Series") -> Times:
    """Return numbers as f64[N], NaN for a null."""
    import polars as pl

    numbers: Times = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return numbers


def holds_numbers(column: "pl.Series") -> bool:
    """Return whether a column holds numbers, or text of which most cells are numbers."""
    import polars as pl

    if column.dtype != pl.String:
        return bool(column.dtype.is_numeric())
    known = len(column) - column.null_count()
    numbers = len(column) - to_numbers(column).null_count()
    return 0 < known < 2 * numbers


def says_time(name: str) -> bool:
    """Return whether the name of a column says that it holds times."""
    return _TIME_WORDS.search(name.lower()) is not None


def find_usual_unit(numbers: Times) -> int | None:
    """Return the unit of most Unix numbers, as a key of `UNIX_UNITS`; None for no number."""
    known = numbers[np.abs(numbers) < LARGEST]
    if len(known) == 0:
        return None
    usual = abs(float(np.median(known)))
    return next(
        per_second
        for per_second in sorted(UNIX_UNITS, reverse=True)
        if per_second == 1 or usual > FROM_S * per_second
    )


def find_other_unit(numbers: Times, per_second: int) -> npt.NDArray[np.int64]:
    """Return the places of Unix numbers that are times of 1990 to 2100 in another unit."""
    other_unit = np.zeros(len(numbers), dtype=bool)
    for other in UNIX_UNITS:
        if other != per_second:
            other_unit |= _is_of_this_age(numbers, other)
    return np.flatnonzero(other_unit)


def find_number_kind(numbers: Times, name: str, is_time: bool) -> tuple[NumberKind, int] | None:
    """Return the kind of times of numbers f64[N], and the digits of a compact one; None for others.

    `is_time` says that the column is known to hold times, whatever its name.
    """
    known = numbers[np.abs(numbers) < LARGEST]
    is_time = is_time or says_time(name)
    if len(known) == 0 or (not is_time and _READING_WORDS.search(name.lower())):
        return None
    kind, per_second = max(
        PER_SECOND.items(), key=lambda item: _is_of_this_age(known, item[1]).sum()
    )
    if _are_short_dates(known):
        return None
    if _is_of_this_age(known, per_second).mean() > FEW:
        return kind, 0
    if (digits := _count_compact_digits(known)) is not None:
        return "compact", digits
    if _are_excel_days(known, is_time):
        return "excel days", 0
    return ("seconds", 0) if is_time and _are_seconds(known, name) else None


def convert_excel_days(days: Times) -> Times:
    """Return Excel's days as seconds since 1970, whole milliseconds."""
    return np.round((days - EXCEL_EPOCH_DAYS) * DAY_S, 3)


def _is_of_this_age(numbers: Times, per_second: int) -> npt.NDArray[np.bool_]:
    first_s = NANOSECONDS_FROM_S if per_second == 10**9 else THIS_AGE_S[0]
    return (numbers >= first_s * per_second) & (numbers < THIS_AGE_S[1] * per_second)


def _are_short_dates(known: Times) -> bool:
    """Return whether numbers are dates whose year has two digits, like 2311050015."""
    ten_digits = float(known.min()) > NOW_S and float(known.max()) < 10**10
    return ten_digits and _are_dates(known + CENTURY, 12)


def _count_compact_digits(known: Times) -> int | None:
    """Return how many digits most dates in digits have, where all of those are valid dates."""
    for digits in COMPACT_PATTERNS:
        scale = 10.0 ** (digits - 8)
        here = known[(known >= 19900101 * scale) & (known < 21000101 * scale)]
        if len(here) > FEW * len(known) and _are_dates(here, digits):
            return digits
    return None


def _are_dates(numbers: Times, digits: int) -> bool:
    if (numbers % 1).any():
        return False
    whole = numbers.astype(np.int64)
    days = whole // 10 ** (digits - 8)
    valid = (days // 100 % 100 >= 1) & (days // 100 % 100 <= 12)
    valid &= (days % 100 >= 1) & (days % 100 <= 31)
    if digits > 8:
        clock = whole // 10 ** (digits - 12) % 10_000
        valid &= (clock // 100 < 24) & (clock % 100 < 60)
    if digits == 14:
        valid &= whole % 100 < 60
    return bool(valid.mean() >= MOST)


def _are_excel_days(known: Times, is_time: bool) -> bool:
    """Return whether most numbers are of 1990 to 2100 in Excel's days.

    Steps must be shorter than a month. A column of another name must hold fractions of a day, in
    regular steps.
    """
    here = known[(known >= EXCEL_DAYS[0]) & (known < EXCEL_DAYS[1])]
    if len(here) < MOST * len(known):
        return False
    steps = np.diff(here)
    if is_time:
        return len(steps) == 0 or 0 < float(np.median(np.abs(steps))) <= 31
    if len(steps) == 0 or not (here % 1).any():
        return False
    usual = float(np.median(steps))
    return 0 < usual <= 1 and bool((np.abs(steps - usual) < SAME_STEP_DAYS).mean() >= MOST)


def _are_seconds(known: Times, name: str) -> bool:
    """Return whether most numbers ascend from near zero, and do not just count rows.

    Where the name says times, rows may be out of order, but hours of the day repeat.
    """
    with np.errstate(over="ignore"):
        usual, steps = float(np.median(known)), np.diff(known)
    if known[0] < 0 or usual > FROM_S:
        return False
    if len(steps) and 0 < float(np.median(np.abs(steps))) < SHORTEST_STEP_S:
        return False
    counts_rows = known[0] in (0, 1) and bool((steps == 1).all())
    ascend = not len(steps) or bool((steps >= 0).mean() >= MOST)
    if says_time(name):
        return ascend or 2 * len(np.unique(known)) > len(known)
    return ascend and not counts_rows
