"""Times of a table: the column that holds them, by its name or by its contents."""

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import polars as pl

from seq2point.appliances import to_snake_case
from seq2point.configuration import ColumnsConfig
from seq2point.data.file_errors import LONGEST_CELL
from seq2point.data.grid import Times, drop_repeats
from seq2point.data.interpretation.clock_columns import MOST_ROWS_A_DAY, find_clock_column
from seq2point.data.interpretation.formats import Format
from seq2point.data.interpretation.interpretation import TimeReading
from seq2point.data.interpretation.sample import Sample
from seq2point.data.table_file import list_columns, require_column
from seq2point.data.times.time_format import TimeFormat, find_time_format
from seq2point.data.times.time_numbers import FROM_S
from seq2point.data.times.time_patterns import list_patterns
from seq2point.data.times.timestamps import Clock
from seq2point.data.times.zones import find_zone_in_name
from seq2point.errors import DataError

TIME_NAMES = (
    "time", "timestamp", "datetime", "date_time", "date_and_time", "ts", "utc", "unix",
    "unix_time", "unixtime", "epoch", "localminute", "local_15min", "local_time", "last_changed",
    "last_updated", "recorded_at", "read_at", "measured_at", "created_at", "when", "start",
    "start_time", "zeit", "zeitstempel", "uhrzeit", "datum", "fecha", "hora", "fecha_hora",
    "horodate", "tijd", "tijdstip", "data_ora", "data", "_time", "date", "day", "index", "",
    "index_level_0", "unnamed_0", "column_1",
)  # fmt: skip
"""Names of columns of times in snake case, the surest first."""

SURE_TIME_NAMES = set(TIME_NAMES[: TIME_NAMES.index("last_updated") + 1])
"""A column of such a name holds times, or the file is refused."""

UTC_IN_NAME = re.compile(r"(^|_)(utc|gmt)(_|$)|(?<=time)utc$")
QUARTER_S, LARGEST_OFFSET_S = 900.0, 15 * 3600.0  # the offsets of time zones
SAME_SHARE = 0.95  # damage may spoil the others
RISING_SHARE = 0.9  # Unix numbers rise, but for a clock that is set
ROW_NAMES = {"id", "row", "row_id", "nr", "no", "number", "count", "seq", "sequence", "record"}
"""Columns of such names count rows, whatever their numbers."""


def find_time_reading(sample: Sample, columns: ColumnsConfig, layout: Format) -> TimeReading | None:
    """Return how a table's times are read; None for a table without times.

    Raises DataError where the column that is named, or whose name says so, holds no times, and
    where the order of day and month is open.
    """
    if columns.dates is None and layout.dates:
        columns = columns.model_copy(update={"dates": layout.dates})
    if columns.time:
        return _read_chosen(sample, columns, columns.time)
    _require_whole_dates(sample)
    reading = _find_by_name(sample, columns, layout) or _find_by_contents(sample, columns)
    if reading is not None:
        return _prefer_zone(sample, columns, reading)
    for name, plain in sample.plain_names.items():
        if plain in SURE_TIME_NAMES:
            raise _refuse_times(sample, name)
    return None


def _require_whole_dates(sample: Sample) -> None:
    """Raise DataError for dates whose year, month and day are in columns of their own."""
    parts = [sample.find_plain(part) for part in ("year", "month", "day")]
    if all(parts):
        raise DataError(
            f"{sample.file.path}: the date is in several columns, {', '.join(map(str, parts))}:"
            " write it and the time of day into one, like 2024-03-31T07:15:00Z, and name that with"
            " `time`"
        )


def _find_by_name(sample: Sample, columns: ColumnsConfig, layout: Format) -> TimeReading | None:
    for name in (*layout.time, *TIME_NAMES):
        found = [sample.find_plain(part) for part in name.split(" ")]
        names = [column for column in found if column is not None]
        if len(names) < len(found):
            continue
        if reading := _try_columns(sample, columns, names):
            return reading
    return None


def _find_by_contents(sample: Sample, columns: ColumnsConfig) -> TimeReading | None:
    for name in sample.file.names:
        if _may_be_times(sample, name) and (reading := _try_columns(sample, columns, [name])):
            return reading
    return None


def _prefer_zone(sample: Sample, columns: ColumnsConfig, reading: TimeReading) -> TimeReading:
    """Return the reading of another column of the same times that says its zone, if there is one,
    in place of local times of an unknown zone.
    """
    if reading.zone or reading.format.says_zone or reading.format.nominal:
        return reading
    if UTC_IN_NAME.search(sample.plain_names[reading.columns[0]]):
        return reading
    own_s = find_times_s(sample, reading)
    for name in sample.file.names:
        says_utc = UTC_IN_NAME.search(sample.plain_names[name])
        if name in reading.columns or not (says_utc or _may_be_zoned(sample, name)):
            continue
        other = _try_columns(sample, columns, [name])
        other_s = find_times_s(sample, other)
        if other is None or own_s is None or other_s is None:
            continue
        if (other.format.says_zone or says_utc) and _are_same_times(own_s, other_s):
            return other
    return reading


def _may_be_zoned(sample: Sample, name: str) -> bool:
    column = sample.frame[name]
    if isinstance(column.dtype, pl.Datetime):
        return column.dtype.time_zone is not None
    numbers = sample.numbers(name)
    known = numbers[np.isfinite(numbers)]
    if len(known):
        return bool(known.min() > FROM_S)
    return column.dtype == pl.String and any(p.says_zone for p in list_patterns(column))


