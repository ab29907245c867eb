"""CSV and Parquet tables of power readings: columns found by name, values checked, rows placed on a
regular grid.
"""

import csv
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from seq2point.appliances import canonical_name, find_column_of_kind, find_known, name_columns
from seq2point.choices import FILL
from seq2point.configuration import ColumnsConfig
from seq2point.data import parquet_file
from seq2point.data.checks import FLAGS, Checks, Hints
from seq2point.data.file_errors import refuse_damage
from seq2point.data.grid import Grid, Times, find_median_step_s, is_regular, place_on_grid
from seq2point.errors import DataError
from seq2point.recording import Recording, Watts, is_same_period
from seq2point.wording import format_count, format_seconds

TIME_NAMES = (
    "time",
    "timestamp",
    "datetime",
    "date_time",
    "date",
    "utc",
    "unix",
    "index",
    "last_changed",
)
MAINS_NAMES = (
    "mains",
    "mains_w",
    "aggregate",
    "main",
    "power",
    "power_w",
    "total",
    "watts",
    "value",
    "state",
)
WATTS = {"W": 1.0, "kW": 1000.0}
LISTED = 40  # columns that a message names
COARSEST = 1.5  # times the period that is wanted


USUAL = ColumnsConfig()


@dataclass(frozen=True)
class Table:
    """The readings of one file, row by row: watts f32[N] by name, 'mains' first, and the times
    where it has any.

    `time` is the file's own column, `times_s` the same in seconds since 1970 (UTC).
    `claimed_period_s` is from the file's metadata. `notes` says what was repaired.
    """

    path: Path
    time: pl.Series | None
    times_s: Times | None
    watts: Mapping[str, Watts]
    house: str
    claimed_period_s: float | None = None
    notes: tuple[str, ...] = ()
    fill: int = FILL
    hints: Hints = FLAGS

    def __len__(self) -> int:
        return len(self.watts["mains"])

    @property
    def has_times(self) -> bool:
        """Whether its file has times."""
        return self.times_s is not None

    @property
    def period_s(self) -> float | None:
        """The sampling period that the file claims or, failing that, shows; None where it has
        neither claim nor times.
        """
        if self.claimed_period_s is None and self.times_s is not None:
            return find_median_step_s(self.times_s) or None
        return self.claimed_period_s

    def require_period(self, period_s: float, resample: bool = False) -> None:
        """Refuse a table that a model of this sampling period cannot read.

        Irregular times near the period are resampled without asking, regular ones only with
        `resample`: finer ones by the mean, ones up to half as long again by repeating readings, of
        which a warning tells.
        Raises DataError with what to do.
        """
        found_s = self.period_s or period_s
        if is_same_period(found_s, period_s):
            return
        advice = "train a model for it"
        if self.times_s is not None and found_s <= COARSEST * period_s:
            if found_s >= period_s / COARSEST and not is_regular(self.times_s, found_s):
                return
            coarser = found_s > period_s
            if resample and coarser:
                warnings.warn(
                    f"{self.path}: readings every {format_seconds(found_s)} are repeated to "
                    f"give one every {format_seconds(period_s)}",
                    stacklevel=2,
                )
            if resample:
                return
            advice = f"{self.hints.resample} to {'repeat readings' if coarser else 'average it'}"
        elif self.times_s is not None:
            advice = f"it says too little for that: {advice}"
        raise DataError(
            f"{self.path}: a reading every {format_seconds(found_s)}, the model needs one every "
            f"{format_seconds(period_s)}; {advice}"
        )

    def grid(self, period_s: float) -> Grid | None:
        """The regular grid of a period under the rows; None where the file has no times.

        Raises DataError where the readings are too far apart for the period.
        """
        if self.times_s is None:
            return None
        step_s = find_median_step_s(self.times_s)
        if step_s > COARSEST * period_s:
            raise DataError(
                f"{self.path}: with a reading every {format_seconds(step_s)} it cannot be resampled"
                f" to {format_seconds(period_s)}"
            )
        return place_on_grid(self.times_s, period_s)


