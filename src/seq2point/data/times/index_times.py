"""Times in an index of pandas, whatever its type: date-times, periods, text, objects, numbers."""

from typing import Any

import numpy as np
import polars as pl

from seq2point.data.file_errors import LONGEST_CELL
from seq2point.data.grid import Times
from seq2point.data.times.time_format import find_time_format
from seq2point.data.times.timestamps import Clock, limit_years
from seq2point.errors import DataError


def read_index_s(index: Any, name: str) -> Times | None:
    """Return the times of an index as seconds since 1970, UTC, f64[N]; None where it has none.

    Date-times without a zone are UTC, and a period is the time at its start. Texts and numbers are
    read as in a file; an index that counts rows has no times. `name` is what has the index, for
    messages: 'the series'.
    Raises DataError for a time that is missing or unreadable, for text that is no time, and for
    dates whose order of day and month is open.
    """
    import pandas as pd

    if index.nlevels > 1:
        return _read_levels_s(index, name)
    if isinstance(index, pd.RangeIndex) or not len(index):
        return None
    if isinstance(index.dtype, pd.CategoricalDtype | pd.ArrowDtype):
        index = pd.Index(index.to_numpy(object))
    if isinstance(index, pd.PeriodIndex):
        index = _require_known(index, name).to_timestamp()
    if isinstance(index, pd.TimedeltaIndex):
        since_start = _require_known(index, name).to_numpy("timedelta64[us]")
        seconds: Times = since_start.astype(np.int64) / 1e6
        return seconds
    if isinstance(index, pd.DatetimeIndex):
        return _read_datetimes_s(index, name)
    if pd.api.types.is_bool_dtype(index.dtype):
        return None
    if pd.api.types.is_numeric_dtype(index.dtype):
        numbers = index.to_numpy(np.float64, na_value=np.nan)
        return _read_column_s(pl.Series(numbers), index.name, name)
    return _read_labels_s(index, name)


def _read_levels_s(index: Any, name: str) -> Times:
    """Return the times of the only level of an index that has any."""
    levels = []
    for level in range(index.nlevels):
        try:
            times_s = read_index_s(index.get_level_values(level), name)
        except DataError:
            times_s = None  # names of houses or meters, for example
        levels += [] if times_s is None else [times_s]
    if len(levels) != 1:
        raise DataError(
            f"the index of {name} has {index.nlevels} levels, and times in {len(levels)} of them;"
            " leave one level of times (droplevel)"
        )
    return levels[0]


def _require_known(index: Any, name: str) -> Any:
    if index.hasnans:
        raise DataError(f"the index of {name} lacks a time (NaT): drop that row")
    return index


def _read_datetimes_s(index: Any, name: str) -> Times:
    _require_known(index, name)
    plain = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
    times_s = limit_years(plain.to_numpy("datetime64[us]").astype(np.int64) / 1e6)
    if np.isnan(times_s).any():
        raise DataError(f"the index of {name} has a time outside the years 1 to 9999")
    return times_s


def _read_labels_s(index: Any, name: str) -> Times | None:
    """Return the times of labels: texts, or objects of Python, NumPy and pandas."""
    import pandas as pd

    labels = list(index)
    if index.hasnans:
        raise DataError(f"the index of {name} lacks a time: drop that row")
    if all(isinstance(label, pd.Period) for label in labels):
        return read_index_s(pd.PeriodIndex(labels), name)
    try:
        numbers = pl.Series([float(label) for label in labels])
    except (TypeError, ValueError):
        numbers = None
    if numbers is not None:
        return _read_column_s(numbers, index.name, name)
    if all(isinstance(label, str) for label in labels):
        times_s = _read_column_s(pl.Series(labels), index.name, name)
        if times_s is None:
            raise _make_error(labels[0], name)
        return times_s
    try:
        times = pd.DatetimeIndex(pd.to_datetime(labels, utc=True))
    except (TypeError, ValueError, OverflowError):
        raise _make_error(labels[0], name) from None
    return _read_datetimes_s(times, name)


def _read_column_s(labels: pl.Series, title: object, name: str) -> Times | None:
    """Return the times of labels that are texts or numbers; None where they hold none.

    `title` is the name of the index.
    """
    try:
        form = find_time_format(labels, "index" if title is None else str(title))
    except DataError as error:
        raise DataError(f"the index of {name}: {error}; or give an index of date-times") from None
    if form is None:
        return None
    clock = Clock(describe_row=lambda row: f"{name}, row {row + 1} of the index", format=form)
    times_s = clock.to_seconds(labels)
    unreadable = np.flatnonzero(np.isnan(times_s))
    if len(unreadable):
        raise _make_error(labels[int(unreadable[0])], name)
    return times_s


def _make_error(label: object, name: str) -> DataError:
    return DataError(
        f"the index of {name} holds '{str(label)[:LONGEST_CELL]}', which is no time; give an index"
        " of times, or none (reset_index)"
    )
