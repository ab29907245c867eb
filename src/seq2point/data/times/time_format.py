"""What the times of a column are, decided by the whole column."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from seq2point.choices import DateOrder
from seq2point.data.times.date_order import find_date_order
from seq2point.data.times.far_dates import YEAR_1_S, YEAR_9999_S, drop_far_dates
from seq2point.data.times.time_numbers import (
    COMPACT_PATTERNS,
    PER_SECOND,
    THIS_AGE_S,
    UNIX_UNITS,
    NumberKind,
    convert_excel_days,
    find_number_kind,
    holds_numbers,
    says_time,
    to_floats,
    to_numbers,
)
from seq2point.data.times.time_patterns import TimePattern, list_patterns, parse_texts
from seq2point.errors import DataError

if TYPE_CHECKING:
    import polars as pl

TimeKind = Literal["date-time"] | DateOrder | NumberKind

RESET_S = 946_684_800.0, 947_289_600.0
"""The first week of 2000: a clock that lost power counts from there, or from 1970."""

YEAR_S = 366 * 86_400.0
FEWEST_SAME = 3
"""So many equal times say that the clock stood."""


@dataclass(frozen=True)
class TimeFormat:
    """The form of a column of times.

    `patterns` are those of times in words or digits, tried in order. `says_zone` tells whether they
    say their zone; Unix numbers are UTC. `nominal` times are seconds from an unknown start. Times
    outside `earliest_s` to `latest_s`, in seconds since 1970, are of a clock that was not set.
    """

    kind: TimeKind
    patterns: tuple[str, ...] = ()
    says_zone: bool = False
    nominal: bool = False
    earliest_s: float = YEAR_1_S
    latest_s: float = YEAR_9999_S

    @property
    def says_hour(self) -> bool:
        """Whether the times say hours, and not only days."""
        return not self.patterns or any(mark in self.patterns[0] for mark in ("%H", "%I"))

    @property
    def per_second(self) -> int | None:
        """How many Unix numbers, or nominal seconds, make a second; None for other times."""
        return (
            1
            if self.nominal
            else next((n for kind, n in PER_SECOND.items() if kind == self.kind), None)
        )

    def describe(self) -> str:
        """Return the form in a few words: 'day first, 24 h', 'Unix seconds'."""
        if self.nominal:
            return "seconds from an unknown start"
        if self.per_second:
            return f"Unix {UNIX_UNITS[self.per_second]}"
        if self.kind == "excel days":
            return "Excel days"
        words = {"date-time": "date-times", "compact": "dates in digits"}
        parts = [words.get(self.kind, self.kind.replace("-", " "))]
        if not self.says_hour:
            parts.append("without hours")
        elif self.patterns:
            parts.append("AM/PM" if "%p" in self.patterns[0] else "24 h")
        return ", ".join([*parts, *(["with zone"] if self.says_zone else [])])

    def parse(self, column: "pl.Series") -> "pl.Series":
        """Return a column of text or numbers as Unix numbers, f64[N], or as date-times.

        Date-times are UTC where they say their zone; else they are as they stand. What is no time
        of this form is null or NaN.
        """
        import polars as pl

        if self.kind == "compact" and column.dtype != pl.String:
            column = to_numbers(column).fill_nan(None).cast(pl.Int64, strict=False).cast(pl.String)
        if not self.patterns:
            numbers = to_numbers(column)
            if self.kind != "excel days":
                return numbers
            microseconds = pl.Series(convert_excel_days(to_floats(numbers)) * 1e6)
            return microseconds.fill_nan(None).cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
        if column.dtype != pl.String:
            return pl.Series(column.name, [None] * len(column), dtype=pl.Datetime("us"))
        zone = "UTC" if self.says_zone else None
        return parse_texts(column, self.patterns).cast(pl.Datetime("us", zone))


def to_plain(column: "pl.Series") -> "pl.Series":
    """Return a column of categories as text and one of dates as date-times; others as they are."""
    import polars as pl

    if isinstance(column.dtype, (pl.Categorical, pl.Enum)):
        return column.cast(pl.String)
    column = drop_far_dates(column)
    return column.cast(pl.Datetime("us")) if column.dtype == pl.Date else column


def find_text_format(
    sample: "pl.Series",
    name: str,
    dates: DateOrder | None = None,
    whole: Callable[[], Iterable["pl.Series"]] | None = None,
) -> TimeFormat | None:
    """Return the form of times in words; None where the cells hold none.

    Raises DataError as `find_time_format` does.
    """
    patterns = list_patterns(sample)
    if not patterns:
        return None
    first = patterns[0]
    order = dates
    if any(len(pattern.date_by_order) > 1 for pattern in patterns):
        try:
            order = find_date_order(sample, name, dates, whole)
        except DataError:
            if len(first.date_by_order) > 1:
                raise
            order = None
    patterns = [p for p in patterns if p.says_zone == first.says_zone]
    by_pattern = [(p, date) for p in patterns if (date := _pick_date(p, order)) is not None]
    texts = [
        *(date + p.clock for p, date in by_pattern),
        *(date + clock for p, date in by_pattern for clock in p.more),
    ]
    if texts[0].endswith("%#z") and sample.drop_nulls().str.ends_with("+00:00").all():
        texts.insert(0, texts[0].removesuffix("%#z") + "+00:00")  # is read fast
    orders = list(first.date_by_order)
    kind: TimeKind = order if order in orders else orders[0]
    if first.kind is not None:
        kind = first.kind
    return TimeFormat(kind, tuple(dict.fromkeys(texts)), first.says_zone)


def _pick_date(pattern: TimePattern, order: DateOrder | None) -> str | None:
    """Return the date of a pattern in an order; None where it is open and has not that order."""
    dates = pattern.date_by_order
    if len(dates) == 1:
        return next(iter(dates.values()))
    return dates.get(order) if order else None


def find_time_format(
    column: "pl.Series",
    name: str,
    dates: DateOrder | None = None,
    whole: Callable[[], Iterable["pl.Series"]] | None = None,
    is_time: bool = False,
) -> TimeFormat | None:
    """Return the form of the times of a column; None where it holds no times.

    `column` is a sample in order, of any type. `whole` yields the whole column in pieces; it is
    read only where the sample leaves the order of day and month open. `dates` says that order.
    `is_time` says that the column holds times, whatever its name: numbers may be seconds then.
    Raises DataError, without the path, where the order of day and month is open, where the dates
    contradict it, and where all times are the same.
    """
    import polars as pl

    is_days = column.dtype == pl.Date
    column = to_plain(column)
    form: TimeFormat | None
    if isinstance(column.dtype, pl.Datetime):
        patterns = ("%Y-%m-%d",) if is_days else ()
        form = TimeFormat("date-time", patterns, column.dtype.time_zone is not None)
    elif holds_numbers(column):
        form = _find_number_format(column, name, is_time)
    elif column.dtype == pl.String:
        text = None if whole is None else lambda: map(_to_text, whole())
        form = find_text_format(column, name, dates, text)
    else:
        form = None
    if form is None or column.null_count() == len(column):
        return None
    return _limit_ages(form, column, name, is_time)


def _to_text(cells: "pl.Series") -> "pl.Series":
    import polars as pl

    return cells.cast(pl.String)


def _find_number_format(column: "pl.Series", name: str, is_time: bool) -> TimeFormat | None:
    found = find_number_kind(to_floats(to_numbers(column)), name, is_time)
    if found is None:
        return None
    kind, digits = found
    patterns = (COMPACT_PATTERNS[digits],) if digits else ()
    return TimeFormat(kind, patterns, kind in PER_SECOND, kind == "seconds")


def _limit_ages(
    form: TimeFormat, column: "pl.Series", name: str, is_time: bool
) -> TimeFormat | None:
    """Return a form with the ages that its times may have; None where no cell is a time.

    Raises DataError where all times are the same.
    """
    import polars as pl

    parsed = column if form.kind == "date-time" else form.parse(column)
    if isinstance(parsed.dtype, pl.Datetime):
        times_s = to_floats(parsed.cast(pl.Datetime("us", parsed.dtype.time_zone)).to_physical())
        times_s = times_s / 1e6
    else:
        times_s = to_floats(parsed) / (form.per_second or 1)
    known = times_s[np.isfinite(times_s)]
    if len(known) == 0:
        return None
    if len(known) >= FEWEST_SAME and form.says_hour and known.min() == known.max():
        if column.dtype.is_numeric() and not (is_time or says_time(name)):
            return None
        cell = column.drop_nulls()[0]
        raise DataError(
            f"all times of column '{name}' are the same, {cell}: the clock of the meter was not"
            " set; name another column of times with `time`"
        )
    this_age = known[(known >= THIS_AGE_S[0]) & (known < THIS_AGE_S[1])]
    if form.nominal or len(this_age) == 0:
        return form
    later = this_age[(this_age < RESET_S[0]) | (this_age >= RESET_S[1])]
    is_late = len(later) > 0 and later.min() > RESET_S[1] + YEAR_S
    return replace(
        form, earliest_s=RESET_S[1] if is_late else THIS_AGE_S[0], latest_s=THIS_AGE_S[1]
    )
