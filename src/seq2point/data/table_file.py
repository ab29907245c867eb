"""Files as tables of named columns, whatever wrote them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.data.file_errors import refuse_damage
from seq2point.data.table_piece import TablePiece
from seq2point.errors import DataError

LISTED_COLUMNS, LISTED_SENSORS = 40, 12  # a message names at most so many,
LISTED_LETTERS = 40  # and at most so many letters of a column
PARQUET_ENDINGS = (".parquet", ".pq")


class TableFile(Protocol):
    """A table's file: named columns, whose rows are read piece after piece."""

    @property
    def path(self) -> Path:
        """The file, or the name of a data frame."""

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns, each once."""

    @property
    def units(self) -> Mapping[str, str]:
        """The units that a row of units says, by column."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The file's own metadata."""

    @property
    def dialect_json(self) -> Mapping[str, Any]:
        """How the text is written, as JSON; empty for a file that is no text."""

    @property
    def row_word(self) -> str:
        """What a row's number counts: 'line' or 'row'."""

    def read_pieces(
        self, names: Sequence[str], doubles: Collection[str] = (), repair: bool = False
    ) -> Iterator[TablePiece]:
        """Yield the rows of some columns, piece after piece, in bounded memory.

        Plain numbers of the columns in `doubles` are read in double precision. Raises DataError for
        a file that is damaged, and for a row with too many cells, which `repair` leaves out.
        """

    def read_sample(self, rows: int, repair: bool = False) -> TablePiece:
        """Return about so many rows of all columns, in order: the first, some between, the last.

        A file with no more rows is read whole.
        """


def open_table_file(path: Path, columns: ColumnsConfig = DEFAULT_COLUMNS) -> TableFile:
    """Return the table of a file: text of any dialect, Parquet, or a Green Button document.

    Raises DataError for a file that is missing, empty, or no table, with what it is instead.
    """
    from seq2point.data import green_button
    from seq2point.data.text import text_file
    from seq2point.data.text.file_kind import require_file, sniff_kind

    require_file(path)
    with refuse_damage(path, "not a CSV or Parquet table"):
        is_parquet = path.suffix.lower() in PARQUET_ENDINGS
        kind = "parquet" if is_parquet else sniff_kind(path)
        if kind == "parquet":
            from seq2point.data.parquet_table import ParquetTable

            return ParquetTable(path)
        if kind == "xml" and green_button.is_green_button(path):
            return green_button.GreenButtonTable(path)
        return text_file.open_text(path, columns.encoding, columns.separator, columns.decimal)


def list_columns(names: Sequence[str]) -> str:
    """Return the names of columns for a message; the first of them where there are many."""
    return _list_first([name[:LISTED_LETTERS] for name in names], LISTED_COLUMNS)


def list_sensors(names: Sequence[str]) -> str:
    """Return the names of sensors for a message; the first of them where there are many."""
    return _list_first(names, LISTED_SENSORS)


def _list_first(names: Sequence[str], most: int) -> str:
    shown = ", ".join(names[:most])
    more = len(names) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def require_column(file: TableFile, name: str) -> str:
    """Return a column's name; raises DataError where the file lacks it."""
    if name not in file.names:
        raise DataError(f"{file.path}: no column '{name}' (columns: {list_columns(file.names)})")
    return name


def describe_place(file: TableFile, line: int) -> str:
    """Return where a row is, for a message: 'house.csv, line 3'."""
    return f"{file.path}, {file.row_word} {line}"
