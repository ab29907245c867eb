"""Data frames of pandas and Polars as recordings: columns found, values checked and rows placed as
those of a file are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from seq2point.configuration import ColumnsConfig
from seq2point.data.checks import Hints
from seq2point.data.table import (
    USUAL,
    Table,
    TableFile,
    check_table,
    find_columns,
    to_recording,
)
from seq2point.errors import DataError
from seq2point.recording import Frame, Recording

IN_PYTHON = Hints(
    repair="recording_from_frame with ColumnsConfig(repair=True)",
    unit="Columns(unit='kW') in recording_from_frame",
    time="Columns(time=NAME) in recording_from_frame",
    mains="Columns(mains=NAME) in recording_from_frame",
    period="recording_from_frame(frame, period_s=...)",
    resample="use recording_from_frame with its period_s",
)


def recording_from_frame(
    frame: Frame,
    appliances: Sequence[str] | None = None,
    period_s: float | None = None,
    columns: ColumnsConfig = USUAL,
    house: str = "frame",
) -> Recording:
    """A house's recording from a pandas or Polars data frame, as `load_recording` makes it from a
    file.

    A row is one reading: the time, the mains and the appliances in watts. The times are a pandas
    index of times, or a column of a usual name ('time', 'timestamp', ...) with date-times (UTC
    unless they say otherwise), their text or Unix seconds. The mains are the column 'mains',
    'aggregate', ... or the only one beside the times; appliances are found by their names, all
    known ones by default. `columns` names what is called otherwise, gives the unit, and repairs.
    Irregular times are put on a regular grid by the mean. `period_s` is the sampling period of a
    frame without times, and resamples one that has them. `house` names the frame in the recording
    and in errors.
    Raises DataError for what is no data frame, a missing column, a value that is not a number,
    negative, absurd or in kilowatts, times that go back or repeat, and neither times nor
    `period_s`; each says where.
    """
    return to_recording(_table(frame, appliances, columns, house), period_s)


def to_recordings(
    given: Any, appliances: Sequence[str] | None = None, period_s: float | None = None
) -> list[Recording]:
    """Recordings as they stand and data frames as recordings, from one of them or several.

    Of a frame only `appliances` are read; with `period_s`, a model's, its readings must be so far
    apart (or nearly).
    Raises DataError as `recording_from_frame` does, and for what is neither a recording nor a data
    frame.
    """
    alone = (
        isinstance(given, Recording | str | bytes | Mapping)
        or _library(given)
        or not isinstance(given, Iterable)
    )
    if alone:
        return [_as_recording(given, appliances, period_s, "frame")]
    return [
        _as_recording(one, appliances, period_s, f"frame {i}") for i, one in enumerate(given, 1)
    ]


def to_recording_like(
    given: Any, appliances: Sequence[str] | None = None, period_s: float | None = None
) -> Recording:
    """As `to_recordings`, of one recording or data frame."""
    return _as_recording(given, appliances, period_s, "frame")


def _as_recording(
    given: Any, appliances: Sequence[str] | None, period_s: float | None, name: str
) -> Recording:
    if isinstance(given, Recording):
        return given
    if not _library(given):
        advice = "; load_recording reads a file" if isinstance(given, str | Path) else ""
        kind = type(given).__name__
        raise DataError(
            f"a recording of type {kind}: give a Recording or a data frame (pandas, Polars){advice}"
        )
    table = _table(given, appliances, USUAL, name)
    if period_s is not None:
        table.require_period(period_s)
    return to_recording(table, period_s)


def _library(given: Any) -> str | None:
    """'pandas' or 'polars' where an object is a data frame of it, without importing either."""
    kinds = ((one.__module__.partition(".")[0], one.__name__) for one in type(given).__mro__)
    return next(
        (
            library
            for library, name in kinds
            if library in ("pandas", "polars") and name in ("DataFrame", "LazyFrame")
        ),
        None,
    )


def _table(
    frame: Any, appliances: Sequence[str] | None, columns: ColumnsConfig, house: str
) -> Table:
    """The table of a data frame's readings; raises DataError as `read_table` does."""
    library = _library(frame)
    if library is None:
        raise DataError(
            f"{house}: of type {type(frame).__name__}; give a data frame of pandas or Polars"
        )
    if library == "pandas":
        names, index_of_times, read = _open_pandas(frame, house)
        if index_of_times and columns.time is None:
            columns = columns.model_copy(update={"time": index_of_times})
    else:
        names, read = (
            frame.lazy().collect_schema().names(),
            lambda wanted: frame.lazy().select(wanted).collect(),
        )
    file = TableFile(Path(house), names, None, None, IN_PYTHON)
    named = find_columns(file, appliances, columns)
    rows = read(named.wanted)
    if rows.is_empty():
        raise DataError(f"{house}: holds no rows")
    return check_table(file, rows, named, columns, {"house": house})


def _open_pandas(
    frame: Any, house: str
) -> tuple[list[str], str | None, Callable[[Sequence[str]], pl.DataFrame]]:
    """The names of a frame's columns and of its index, that of an index of times, and a way to read
    some of them.
    """
    labels = [
        "_".join(map(str, label)) if isinstance(label, tuple) else str(label)
        for label in frame.columns
    ]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise DataError(f"{house}: two columns are called '{twice}'; name them apart")
    series = {label: frame.iloc[:, i] for i, label in enumerate(labels)}
    of_times = type(frame.index).__name__ == "DatetimeIndex"
    index_name = None
    if of_times or (frame.index.name is not None and frame.index.nlevels == 1):
        index_name = str("index" if frame.index.name is None else frame.index.name)
        series[index_name] = frame.index.to_series()
    return (
        list(series),
        index_name if of_times else None,
        lambda wanted: pl.DataFrame([_of_pandas(name, series[name]) for name in wanted]),
    )


def _of_pandas(name: str, series: Any) -> pl.Series:
    if getattr(series.dtype, "tz", None) is not None:  # Polars knows no zones such as +05:30
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    try:
        return pl.Series(name, series)
    except (
        pa.ArrowException,
        pl.exceptions.PolarsError,
        TypeError,
        ValueError,
    ):  # a column of several types
        texts = [
            None if missing else str(value)
            for value, missing in zip(series, series.isna(), strict=True)
        ]
        return pl.Series(name, texts, dtype=pl.String)
