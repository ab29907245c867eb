"""Large tables: the mains in pieces of rows, interpreted and checked as `read_table` does.

A table is read twice: once to check it and to find its sampling period, then for its rows.
`read_table` reads what cannot be judged piece by piece: rows to repair, and readings that hold.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.data.checks import Checks
from seq2point.data.claimed_period import parse_claimed_period_s, require_claimed_period
from seq2point.data.grid import JUMP_S, Times
from seq2point.data.interpretation.interpret import interpret
from seq2point.data.interpretation.interpretation import Interpretation
from seq2point.data.readings import ReadingSource
from seq2point.data.table import read_table
from seq2point.data.table_file import TableFile, open_table_file
from seq2point.data.text.file_kind import UNPACKED_BYTES, estimate_bytes
from seq2point.errors import DataError
from seq2point.recording import Watts, is_same_period

LARGE_BYTES = 1 << 26  # a few million rows
MOST_STEPS = 1 << 20  # different steps between times that are counted in memory


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
    interpretation: Interpretation
    columns: ColumnsConfig
    rows: int
    house: str
    period_s: float | None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.rows

    @property
    def has_times(self) -> bool:
        """Whether the file has times."""
        return self.interpretation.time is not None

    @property
    def path(self) -> Path:
        """The file."""
        return self.file.path

    def require_period(self, period_s: float, resample: bool = False) -> None:
        """Raise DataError as `Table.require_period` does."""
        if is_same_period(self.period_s or period_s, period_s):
            return
        # how regular the times are, only the whole table tells
        read_table(self.path, (), self.columns).require_period(period_s, resample)

    def pieces(self) -> Iterator[TableRows]:
        """Return the rows in order, piece after piece. Raises DataError as `read_table` does."""
        checks = Checks(self.file, repair=False, time=self.interpretation.time)
        return _read_checked(self.file, self.interpretation, checks)


def open_long_table(
    path: Path, columns: ColumnsConfig = DEFAULT_COLUMNS, large_bytes: int = LARGE_BYTES
) -> LongTable | None:
    """Return a large table to read in pieces; None for one that must or may be read whole.

    Raises DataError as `read_table` does.
    """
    if columns.repair:
        return None
    if path.is_file() and path.stat().st_size * UNPACKED_BYTES < large_bytes:
        return None
    file = open_table_file(path, columns)
    if estimate_bytes(path, file.dialect_json.get("compression")) < large_bytes:
        return None
    interpretation = interpret(file, (), columns)
    if interpretation.hold_s is not None:
        return None
    checks = Checks(file, repair=False, time=interpretation.time)
    summary = _Summary()
    for rows in _read_checked(file, interpretation, checks):
        summary.add(rows)
        if len(summary.steps) > MOST_STEPS:
            return None
    if not summary.rows:
        raise DataError(f"{path}: holds no rows")
    checks.require_mains(summary.highest_w, summary.rows, interpretation.series["mains"].expression)
    claimed_s = parse_claimed_period_s(path, file.metadata.get("period_s"))
    shown_s = summary.find_median_step_s() if interpretation.time else None
    require_claimed_period(path, claimed_s, shown_s)
    return LongTable(
        file,
        interpretation,
        columns,
        summary.rows,
        file.metadata.get("house", path.stem),
        claimed_s or shown_s or None,
        checks.notes,
    )


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
    file: TableFile, interpretation: Interpretation, checks: Checks
) -> Iterator[TableRows]:
    last_s, column = -np.inf, interpretation.series["mains"].expression
    for readings in ReadingSource(file, interpretation, ["mains"]).read():
        rows = checks.check_order(checks.check_times(readings), last_s)
        if rows.times_s is not None and len(rows):
            last_s = float(rows.times_s[-1])
        yield TableRows(rows.time, rows.times_s, checks.check_watts(rows, "mains", column))
