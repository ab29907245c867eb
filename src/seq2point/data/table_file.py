"""CSV and Parquet files as tables of named columns, whose rows are read when they are needed."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from seq2point.appliances import canonical_name
from seq2point.data import parquet_file
from seq2point.data.file_errors import refuse_damage
from seq2point.errors import DataError
from seq2point.wording import format_count

LISTED_COLUMNS = 40  # a message names at most so many
LISTED_LETTERS = 40  # and at most so many letters of each


class TableFile(NamedTuple):
    """A table's file and its columns.

    `first_line` is the line of the first row, None in Parquet.
    """

    path: Path
    names: list[str]
    first_line: int | None
    lines: pl.LazyFrame | None

    def read(self, names: Sequence[str]) -> pl.DataFrame:
        """Return the rows of some columns. The cells of a CSV stay text.

        Raises DataError for a file that is damaged, that has a row with too many cells, or that has
        no rows.
        """
        try:
            with refuse_damage(self.path, "cannot be read"):
                rows = (
                    parquet_file.read_columns(self.path, names)
                    if self.lines is None
                    else self.lines.select(names).collect()
                )
        except DataError as damage:
            raise self._explain_long_row() or damage from None
        if rows.is_empty():
            raise DataError(f"{self.path}: holds no rows")
        return rows

    def _explain_long_row(self) -> DataError | None:
        """Return the error for the first row with too many cells; None where there is none."""
        if self.lines is None:
            return None
        with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            rows = csv.reader(file)
            try:
                cells = next((len(row) for row in rows if len(row) > len(self.names)), 0)
            except csv.Error:
                return None
        if not cells:
            return None
        columns = format_count(len(self.names), "column")
        return DataError(
            f"{self.path}, line {rows.line_num}: {format_count(cells, 'cell')} under {columns};"
            " mend it"
        )

    @property
    def listing(self) -> str:
        """The columns' names for a message; the first of them where there are many."""
        names = ", ".join(name[:LISTED_LETTERS] for name in self.names[:LISTED_COLUMNS])
        more = len(self.names) - LISTED_COLUMNS
        return f"{names} and {more:,} more" if more > 0 else names

    def require_column(self, name: str) -> str:
        """Return the name of a column; raises DataError where the file lacks it."""
        if name not in self.names:
            raise DataError(f"{self.path}: no column '{name}' (columns: {self.listing})")
        return name

    def find_first(self, names: Iterable[str]) -> str | None:
        """Return the column of the first canonical name that the file has; None for none."""
        column_by_name = {canonical_name(column): column for column in reversed(self.names)}
        return next((column_by_name[name] for name in names if name in column_by_name), None)


def open_table_file(path: Path) -> TableFile:
    """Return the table of a CSV file (with or without a header) or of a Parquet file.

    Raises DataError for a file that is missing, empty, or neither.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder: name a file in it")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    with refuse_damage(path, "not a CSV or Parquet table"):
        if path.suffix.lower() in (".parquet", ".pq"):
            return TableFile(path, parquet_file.read_column_names(path), None, None)
        return _open_csv(path)


def _open_csv(path: Path) -> TableFile:
    with path.open(encoding="utf-8-sig") as file:
        blank, line = 0, file.readline()
        while line == "\n":
            blank, line = blank + 1, file.readline()
    if ";" in line and line.count(";") >= line.count(","):
        raise DataError(
            f"{path}: its cells are separated by ';': write the table with commas and decimal"
            " points"
        )
    header = not any(is_number(cell) for cell in line.strip().split(","))
    lines = pl.scan_csv(
        path,
        has_header=header,
        with_column_names=None if header else _number_columns,
        infer_schema=False,
        skip_lines=blank,
        glob=False,
    )
    first_line = blank + (2 if header else 1)
    return TableFile(path, lines.collect_schema().names(), first_line, lines)


def _number_columns(columns: Sequence[str]) -> list[str]:
    """Return names for columns without a header, whatever Polars calls them: column_1, ..."""
    return [f"column_{i}" for i in range(1, len(columns) + 1)]


def is_number(cell: str) -> bool:
    """Return whether a cell of text is a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
