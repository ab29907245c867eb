"""Tables of numbers in text, read in pieces: a few megabytes are in memory at a time.

Nearly all pieces of the data sets' files hold plain decimals. readings.c reads them at three times
the speed of a general reader. A piece with anything else (text, quotes, exponents, a line cut
short) goes to Polars, which gives the same numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data import native_reader
from seq2point.data.file_errors import refuse_damage
from seq2point.data.text.line_pieces import PIECE_BYTES, read_line_pieces
from seq2point.recording import Watts

if TYPE_CHECKING:
    import polars as pl

NO_READING = ("", "nan", "null", "none")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class TextLayout(NamedTuple):
    """The layout of a text table: the separator of its cells and the numbers of its columns.

    A row has `columns` cells. `time` is the number of the column of times, None where there is
    none; `series` are those of the readings. `first_line` is the number of lines before the first
    row.
    """

    separator: str
    columns: int
    time: int | None
    series: tuple[int, ...]
    first_line: int = 0


@dataclass(frozen=True)
class TextRows:
    """Consecutive rows: times as numbers f64[N] or as text, and series f32[N].

    A cell without a number is NaN. `no_number` counts for each series the cells that are neither
    empty nor a number. `size` is the bytes of the rows.
    """

    times: "npt.NDArray[np.float64] | pl.Series | None"
    series: list[Watts]
    no_number: list[int]
    size: int

    def __len__(self) -> int:
        return len(self.series[0])


def read_rows(path: Path, layout: TextLayout, piece_bytes: int = PIECE_BYTES) -> Iterator[TextRows]:
    """Yield the rows of a text file, piece after piece.

    Raises DataError for a file that cannot be read or holds no lines of text.
    """
    with refuse_damage(path, "cannot be read"):
        for text, size in _read_pieces(path, layout.first_line, piece_bytes):
            rows = _parse_plain_rows(text, layout, size)
            yield _parse_any_rows(bytes(text), layout, size) if rows is None else rows


def _read_pieces(
    path: Path, lines_to_skip: int, piece_bytes: int
) -> Iterator[tuple[memoryview, int]]:
    """Yield whole lines of a file, each ending in a newline, and their bytes in the file."""
    with path.open("rb", buffering=0) as file:
        skipped = _measure_head(path, lines_to_skip)
        file.seek(skipped)
        for text, size in read_line_pieces(file, path, piece_bytes):
            yield text, size + skipped
            skipped = 0


def _measure_head(path: Path, lines: int) -> int:
    """Return the bytes of the byte order mark, if any, and of the first lines."""
    with path.open("rb") as file:
        size = len(BYTE_ORDER_MARK)
        file.seek(size if file.read(size) == BYTE_ORDER_MARK else 0)
        for _ in range(lines):
            file.readline()
        return file.tell()


def _parse_plain_rows(text: memoryview, layout: TextLayout, size: int) -> TextRows | None:
    """Return the rows of a piece of plain decimals; None for another piece, or no C library."""
    kinds = np.full(layout.columns, native_reader.SKIPPED, dtype=np.int32)
    kinds[list(layout.series)] = native_reader.FLOAT
    if layout.time is not None:
        kinds[layout.time] = native_reader.DOUBLE
    columns = native_reader.parse_rows(text, layout.separator, kinds)
    if columns is None:
        return None
    times = None if layout.time is None else columns[layout.time]
    return TextRows(times, [columns[i] for i in layout.series], [0] * len(layout.series), size)


def _parse_any_rows(text: bytes, layout: TextLayout, size: int) -> TextRows:
    """Return the rows of any piece.

    Blank lines are left out. A row with too many cells is two lines that ran together: its time is
    missing.
    """
    import polars as pl

    names = [str(i) for i in range(layout.columns + 1)]
    rows = _read_cells(layout.separator.join(names).encode() + b"\n" + text, layout.separator)
    rows = rows.filter(~pl.all_horizontal(pl.all().is_null()))
    too_long = rows[names[-1]].is_not_null()
    times = (
        None
        if layout.time is None
        else pl.select(pl.when(~too_long).then(rows[names[layout.time]])).to_series()
    )
    series, no_number = [], []
    for i in layout.series:
        cells = rows[names[i]].str.to_lowercase()
        numbers = cells.cast(pl.Float32, strict=False)
        no_number.append(
            int((numbers.is_null() & ~(cells.is_null() | cells.is_in(NO_READING))).sum())
        )
        series.append(numbers.fill_null(float("nan")).to_numpy())
    return TextRows(times, series, no_number, size)


def _read_cells(text: bytes, separator: str) -> "pl.DataFrame":
    import polars as pl

    def read(quote: str | None) -> pl.DataFrame:
        return pl.read_csv(
            text,
            separator=separator,
            quote_char=quote,
            infer_schema=False,
            encoding="utf8-lossy",
            truncate_ragged_lines=True,
        )

    try:
        rows = read('"')
    except pl.exceptions.ComputeError:  # a quote that nothing closes
        rows = read(None)
    return rows.with_columns(pl.all().str.strip_chars(' \t\r"'))


def split_cells(line: str, separator: str) -> Sequence[str]:
    """Return the cells of a line, without their quotes."""
    return [cell.strip().strip('"') for cell in line.strip("\r\n").split(separator)]