def _are_same_times(local_s: Times, utc_s: Times) -> bool:
    """Return whether local times differ from others by an offset of a zone: whole quarter hours."""
    offsets_s = (local_s - utc_s)[np.isfinite(local_s) & np.isfinite(utc_s)]
    quarters = offsets_s / QUARTER_S
    whole = np.abs(quarters - np.round(quarters)) * QUARTER_S <= 1
    return len(offsets_s) > 0 and bool(
        (whole & (np.abs(offsets_s) <= LARGEST_OFFSET_S)).mean() > SAME_SHARE
    )


def join_columns(frame: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """Return the column of times of some rows: one column, or date and time of day together."""
    if len(names) == 1:
        return frame[names[0]]
    texts = [frame[name].cast(pl.String) for name in names]
    return pl.select(pl.concat_str(*map(pl.lit, texts), separator=" ")).to_series().alias(names[0])


def find_times_s(sample: Sample, time: TimeReading | None) -> Times | None:
    """Return the times of a sample's rows as seconds since 1970, UTC, f64[N]; None for none."""
    if time is None:
        return None
    if time not in sample.times_s:
        column = join_columns(sample.frame, time.columns)
        sample.times_s[time] = Clock(time.zone, sample.describe_row, time.format).to_seconds(column)
    return sample.times_s[time]


def _read_chosen(sample: Sample, columns: ColumnsConfig, chosen: str) -> TimeReading:
    names = [chosen]
    if chosen not in sample.file.names and "+" in chosen:
        names = [part.strip() for part in chosen.split("+")]
    for name in names:
        require_column(sample.file, name)
    reading = _try_columns(sample, columns, names)
    if reading is None:
        raise _refuse_times(sample, names[0])
    return reading


def _try_columns(
    sample: Sample, columns: ColumnsConfig, names: Sequence[str]
) -> TimeReading | None:
    """Return the reading of some columns as times; None where they hold none.

    A date alone that stands on many rows is joined with a time of day, where the table has one.
    """
    clock = None if len(names) > 1 else find_clock_column(sample, names[0])
    if clock == names[0]:
        return None
    if clock is not None:
        names = [names[0], clock]
    times = join_columns(sample.frame, names)
    if len(times) == 0:
        return None
    try:
        format_ = find_time_format(
            times,
            sample.plain_names[names[0]],
            columns.dates,
            _read_whole(sample, names),
            columns.time is not None,
        )
    except DataError as error:
        raise DataError(f"{sample.file.path}: {error}") from None
    if format_ is None:
        return None
    _require_moments(sample, names, times, format_)
    return TimeReading(tuple(names), format_, columns.zone or find_zone_in_name(names[0]))


def _read_whole(sample: Sample, names: Sequence[str]) -> Callable[[], Iterable[pl.Series]]:
    def read() -> Iterable[pl.Series]:
        for piece in sample.file.read_pieces(list(names)):
            yield join_columns(piece.frame, names)

    return read


def _require_moments(
    sample: Sample, names: Sequence[str], times: pl.Series, format_: TimeFormat
) -> None:
    """Raise DataError where no row has a moment of its own: for dates alone that stand on many
    rows, and for Unix numbers of single precision.
    """
    if times.dtype == pl.Float32 and not format_.nominal:
        raise DataError(
            f"{sample.file.path}: column '{names[0]}' holds numbers of single precision, too coarse"
            " for times; write it as whole numbers or in double precision"
        )
    times_s = Clock(None, sample.describe_row, format_).to_seconds(times)
    known = times_s[np.isfinite(times_s)]
    days = drop_repeats(np.sort(known))
    if len(known) > 2 and len(days) * MOST_ROWS_A_DAY < len(known) and not (days % 86400).any():
        raise DataError(
            f"{sample.file.path}: column '{names[0]}' has one date for many rows and no time of"
            " day; name both columns with `time`, as Date+Time"
        )


def _may_be_times(sample: Sample, name: str) -> bool:
    """Return whether a column of an unknown name may hold times: dates in words, or Unix numbers
    that rise.
    """
    if sample.plain_names[name] in TIME_NAMES or sample.plain_names[name] in ROW_NAMES:
        return False
    column = sample.frame[name]
    if isinstance(column.dtype, pl.Datetime):
        return True
    numbers = sample.numbers(name)
    known = numbers[np.isfinite(numbers)]
    if len(known):
        return len(known) > 1 and bool(
            known.min() > FROM_S and (np.diff(known) > 0).mean() > RISING_SHARE
        )
    return column.dtype == pl.String and column.null_count() < len(column)


def _refuse_times(sample: Sample, name: str) -> DataError:
    first = sample.frame[name].drop_nulls()
    example = f"'{str(first[0])[:LONGEST_CELL]}'" if len(first) else "nothing"
    return DataError(
        f"{sample.file.path}: column '{name}' holds {example}, which is no time that can be read;"
        " write times like 2024-03-31T07:15:00Z or as Unix seconds, or name another column with"
        f" `time` (columns: {list_columns(sample.file.names)})"
    )


def is_time_name(name: str) -> bool:
    """Return whether a column's name is one of those of times."""
    return to_snake_case(name) in TIME_NAMES
