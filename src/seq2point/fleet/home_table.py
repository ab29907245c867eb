"""A home's rows in several Parquet files, or in some of a table's rows, as one table."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seq2point.data.parquet_table import join_levels, to_plain_frame
from seq2point.data.table_piece import TablePiece
from seq2point.errors import DataError
from seq2point.fleet.homes import HomeInput, HomePart
from seq2point.fleet.storage import open_file


class HomeTable:
    """The rows of a home in Parquet files, part after part, as a `TableFile`.

    They are read once and held: `frame` has all columns but that of homes. Raises DataError for a
    part that cannot be read, that is no Parquet file or that has other columns than the first.
    """

    row_word = "row"
    units: Mapping[str, str] = {}
    dialect_json: Mapping[str, Any] = {}

    def __init__(self, home: HomeInput):
        self.path, self._home = Path(home.house), home
        self.metadata: Mapping[str, str] = {"house": home.house}

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All rows and columns of the home, in plain types, in the order of its parts."""
        tables = [self._read_part(part) for part in self._home.parts]
        for part, table in zip(self._home.parts, tables, strict=True):
            if table.column_names != tables[0].column_names:
                raise DataError(
                    f"{part.file.address}: has the columns {', '.join(table.column_names)}, other"
                    f" than {self._home.parts[0].file.address}; a home's files must agree"
                )
        own = tables[0].column_names
        frames = [
            to_plain_frame(table, own, [join_levels(name) for name in own]) for table in tables
        ]
        return pl.concat(frames, how="vertical_relaxed", rechunk=True)

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns."""
        return self.frame.columns

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the rows: it follows from names, types and cells, not from the files."""
        rows = self.frame.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        return hashlib.sha256(sink.getvalue()).hexdigest()

    def read_pieces(
        self, names: Sequence[str], doubles: Collection[str] = (), repair: bool = False
    ) -> Iterator[TablePiece]:
        """Yield all rows of some columns."""
        frame = self.frame.select(names)
        yield TablePiece(frame, np.arange(len(frame), dtype=np.int64) + 1)

    def read_sample(self, rows: int, repair: bool = False) -> TablePiece:
        """Return about so many rows of all columns: the first and the last ones."""
        count = len(self.frame)
        if count <= rows:
            return TablePiece(self.frame, np.arange(count) + 1)
        half = rows // 2
        lines = np.concatenate((np.arange(half), np.arange(count - half, count))) + 1
        return TablePiece(pl.concat([self.frame[:half], self.frame[-half:]]), lines)

    def _read_part(self, part: HomePart) -> pa.Table:
        address, column = part.file.address, self._home.column
        try:
            with (
                open_file(address) as source,
                pq.ParquetFile(source, page_checksum_verification=True) as file,
            ):
                groups = list(part.row_groups) or list(range(file.metadata.num_row_groups))
                table = file.read_row_groups(groups)
        except (pa.ArrowException, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(
                f"{address}: cannot be read as Parquet ({reason}); a home of several files has"
                " Parquet files alone"
            ) from None
        if column is None:
            return table
        keep = pc.equal(pc.cast(table.column(column), pa.string()), self._home.house)
        return table.filter(keep).drop_columns([column])
