"""Tables of numbers in text, in pieces: whatever the file's size, a few megabytes of it are in
memory at a time.

Pieces of plain decimals, which is nearly all there is in the data sets' files, are read by
readings.c at three times the speed of a general reader; a piece that holds anything else (text,
quotes, exponents, a line cut short) goes to Polars, which gives the same numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data import native_reader
from seq2point.data.file_errors import refuse_damage
from seq2point.errors import DataError
from seq2point.recording import Watts

if TYPE_CHECKING:
    import polars as pl

PIECE_BYTES = 1 << 22
LONGEST_LINE_BYTES = 1 << 26
NO_READING = ("", "nan", "null", "none")


class TextLayout(NamedTuple):
    """A text table's shape: what separates its cells, how many a row has, and which of them hold
    what.

    `time` is the number of the column of times (None where there is none), `series` those of the
    readings; `first_line` is the number of lines before the first row.
    """

    separator: str
    columns: int
    time: int | None
    series: tuple[int, ...]
    first_line: int = 0


@dataclass(frozen=True)
class TextRows:
    """Consecutive rows: times as numbers f64[N] or as their text, series f32[N] with NaN where
    there is no number.

    `no_number` counts the cells of each series that are neither empty nor a number; `size` is the
    bytes that the rows took.
    """

    times: "npt.NDArray[np.float64] | pl.Series | None"
    series: list[Watts]
    no_number: list[int]
    size: int

    def __len__(self) -> int:
        return len(self.series[0])


def read_rows(path: Path, layout: TextLayout, piece_bytes: int = PIECE_BYTES) -> Iterator[TextRows]:
    """The rows of a text file, piece after piece.

    Raises DataError where the file cannot be read or is no text of lines.
    """
    with refuse_damage(path, "cannot be read"):
        for text, size in _pieces(path, layout.first_line, piece_bytes):
            rows = _plain_rows(text, layout, size)
            yield _any_rows(bytes(text), layout, size) if rows is None else rows


def read_lines(path: Path, lines_to_skip: int, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Whole lines of a text file, so many bytes at a time; raises DataError where it is no text of
    lines.
    """
    with refuse_damage(path, "cannot be read"):
        for text, _ in _pieces(path, lines_to_skip, piece_bytes):
            yield bytes(text)


def _pieces(path: Path, lines_to_skip: int, piece_bytes: int) -> Iterator[tuple[memoryview, int]]:
    """Whole lines of a file, each ending in a newline, and how many of the file's bytes they are."""
    buffer = bytearray(piece_bytes)
    with path.open("rb", buffering=0) as file:
        skipped = _skip(path, lines_to_skip)
        file.seek(skipped)
        left = 0
        while True:
            got = file.readinto(memoryview(buffer)[left:-1])
            full = left + got
            if not got and full:
                buffer[full] = ord("\n")
                full += 1
            end = buffer.rfind(b"\n", 0, full) + 1
            if end:
                yield memoryview(buffer)[:end], end + skipped - (0 if got else 1)
                skipped = 0
                buffer[: full - end] = buffer[end:full]
            elif len(buffer) > LONGEST_LINE_BYTES:
                raise DataError(
                    f"{path}: a line of more than {LONGEST_LINE_BYTES >> 20} MB; this is no table"
                )
            elif got:
                buffer = buffer + bytearray(len(buffer))
            left = full - end
            if not got:
                return


def _skip(path: Path, lines: int) -> int:
    """Bytes of a byte order mark and the first lines."""
    with path.open("rb") as file:
        mark = 3 if file.read(3) == b"\xef\xbb\xbf" else 0
        file.seek(mark)
        for _ in range(lines):
            file.readline()
        return file.tell()


def _plain_rows(text: memoryview, layout: TextLayout, size: int) -> TextRows | None:
    """The rows of a piece of plain numbers; None where it is not, or there is no compiler."""
    kinds = np.full(layout.columns, native_reader.SKIPPED, dtype=np.int32)
    kinds[list(layout.series)] = native_reader.FLOAT
    if layout.time is not None:
        kinds[layout.time] = native_reader.DOUBLE
    columns = native_reader.parse_rows(text, layout.separator, kinds)
    if columns is None:
        return None
    times = None if layout.time is None else columns[layout.time]
    return TextRows(times, [columns[i] for i in layout.series], [0] * len(layout.series), size)


def _any_rows(text: bytes, layout: TextLayout, size: int) -> TextRows:
    """The rows of any piece.

    Blank lines are none; a row of more cells than columns has no time: two lines have run together.
    """
    import polars as pl

    names = [str(i) for i in range(layout.columns + 1)]
    rows = _cells(layout.separator.join(names).encode() + b"\n" + text, layout.separator)
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


def _cells(text: bytes, separator: str) -> "pl.DataFrame":
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
    """The cells of a line, without their quotes."""
    return [cell.strip().strip('"') for cell in line.strip("\r\n").split(separator)]
