"""Parquet files as tables, those of pandas and of NILMTK too."""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from seq2point.data import parquet_file
from seq2point.data.file_errors import refuse_damage
from seq2point.data.table_piece import TablePiece
from seq2point.data.times.far_dates import drop_far_dates

ROWS_AT_A_TIME = 1 << 20


class ParquetTable:
    """A Parquet file as a table. Columns are plain types: text, numbers, dates and date-times.

    Dictionaries of text are text, decimals and half floats are floats. A heading of two levels,
    as pandas writes it, is one name: 'power_active'.
    """

    row_word = "row"
    units: Mapping[str, str] = {}
    dialect_json: Mapping[str, Any] = {}

    def __init__(self, path: Path):
        self.path = path
        self.metadata: Mapping[str, str] = parquet_file.read_metadata(path)
        self._own_names = {join_levels(n): n for n in parquet_file.read_column_names(path)}

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns."""
        return list(self._own_names)

    def read_pieces(
        self, names: Sequence[str], doubles: Collection[str] = (), repair: bool = False
    ) -> Iterator[TablePiece]:
        """Yield the rows of some columns, piece after piece, each with its own type."""
        done, own = 0, [self._own_names[name] for name in names]
        with (
            refuse_damage(self.path, "cannot be read"),
            parquet_file.open_reader(self.path) as file,
        ):
            share = self.path.stat().st_size / max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(ROWS_AT_A_TIME, columns=own):
                frame = to_plain_frame(pa.Table.from_batches([batch]), own, names)
                if len(frame):
                    yield _number_rows(frame, done, int(share * len(frame)))
                done += len(frame)

    def read_sample(self, rows: int, repair: bool = False) -> TablePiece:
        """Return about so many rows: all of a small file, else the first and the last ones."""
        names, own = list(self._own_names), list(self._own_names.values())
        with (
            refuse_damage(self.path, "cannot be read"),
            parquet_file.open_reader(self.path) as file,
        ):
            count, groups = file.metadata.num_rows, file.metadata.num_row_groups
            if count <= rows:
                return _number_rows(to_plain_frame(file.read(columns=own), own, names), 0)
            head = next(file.iter_batches(rows // 2, columns=own))
            parts = [pa.Table.from_batches([head])]
            if groups > 1:
                last = file.read_row_group(groups - 1, columns=own)
                parts.append(last.slice(max(len(last) - rows // 2, 0)))
        frames = [to_plain_frame(part, own, names) for part in parts]
        lines = [np.arange(len(frames[0])) + 1]
        if len(frames) > 1:
            lines.append(np.arange(count - len(frames[1]), count) + 1)
        return TablePiece(pl.concat(frames), np.concatenate(lines))


def _number_rows(frame: pl.DataFrame, done: int, size: int = 0) -> TablePiece:
    return TablePiece(frame, np.arange(done, done + len(frame), dtype=np.int64) + 1, size)


def to_plain_frame(table: pa.Table, own: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    """Return Arrow columns, `own`, as a frame with other names, in plain types."""
    columns = [pl.Series(name, []) for name in names]
    for i, column in enumerate(own):
        values = pl.from_arrow(_to_plain(table.column(column)))
        assert isinstance(values, pl.Series)
        columns[i] = drop_far_dates(values).alias(names[i])
    return pl.DataFrame(columns)


def _to_plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return values.cast(kind.value_type)
    if pa.types.is_decimal(kind):
        return values.cast(pa.float64())
    if pa.types.is_float16(kind):
        return values.cast(pa.float32())
    return values


def join_levels(name: str) -> str:
    """Return a name of several levels, as pandas writes it, as one: 'power_active'."""
    if name.startswith("(") and name.endswith(")"):
        try:
            levels = ast.literal_eval(name)
        except (ValueError, SyntaxError):
            return name
        if isinstance(levels, tuple):
            return "_".join(str(level) for level in levels if str(level))
    return name
