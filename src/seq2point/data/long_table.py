"""Large tables: the times and the mains in pieces of rows, checked as `read_table` does.

A table is read twice: once to check it and to find its sampling period, then for its rows.
`read_table` reads what cannot be judged piece by piece: rows to repair, quoted cells, and times in
words whose format follows from the whole column.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from seq2point.configuration import ColumnsConfig
from seq2point.data import parquet_file
from seq2point.data.checks import Checks
from seq2point.data.columns import DEFAULT_COLUMNS, UNIT_W, find_mains_column, find_time_column
from seq2point.data.file_errors import refuse_damage
from seq2point.data.grid import JUMP_S, Times
from seq2point.data.table import parse_claimed_period_s, read_table, require_claimed_period
from seq2point.data.table_file import TableFile, open_table_file
from seq2point.data.text_table import read_lines
from seq2point.errors import DataError
from seq2point.recording import Watts

LARGE_ROWS = 1 << 22  # a year of readings every 7.5 s
SHORTEST_LINE_BYTES = 12  # a Unix time in seconds, a comma and a newline
ROWS_AT_A_TIME = 1 << 20
TEXT_BYTES = 1 << 24
MOST_STEPS = 1 << 20  # different steps between times that are counted in memory

TIME_OF_ONE_FORMAT = re.compile(r"\s*(-?\d+(\.\d*)?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*)\s*")


class UnsplittableTable(Exception):  # noqa: N818 (no error: the table is read whole instead)
    """A table cannot be checked piece by piece."""


class TableRows(NamedTuple):
    """Consecutive rows: the file's times, the same in seconds f64[N], and the mains f32[N] in
    watts.

    Both times are None for a file without times.
    """

    time: pl.Series | None
    times_s: Times | None
    mains_w: Watts

    def __len__(self) -> int:
        return len(self.mains_w)

    def slice(self, first: int, end: int) -> "TableRows":
        """Return rows [first, end)."""
        time = None if self.time is None else self.time[first:end]
        times_s = None if self.times_s is None else self.times_s[first:end]
        return TableRows(time, times_s, self.mains_w[first:end])

    def join(self, other: "TableRows") -> "TableRows":
        """Return these rows and then the other ones."""
        mains_w = np.concatenate((self.mains_w, other.mains_w))
        if self.time is None or other.time is None or self.times_s is None or other.times_s is None:
            return TableRows(None, None, mains_w)
        return TableRows(
            pl.concat([self.time, other.time]),
            np.concatenate((self.times_s, other.times_s)),
            mains_w,
        )


@dataclass(frozen=True)
class LongTable:
    """A table to read in pieces. `period_s` is that of its metadata, else that of its times."""

    file: TableFile
    columns: ColumnsConfig
    time_name: str | None
    mains_name: str
    rows: int
    house: str
    period_s: float | None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.rows

    @property
    def has_times(self) -> bool:
        """Whether the file has times."""
        return self.time_name is not None

    @property
    def path(self) -> Path:
        """The file."""
        return self.file.path

    def require_period(self, period_s: float, resample: bool = False) -> None:
        """Raise DataError as `Table.require_period` does."""
        read_table(self.path, (), self.columns).require_period(period_s, resample)

    def pieces(self) -> Iterator[TableRows]:
        """Return the rows in order, piece after piece. Raises DataError as `read_table` does."""
        return _read_checked(self.file, self.time_name, self.mains_name, self.columns)


def open_long_table(
    path: Path, columns: ColumnsConfig = DEFAULT_COLUMNS, large_rows: int = LARGE_ROWS
) -> LongTable | None:
    """Return a large table to read in pieces; None for one that must or may be read whole.

    Raises DataError as `read_table` does.
    """
    file = open_table_file(path)
    if columns.repair or _estimate_rows(file) < large_rows:
        return None
    time_name = find_time_column(file, columns)
    mains_name = find_mains_column(file, columns, time_name)
    metadata = parquet_file.read_metadata(path) if file.first_line is None else {}
    summary = _Summary()
    try:
        for rows in _read_checked(file, time_name, mains_name, columns):
            summary.add(rows)
    except UnsplittableTable:
        return None
    checks = Checks(path, file.first_line, repair=False)
    if not summary.rows:
        raise DataError(f"{path}: holds no rows")
    checks.require_mains(np.array([summary.highest_w], dtype=np.float32))
    checks.require_watts(summary.highest_w, summary.rows)
    claimed_s = parse_claimed_period_s(path, metadata.get("period_s"))
    shown_s = summary.find_median_step_s() if time_name else None
    require_claimed_period(path, claimed_s, shown_s)
    period_s = claimed_s or shown_s or None
    house = metadata.get("house", path.stem)
    return LongTable(file, columns, time_name, mains_name, summary.rows, house, period_s)


def _estimate_rows(file: TableFile) -> int:
    """Return the number of rows of a Parquet file, or the most that a CSV can have."""
    if file.first_line is not None:
        return file.path.stat().st_size // SHORTEST_LINE_BYTES
    with refuse_damage(file.path, "cannot be read"):
        return int(pq.read_metadata(file.path).num_rows)


@dataclass
class _Summary:
    """The summary of a first pass over the rows."""

    rows: int = 0
    highest_w: float = float("nan")
    steps: Counter[float] = field(default_factory=Counter)
    last_s: float | None = None

    def add(self, rows: TableRows) -> None:
        self.rows += len(rows)
        self.highest_w = float(np.fmax.reduce(rows.mains_w, initial=self.highest_w))
        if rows.times_s is None or not len(rows):
            return
        before = [] if self.last_s is None else [self.last_s]
        self.last_s = float(rows.times_s[-1])
        steps, counts = np.unique(np.diff(rows.times_s, prepend=before), return_counts=True)
        self.steps.update(dict(zip(steps.tolist(), counts.tolist(), strict=True)))
        if len(self.steps) > MOST_STEPS:
            raise UnsplittableTable

    def find_median_step_s(self) -> float:
        """Return what `grid.find_median_step_s` returns for all times."""
        within = {step: count for step, count in self.steps.items() if step <= JUMP_S} or self.steps
        if not within:
            return 0.0
        values = np.array(sorted(within))
        up_to = np.cumsum([within[value] for value in values.tolist()])
        middle = [(up_to[-1] - 1) // 2, up_to[-1] // 2]
        return round(float(values[np.searchsorted(up_to, middle, side="right")].mean()), 3)


def _read_checked(
    file: TableFile, time_name: str | None, mains_name: str, columns: ColumnsConfig
) -> Iterator[TableRows]:
    checks = Checks(file.path, file.first_line, repair=False)
    names = list(dict.fromkeys([*([time_name] if time_name else []), mains_name]))
    last_s = np.empty(0)
    for frame in _read_frames(file, names):
        time = times_s = None
        if time_name:
            time = frame[time_name]
            if time.dtype == pl.String and not TIME_OF_ONE_FORMAT.fullmatch(str(time[0])):
                raise UnsplittableTable
            times_s = checks.parse_times(time)
            _require_ascending(checks, last_s, times_s)
            last_s = times_s[-1:]
        yield TableRows(time, times_s, checks.parse_watts(frame[mains_name], UNIT_W[columns.unit]))
        checks.rows_before += len(frame)


def _require_ascending(checks: Checks, last_s: Times, times_s: Times) -> None:
    """Check the times of a piece, and that they follow the last time of the piece before."""
    checks.rows_before -= len(last_s)
    checks.find_order(np.concatenate((last_s, times_s)))
    checks.rows_before += len(last_s)


def _read_frames(file: TableFile, names: list[str]) -> Iterator[pl.DataFrame]:
    """Yield some columns of a file in pieces of rows. The cells of a CSV stay text."""
    frames = (
        _read_parquet_frames(file, names)
        if file.first_line is None
        else _read_csv_frames(file, file.first_line, names)
    )
    yield from filter(len, frames)


def _read_parquet_frames(file: TableFile, names: list[str]) -> Iterator[pl.DataFrame]:
    with refuse_damage(file.path, "cannot be read"), parquet_file.open_reader(file.path) as parquet:
        for batch in parquet.iter_batches(ROWS_AT_A_TIME, columns=names):
            frame = pl.from_arrow(pa.Table.from_batches([batch]).replace_schema_metadata(None))
            assert isinstance(frame, pl.DataFrame)
            yield frame.select(names)


def _read_csv_frames(file: TableFile, first_line: int, names: list[str]) -> Iterator[pl.DataFrame]:
    schema = dict.fromkeys(file.names, pl.String)
    for text in read_lines(file.path, first_line - 1, TEXT_BYTES):
        if b'"' in text:
            raise UnsplittableTable
        try:
            yield pl.read_csv(text, has_header=False, schema=schema).select(names)
        except pl.exceptions.PolarsError:  # read_table finds the line
            raise UnsplittableTable from None
