"""Data frames of pandas and Polars as recordings, read and checked as a file is."""

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.data.interpretation.interpret import interpret
from seq2point.data.table import Table, build_table, to_recording
from seq2point.data.table_piece import TablePiece
from seq2point.data.times.far_dates import drop_far_dates
from seq2point.errors import DataError
from seq2point.recording import Frame, Recording


def recording_from_frame(
    frame: Frame,
    appliances: Sequence[str] | None = None,
    period_s: float | None = None,
    columns: ColumnsConfig = DEFAULT_COLUMNS,
    house: str = "frame",
) -> Recording:
    """Return a house's recording from a data frame of pandas or Polars.

    A row is one reading: the time, the mains and the appliances in watts. The times are a pandas
    index of times, or a column of a usual name ('time', 'timestamp', ...). It holds date-times
    (UTC unless they name a zone), their text or Unix seconds. The mains are the column 'mains',
    'aggregate', ..., or the only one beside the times. Appliances are found by their names; None
    means all known ones. `columns` names other columns, sets the unit, and repairs.
    Irregular times are placed on a regular grid by the mean. `period_s` is the sampling period of a
    frame without times, and resamples one that has them. `house` names the frame in the recording
    and in errors.
    Readings below zero and marks of missing ones become gaps, of which a warning tells.
    Raises DataError for another type, a missing column, a value that is not a number, absurd or in
    kilowatts, a counter of energy without its unit, times that go back or repeat, and neither times
    nor `period_s`. The message says where.
    """
    return to_recording(read_frame(frame, appliances, columns, house), period_s)


def to_recordings(
    source: Any, appliances: Sequence[str] | None = None, period_s: float | None = None
) -> list[Recording]:
    """Return the recordings of one source or of several: recordings and data frames.

    A recording is returned unchanged. Of a frame only `appliances` are read, and with `period_s`,
    that of a model, its readings must have nearly that period.
    Raises DataError as `recording_from_frame` does, and for another type.
    """
    alone = (
        isinstance(source, Recording | str | bytes | Mapping)
        or find_library(source)
        or not isinstance(source, Iterable)
    )
    if alone:
        return [_to_recording(source, appliances, period_s, "frame")]
    return [
        _to_recording(item, appliances, period_s, f"frame {i}") for i, item in enumerate(source, 1)
    ]


def to_one_recording(
    source: Any, appliances: Sequence[str] | None = None, period_s: float | None = None
) -> Recording:
    """Return the recording of one recording or data frame, as `to_recordings` does."""
    return _to_recording(source, appliances, period_s, "frame")


def _to_recording(
    source: Any, appliances: Sequence[str] | None, period_s: float | None, name: str
) -> Recording:
    if isinstance(source, Recording):
        return source
    if not find_library(source):
        advice = "; load_recording reads a file" if isinstance(source, str | Path) else ""
        kind = type(source).__name__
        raise DataError(
            f"a recording of type {kind}: give a Recording or a data frame (pandas, Polars){advice}"
        )
    table = read_frame(source, appliances, DEFAULT_COLUMNS, name)
    if period_s is not None:
        table.require_period(period_s)
    elif table.period_s is None:
        raise DataError(
            f"{name}: has no times; give its sampling period with `period_s` of"
            " recording_from_frame"
        )
    return to_recording(table, period_s)


def find_library(value: Any) -> str | None:
    """Return 'pandas' or 'polars' for a data frame of it, without importing either."""
    for kind in type(value).__mro__:
        library = kind.__module__.partition(".")[0]
        if library in ("pandas", "polars") and kind.__name__ in ("DataFrame", "LazyFrame"):
            return library
    return None


