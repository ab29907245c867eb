"""Tables that are written: CSV or Parquet, by the ending of their path."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from seq2point.system.atomic_files import atomic_write

if TYPE_CHECKING:
    import polars as pl
    import pyarrow.parquet as pq

CSV = ".csv"
PARQUET = (".parquet", ".pq")
ENDINGS = (CSV, *PARQUET)


class TableWriter:
    """Writes the rows of a table piece by piece, as CSV or Parquet.

    The file is whole once the `with` block has ended. `csv` are options of Polars' `write_csv`.
    Raises OSError for a file that cannot be written.
    """

    def __init__(self, path: Path, **csv: Any):
        self.path, self._csv_options = path, csv
        self._open = ExitStack()
        self._csv: BinaryIO | None = None
        self._parquet: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._beside = opened.enter_context(atomic_write(self.path))
            self._open = opened.pop_all()
        return self

    def __exit__(self, *failure: Any) -> None:
        self._open.__exit__(*failure)

    def write(self, rows: "pl.DataFrame") -> None:
        """Write the next rows. All pieces have the same columns."""
        if self.path.suffix.lower() == CSV:
            first = self._csv is None
            self._csv = self._csv or self._open.enter_context(self._beside.open("wb"))
            rows.write_csv(self._csv, include_header=first, **self._csv_options)
            return
        import polars as pl
        import pyarrow as pa

        from seq2point.data import parquet_file

        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        try:
            if self._parquet is None:
                self._parquet = self._open.enter_context(
                    parquet_file.open_writer(self._beside, table.schema)
                )
            self._parquet.write_table(table)
        except pa.ArrowException as error:
            raise OSError(str(error)) from error
