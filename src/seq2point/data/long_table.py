"""A large table in pieces of rows: its columns of times and mains, checked as `read_table` does, a
few rows in memory at a time.

It is read twice: once to check all of it and to find its sampling period, then for its rows. What
cannot be judged piece by piece (rows to be repaired, quoted cells, times in words whose format only
the whole column tells) is left to `read_table`.
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
from seq2point.data.file_errors import refuse_damage
from seq2point.data.grid import JUMP_S, Times
from seq2point.data.table import (
    TIME_NAMES,
    USUAL,
    WATTS,
    TableFile,
    find_mains_column,
    open_file,
    parse_claimed_period_s,
    read_table,
    require_claim,
)
from seq2point.data.text_table import read_lines
from seq2point.errors import DataError
from seq2point.recording import Watts

LARGE_ROWS = 1 << 22
SHORTEST_LINE_BYTES = 12
ROWS_AT_A_TIME = 1 << 20
TEXT_BYTES = 1 << 24
MOST_STEPS = 1 << 20
TIME_OF_ONE_FORMAT = re.compile(r"\s*(-?\d+(\.\d*)?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*)\s*")


class WholeTableNeeded(Exception):  # noqa: N818 (no error: the table is read whole instead)
    """What a table holds can only be judged when all of it is seen."""


class TableRows(NamedTuple):
    """Consecutive rows: the file's own column of times and the same in seconds f64[N], where it has
    any, and the mains f32[N].
    """

    time: pl.Series | None
    times_s: Times | None
    mains_w: Watts

    def __len__(self) -> int:
        return len(self.mains_w)

    def slice(self, first: int, end: int) -> "TableRows":
        """Rows [first, end)."""
        time = None if self.time is None else self.time[first:end]
        return TableRows(
            time, None if self.times_s is None else self.times_s[first:end], self.mains_w[first:end]
        )

    def join(self, other: "TableRows") -> "TableRows":
        """These rows and those after them."""
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
    """A table that is fit to be read in pieces: how many rows it has, and the period that it claims
    or shows.
    """

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
        """Whether its file has times."""
        return self.time_name is not None

    @property
    def path(self) -> Path:
        """The file."""
        return self.file.path

    def require_period(self, period_s: float, resample: bool = False) -> None:
        """Refuse a table that a model of this sampling period cannot read, see
        `Table.require_period`.
        """
        read_table(self.path, (), self.columns).require_period(period_s, resample)

    def pieces(self) -> Iterator[TableRows]:
        """The rows, in order. Raises DataError as `read_table` does."""
        return _checked_pieces(self.file, self.time_name, self.mains_name, self.columns)


def open_long_table(
    path: Path, columns: ColumnsConfig = USUAL, large_rows: int = LARGE_ROWS
) -> LongTable | None:
    """A large table whose rows can be read in pieces; None for one that is small, or has to be read
    whole.

    Raises DataError as `read_table` does.
    """
    file = open_file(path)
    if columns.repair or _most_rows(file) < large_rows:
        return None
    time_name = file.require(columns.time) if columns.time else file.first_of(TIME_NAMES)
    mains_name = find_mains_column(file, columns, time_name)
    facts = parquet_file.read_metadata(path) if file.first_line is None else {}
    summary = _Summary()
    try:
        for rows in _checked_pieces(file, time_name, mains_name, columns):
            summary.add(rows)
    except WholeTableNeeded:
        return None
    checks = Checks(path, file.first_line, repair=False)
    if not summary.rows:
        raise DataError(f"{path}: holds no rows")
    checks.mains_known(np.array([summary.highest_w], dtype=np.float32))
    checks.mains_highest(summary.highest_w, summary.rows)
    claimed_s, shown_s = (
        parse_claimed_period_s(path, facts.get("period_s")),
        (summary.median_step_s() if time_name else None),
    )
    require_claim(path, claimed_s, shown_s)
    period_s = claimed_s or shown_s or None
    return LongTable(
        file, columns, time_name, mains_name, summary.rows, facts.get("house", path.stem), period_s
    )


def _most_rows(file: TableFile) -> int:
    """How many rows a file claims or, a CSV, may have."""
    if file.first_line is not None:
        return file.path.stat().st_size // SHORTEST_LINE_BYTES
    with refuse_damage(file.path, "cannot be read"):
        return int(pq.read_metadata(file.path).num_rows)


@dataclass
class _Summary:
    """What a first pass over the rows finds."""

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
            raise WholeTableNeeded

    def median_step_s(self) -> float:
        """What `grid.find_median_step_s` gives for all times."""
        within = {step: count for step, count in self.steps.items() if step <= JUMP_S} or self.steps
        if not within:
            return 0.0
        values = np.array(sorted(within))
        up_to = np.cumsum([within[value] for value in values.tolist()])
        middle = [(up_to[-1] - 1) // 2, up_to[-1] // 2]
        return round(float(values[np.searchsorted(up_to, middle, side="right")].mean()), 3)


def _checked_pieces(
    file: TableFile, time_name: str | None, mains_name: str, columns: ColumnsConfig
) -> Iterator[TableRows]:
    checks = Checks(file.path, file.first_line, repair=False)
    names = list(dict.fromkeys([*([time_name] if time_name else []), mains_name]))
    last_s = np.empty(0)
    for frame in _frames(file, names):
        time = times_s = None
        if time_name:
            time = frame[time_name]
            if time.dtype == pl.String and not TIME_OF_ONE_FORMAT.fullmatch(str(time[0])):
                raise WholeTableNeeded
            times_s = checks.times_s(time)
            _require_ascending(checks, last_s, times_s)
            last_s = times_s[-1:]
        yield TableRows(time, times_s, checks.watts(frame[mains_name], WATTS[columns.unit]))
        checks.rows_before += len(frame)


def _require_ascending(checks: Checks, last_s: Times, times_s: Times) -> None:
    """The times of a piece, after the last of the piece before."""
    checks.rows_before -= len(last_s)
    checks.ascending(np.concatenate((last_s, times_s)))
    checks.rows_before += len(last_s)


def _frames(file: TableFile, names: list[str]) -> Iterator[pl.DataFrame]:
    """Some columns of a file's rows in pieces; the cells of a CSV stay text."""
    for frame in (
        _parquet_frames(file, names)
        if file.first_line is None
        else _csv_frames(file, file.first_line, names)
    ):
        if len(frame):
            yield frame


def _parquet_frames(file: TableFile, names: list[str]) -> Iterator[pl.DataFrame]:
    with refuse_damage(file.path, "cannot be read"), parquet_file.open_reader(file.path) as parquet:
        for batch in parquet.iter_batches(ROWS_AT_A_TIME, columns=names):
            frame = pl.from_arrow(pa.Table.from_batches([batch]).replace_schema_metadata(None))
            assert isinstance(frame, pl.DataFrame)
            yield frame.select(names)


def _csv_frames(file: TableFile, first_line: int, names: list[str]) -> Iterator[pl.DataFrame]:
    schema = dict.fromkeys(file.names, pl.String)
    for text in read_lines(file.path, first_line - 1, TEXT_BYTES):
        if b'"' in text:
            raise WholeTableNeeded
        try:
            yield pl.read_csv(text, has_header=False, schema=schema).select(names)
        except pl.exceptions.PolarsError:  # read_table finds the line
            raise WholeTableNeeded from None