class FrameTable:
    """A data frame of pandas or Polars as a table. A pandas index that holds times is a column."""

    row_word = "row"
    units: Mapping[str, str] = {}
    dialect_json: Mapping[str, Any] = {}

    def __init__(self, frame: Any, house: str):
        library = find_library(frame)
        if library is None:
            raise DataError(
                f"{house}: of type {type(frame).__name__}; give a data frame of pandas or Polars"
            )
        self.path = Path(house)
        self.metadata = {"house": house}
        self.time_index: str | None = None
        self.names: Sequence[str]
        if library == "pandas":
            self.names, self.time_index, self._read = _open_pandas(frame, house)
        else:
            lazy = frame.lazy()
            self.names = lazy.collect_schema().names()
            self._read = lambda names: _to_plain_polars(lazy.select(names).collect())

    def read_pieces(
        self, names: Sequence[str], doubles: Collection[str] = (), repair: bool = False
    ) -> Iterator[TablePiece]:
        """Yield all rows of some columns."""
        frame = self._read(names)
        yield TablePiece(frame, np.arange(len(frame)) + 1)

    def read_sample(self, rows: int, repair: bool = False) -> TablePiece:
        """Return all rows of all columns."""
        frame = self._read(self.names)
        return TablePiece(frame, np.arange(len(frame)) + 1)


def read_frame(
    frame: Any, appliances: Sequence[str] | None, columns: ColumnsConfig, house: str
) -> Table:
    """Return the table of a data frame's readings; raises DataError as `read_table` does."""
    file = FrameTable(frame, house)
    if file.time_index and columns.time is None:
        columns = columns.model_copy(update={"time": file.time_index})
    table = build_table(file, interpret(file, appliances, columns), columns)
    for note in table.notes:
        warnings.warn(f"{house}: {note}", stacklevel=4)
    return table


def _open_pandas(
    frame: Any, house: str
) -> tuple[list[str], str | None, Callable[[Sequence[str]], pl.DataFrame]]:
    """Return the names of a frame's columns and index, the index of times, and a reader of columns.

    The second is the name of the index where its type is one of times, else None.
    """
    labels = [
        "_".join(str(level) for level in label if str(level))
        if isinstance(label, tuple)
        else str(label)
        for label in frame.columns
    ]
    if repeated := next((label for label in labels if labels.count(label) > 1), None):
        raise DataError(f"{house}: two columns are called '{repeated}': rename one of them")
    series = {label: frame.iloc[:, i] for i, label in enumerate(labels)}
    index = frame.index
    kind = type(index).__name__
    if kind == "PeriodIndex":
        index = index.to_timestamp()
    holds_times = kind in ("DatetimeIndex", "PeriodIndex") or str(index.dtype).startswith(
        ("timestamp", "date32", "date64")
    )
    index_name = None
    counted = kind == "RangeIndex" and index.name is None
    if index.nlevels == 1 and not counted:
        index_name = str("index" if frame.index.name is None else frame.index.name)
        if index_name in series:
            index_name = f"{index_name}_of_rows"
        series[index_name] = index.to_series()

    def read(names: Sequence[str]) -> pl.DataFrame:
        return pl.DataFrame([_to_polars(name, series[name]) for name in names])

    return list(series), index_name if holds_times else None, read


def _to_polars(name: str, series: Any) -> pl.Series:
    if getattr(series.dtype, "tz", None) is not None:  # Polars knows no zones such as +05:30
        series = series.dt.tz_convert("UTC")
    try:
        return _to_plain_polars(pl.DataFrame([pl.Series(name, series)]))[name]
    except (pa.ArrowException, pl.exceptions.PolarsError, TypeError, ValueError):
        # a column of several types
        texts = [
            None if missing else str(value)
            for value, missing in zip(series, series.isna(), strict=True)
        ]
        return pl.Series(name, texts, dtype=pl.String)


def _to_plain_polars(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose columns are plain types: text for categories, floats for decimals.

    Dates that cannot be are null.
    """
    plain = []
    for column in frame:
        if column.dtype == pl.Categorical or isinstance(column.dtype, pl.Enum):
            column = column.cast(pl.String)
        elif column.dtype == pl.Object:
            texts = [None if value is None else str(value) for value in column.to_list()]
            column = pl.Series(column.name, texts, dtype=pl.String)
        elif column.dtype.is_decimal():
            column = column.cast(pl.Float64)
        plain.append(drop_far_dates(column))
    return pl.DataFrame(plain)