class TableFile(NamedTuple):
    """A file's columns and a way to read some of them; `first_line` is where its rows begin, None
    in Parquet.

    `hints` tell its reader how to say what an error advises.
    """

    path: Path
    names: list[str]
    first_line: int | None
    lines: pl.LazyFrame | None
    hints: Hints = FLAGS

    def read(self, names: Sequence[str]) -> pl.DataFrame:
        """The rows of some columns; the cells of a CSV stay text.

        Raises DataError for a file that is damaged, has a row too long for its columns, or has no
        rows.
        """
        try:
            with refuse_damage(self.path, "cannot be read"):
                rows = (
                    parquet_file.read_columns(self.path, names)
                    if self.lines is None
                    else self.lines.select(names).collect()
                )
        except DataError as damage:
            raise self._overlong() or damage from None
        if rows.is_empty():
            raise DataError(f"{self.path}: holds no rows")
        return rows

    def _overlong(self) -> DataError | None:
        if self.lines is None:
            return None
        with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = csv.reader(file)
            try:
                cells = next((len(row) for row in rows if len(row) > len(self.names)), 0)
            except csv.Error:
                return None
        what = (
            f"{format_count(cells, 'cell')} under {format_count(len(self.names), 'column')};"
            " mend it"
        )
        return DataError(f"{self.path}, line {rows.line_num}: {what}") if cells else None

    @property
    def listing(self) -> str:
        """The columns' names in words: of very many, the first."""
        more = len(self.names) - LISTED
        return ", ".join(name[:40] for name in self.names[:LISTED]) + (
            f" and {more:,} more" if more > 0 else ""
        )

    def require(self, name: str) -> str:
        """The name of a column; DataError where the file has none of that name."""
        if name not in self.names:
            raise DataError(f"{self.path}: no column '{name}' (columns: {self.listing})")
        return name

    def first_of(self, usual: Iterable[str]) -> str | None:
        """The first column whose name, however it is written, is one of the usual ones."""
        plain = {canonical_name(name): name for name in reversed(self.names)}
        return next((plain[name] for name in usual if name in plain), None)


def open_file(path: Path) -> TableFile:
    """A CSV (with or without a header) or Parquet file as lazy rows; CSV cells stay text.

    Raises DataError for a file that is missing, empty, or neither.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: {'is a folder: name a file in it' if path.is_dir() else 'no such file'}"
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    with refuse_damage(path, "not a CSV or Parquet table"):
        if path.suffix.lower() in (".parquet", ".pq"):
            return TableFile(path, parquet_file.read_column_names(path), None, None)
        with path.open(encoding="utf-8-sig") as file:
            blank, line = 0, file.readline()
            while line == "\n":
                blank, line = blank + 1, file.readline()
        if ";" in line and line.count(";") >= line.count(","):
            raise DataError(
                f"{path}: its cells are parted by ';': write the table with commas, and with"
                " decimal points"
            )
        header = not any(_is_number(cell) for cell in line.strip().split(","))
        names = None if header else _number_columns
        lines = pl.scan_csv(
            path,
            has_header=header,
            with_column_names=names,
            infer_schema=False,
            skip_lines=blank,
            glob=False,
        )
        return TableFile(path, lines.collect_schema().names(), blank + (2 if header else 1), lines)


def _number_columns(columns: Sequence[str]) -> list[str]:
    """Names for columns without a header, the same whatever Polars calls them: column_1, column_2,
    ...
    """
    return [f"column_{i}" for i in range(1, len(columns) + 1)]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_table(
    path: str | Path, appliances: Sequence[str] | None = (), columns: ColumnsConfig = USUAL
) -> Table:
    """The mains and some appliances of a CSV or Parquet file; `appliances` None means all that are
    known and found.

    Raises DataError for a file that is missing, empty or no table, a missing column, a value that
    is not a number, negative or absurd, and times that go back or repeat; each says where.
    """
    file = open_file(Path(path))
    named = find_columns(file, appliances, columns)
    metadata = parquet_file.read_metadata(file.path) if file.first_line is None else {}
    return check_table(file, file.read(named.wanted), named, columns, metadata)


class NamedColumns(NamedTuple):
    """The columns of a table to read: that of the times, where there is one, and those of the
    readings by their names.
    """

    time: str | None
    watts: Mapping[str, str]

    @property
    def wanted(self) -> list[str]:
        """The columns, each once."""
        return list(dict.fromkeys([*([self.time] if self.time else []), *self.watts.values()]))


def find_columns(
    file: TableFile, appliances: Sequence[str] | None, columns: ColumnsConfig
) -> NamedColumns:
    """The columns of the times, the mains and some appliances, as named or by the usual names.

    Raises DataError for one that is not there.
    """
    time_name = file.require(columns.time) if columns.time else file.first_of(TIME_NAMES)
    names = {"mains": find_mains_column(file, columns, time_name)}
    found = name_columns(name for name in file.names if name not in (time_name, names["mains"]))
    found |= {
        canonical_name(name): file.require(column) for name, column in columns.appliances.items()
    }
    if appliances is None:
        named = {canonical_name(name) for name in columns.appliances}
        appliances = [name for name in found if find_known(name) or name in named]
    for name in map(canonical_name, appliances):
        column = find_column_of_kind(name, found)
        if column is None:
            raise DataError(f"{file.path}: no column for '{name}' (columns: {file.listing})")
        names[name] = found[column]
    return NamedColumns(time_name, names)


def find_mains_column(file: TableFile, columns: ColumnsConfig, time_name: str | None) -> str:
    """The column of the mains: the named one, the only one beside the times, or one of the usual
    names; DataError for none.
    """
    if columns.mains:
        return file.require(columns.mains)
    rest = [name for name in file.names if name != time_name]
    name = rest[0] if len(rest) == 1 else file.first_of(MAINS_NAMES)
    if name is None:
        raise DataError(
            f"{file.path}: no column for the mains (columns: {file.listing}); name it:"
            f" {file.hints.mains}"
        )
    return name


def check_table(
    file: TableFile,
    rows: pl.DataFrame,
    named: NamedColumns,
    columns: ColumnsConfig,
    metadata: Mapping[str, str],
) -> Table:
    """The table of some rows, once they have passed the checks; `metadata` is the file's own, in
    text.

    Raises DataError for a value or a time that does not pass, and for metadata that the times
    belie.
    """
    checks = Checks(file.path, file.first_line, columns.repair, hints=file.hints)
    time = times_s = None
    if named.time:
        times_s = checks.times_s(rows[named.time])
        if (order := checks.ascending(times_s)) is not None:
            rows, times_s = rows[order], times_s[order]
        time = rows[named.time]
    watts = {
        name: checks.watts(rows[column], WATTS[columns.unit])
        for name, column in named.watts.items()
    }
    checks.mains_unit(watts["mains"])
    claimed = parse_claimed_period_s(file.path, metadata.get("period_s"))
    shown = find_median_step_s(times_s) if times_s is not None else None
    require_claim(file.path, claimed, shown)
    house = metadata.get("house", file.path.stem)
    return Table(
        file.path,
        time,
        times_s,
        watts,
        house,
        claimed,
        tuple(checks.notes),
        columns.fill,
        file.hints,
    )


def require_claim(path: Path, claimed_s: float | None, shown_s: float | None) -> None:
    """Refuse a file whose times show another sampling period than its metadata claims."""
    if claimed_s and shown_s and abs(shown_s / claimed_s - 1) > 0.05:
        claimed, shown = format_seconds(claimed_s), format_seconds(shown_s)
        raise DataError(
            f"{path}: its metadata claims a reading every {claimed}, its times show one every"
            f" {shown}"
        )


def parse_claimed_period_s(path: Path, claim: str | None) -> float | None:
    """The sampling period that a file's metadata claims; DataError where it is no number of
    seconds.
    """
    if claim is None:
        return None
    if not (_is_number(claim) and 0 < float(claim) < np.inf):
        raise DataError(
            f"{path}: its metadata claims a period_s of '{claim}', which is no number of seconds"
        )
    return float(claim)


def load_recording(
    path: str | Path,
    appliances: Sequence[str] | None = None,
    period_s: float | None = None,
    columns: ColumnsConfig = USUAL,
) -> Recording:
    """A house's recording from one CSV or Parquet file: its mains and the named appliances, all
    known ones by default.

    Irregular times are put on a regular grid by the mean. `period_s` is the sampling period of a
    file without times, and resamples one that has them.
    Raises DataError as `read_table` does, and for a file with neither times nor `period_s`.
    """
    return to_recording(read_table(path, appliances, columns), period_s)


def to_recording(table: Table, period_s: float | None = None) -> Recording:
    """The recording in a table, on the regular grid of its own period or of another."""
    period_s = period_s or table.period_s
    if period_s is None:
        raise DataError(
            f"{table.path}: has no times; give its sampling period with {table.hints.period}"
        )
    return grid_recording(table, table.grid(period_s), period_s)


def grid_recording(table: Table, grid: Grid | None, period_s: float) -> Recording:
    """The recording of a table's readings on a grid, or as they stand where there is none."""
    watts = dict(table.watts)
    if grid is None:
        return Recording(table.house, period_s, watts.pop("mains"), watts, fill=table.fill)
    watts = {name: grid.mean(power_w) for name, power_w in watts.items()}
    found_s = table.period_s or period_s
    another = None if is_same_period(found_s, period_s) else found_s
    return Recording(
        table.house,
        period_s,
        watts.pop("mains"),
        watts,
        grid.start,
        grid.jumps,
        another,
        table.fill,
    )
