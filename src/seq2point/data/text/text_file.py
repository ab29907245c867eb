"""Tables of text of any origin: opened, their dialect detected, and read piece after piece."""

import codecs
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.data.file_errors import refuse_damage
from seq2point.data.table_piece import TablePiece, drop_blank_end
from seq2point.data.text.decimal_marks import Evidence, find_evidence
from seq2point.data.text.dialect import Dialect, detect_dialect
from seq2point.data.text.file_kind import (
    HEAD_BYTES,
    detect_encoding,
    estimate_bytes,
    read_head,
    require_file,
    require_text,
    sniff_compression,
)
from seq2point.data.text.line_pieces import choose_piece_bytes, read_line_pieces
from seq2point.data.text.number_marks import NumberMarks
from seq2point.data.text.separators import BLANK
from seq2point.data.text.text_cells import CellReader, number_names
from seq2point.data.text.text_stream import open_stream
from seq2point.errors import DataError, UsageError

SAMPLE_BYTES = 1 << 16
SAMPLE_STRETCHES = 32
BETWEEN_BYTES = 1 << 14
"""A stretch between the first and the last is cut to so many: it shows hundreds of readings."""
STRETCH_ROWS = 16  # neighbouring rows of a sample, from which a cadence can be seen
SEPARATOR_NAMES = {"tab": "\t", "\\t": "\t", "blank": BLANK, "space": BLANK}


@dataclass(frozen=True)
class TextFile:
    """A table of text. Its `names` are unique. A text says nothing of itself."""

    path: Path
    dialect: Dialect
    names: tuple[str, ...]
    metadata: ClassVar[Mapping[str, str]] = {}
    row_word: ClassVar[str] = "line"

    @property
    def units(self) -> dict[str, str]:
        """The units that a row of units says, by column."""
        units = self.dialect.units or ()
        return {name: unit for name, unit in zip(self.names, units, strict=False) if unit}

    @property
    def dialect_json(self) -> dict[str, Any]:
        """How the text is written, as JSON."""
        dialect = self.dialect
        return {
            "encoding": dialect.encoding,
            "compression": dialect.compression,
            "separator": dialect.separator,
            "decimal": dialect.decimal,
            "heading": dialect.heading is not None,
            "first_line": dialect.first_line,
        }

    def read_pieces(
        self,
        names: Sequence[str],
        doubles: Collection[str] = (),
        repair: bool = False,
        piece_bytes: int | None = None,
    ) -> Iterator[TablePiece]:
        """Yield the rows of some columns, piece after piece, of bytes that the file's size chooses.

        Those in `doubles` need the precision of Float64 where they are numbers. Raises DataError,
        which names the line, for a row with too many cells, for a quote that nothing closes, and
        for a number whose comma or point may mean two things. With `repair` such rows are left out
        and counted, the numbers are refused nevertheless.
        """
        piece_bytes = piece_bytes or choose_piece_bytes(
            estimate_bytes(self.path, self.dialect.compression)
        )
        pieces = self._read_rows(list(dict.fromkeys(names)), doubles, repair, piece_bytes)
        yield from drop_blank_end(pieces) if len(self.names) == 1 else pieces

    def _read_rows(
        self, columns: Sequence[str], doubles: Collection[str], repair: bool, piece_bytes: int
    ) -> Iterator[TablePiece]:
        reader = CellReader(self.path, self.dialect, self.names, columns, [*doubles], repair)
        marks = NumberMarks(self.path, self.dialect)
        for text, line, size in self._read_lines(piece_bytes):
            frame, bad_rows = reader.read_numbers(text), 0
            if frame is not None:
                lines = np.arange(line, line + len(frame), dtype=np.int64)
            else:
                frame, lines, bad_rows = reader.read_texts(bytes(text), _number_lines(text, line))
                if marks.need_evidence(frame):
                    marks = marks.settle(self._find_evidence(reader, piece_bytes))
                frame = marks.write_points(frame, lines)
            if len(lines) or bad_rows:
                yield TablePiece(frame, lines, size, bad_rows)

    def read_sample(self, rows: int = 1000, repair: bool = False) -> TablePiece:
        """Return about so many rows of all columns as text: the first, the last and some between.

        Neighbouring rows are sampled together. Raises DataError as `read_pieces` does.
        """
        reader = CellReader(self.path, self.dialect, self.names, self.names, repair=repair)
        text, lines = self._sample_lines()
        size = len(text)
        frame, lines, bad_rows = (
            reader.read_texts(text, lines) if text else (self._make_empty_frame(), lines, 0)
        )
        del text
        if len(lines) > rows:
            chosen = _choose_rows(len(lines), rows)
            frame, lines = frame[chosen], lines[chosen]
        marks = NumberMarks(self.path, self.dialect)
        frame = marks.write_points(frame, lines, lenient=True)
        return TablePiece(frame, lines, size, bad_rows)

    def _make_empty_frame(self) -> pl.DataFrame:
        return pl.DataFrame(schema=dict.fromkeys(self.names, pl.String))

    def _read_lines(self, piece_bytes: int) -> Iterator[tuple[memoryview, int, int]]:
        """Yield pieces of whole lines from the first row on, their first lines and their bytes."""
        line, to_skip, before = 1, self.dialect.first_line - 1, 0
        dialect = self.dialect
        with (
            refuse_damage(self.path, "cannot be read"),
            open_stream(self.path, dialect.compression, dialect.encoding) as stream,
        ):
            for text, size in read_line_pieces(stream, self.path, piece_bytes):
                start = 0
                if line <= to_skip:
                    data = bytes(text)
                    while line <= to_skip and start < len(data):
                        start = data.find(b"\n", start) + 1
                        line += 1
                    before += size
                    size = before
                if start < len(text):
                    yield text[start:], line, size
                    line += _count_lines(text[start:])

    def _sample_lines(self) -> tuple[bytes, npt.NDArray[np.int64]]:
        """Return whole lines and their numbers: the first ones, the last, some between."""
        first: tuple[bytes, int] | None = None
        last: tuple[bytes, int] | None = None
        between: list[tuple[bytes, int]] = []
        every = 1
        for i, (text, line, _) in enumerate(self._read_lines(SAMPLE_BYTES)):
            if first is None:
                first = (bytes(text), line)
                continue
            if last is not None and i % every == 0:
                between.append(_shorten(last))
                if len(between) > 2 * SAMPLE_STRETCHES:
                    between, every = between[::2], 2 * every
            last = (bytes(text), line)
        stretches = [piece for piece in (first, *between, last) if piece is not None]
        numbers = [_number_lines(text, line) for text, line in stretches]
        return (
            b"".join(text for text, _ in stretches),
            np.concatenate(numbers or [np.empty(0, dtype=np.int64)]),
        )

    def _find_evidence(self, reader: CellReader, piece_bytes: int) -> Evidence:
        """Return what the numbers of some columns tell of commas and points, in all rows."""
        evidence = Evidence()
        for text, line, _ in self._read_lines(piece_bytes):
            frame, _, _ = reader.read_texts(bytes(text), _number_lines(text, line))
            for cells in frame:
                marked = cells.str.contains("[.,]").fill_null(False)
                find_evidence(cells.filter(marked).unique(maintain_order=True), evidence)
        return evidence


def open_text(
    path: Path,
    encoding: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
) -> TextFile:
    """Return the table of a text file, compressed or not.

    What is None is detected. Raises DataError for a file that is missing, empty, damaged or no
    text, and UsageError for an encoding, separator or decimal mark that there is not.
    """
    separator = SEPARATOR_NAMES.get(separator or "", separator)
    _check_options(encoding, separator, decimal)
    require_file(path)
    compression = sniff_compression(path)
    head = read_head(path, compression)
    if not head:
        raise DataError(f"{path}: the file is empty")
    if encoding is None:
        require_text(path, head)
        encoding = detect_encoding(head)
    encoding = codecs.lookup(encoding).name.replace("utf-8-sig", "utf-8")
    lines = _read_first_lines(path, compression, encoding)
    dialect = detect_dialect(lines, encoding, compression, separator, decimal)
    return TextFile(path, dialect, tuple(number_names(dialect.heading, dialect.cells)))


def _check_options(encoding: str | None, separator: str | None, decimal: str | None) -> None:
    try:
        "a".encode(encoding or "utf-8")
    except (LookupError, ValueError):
        raise UsageError(
            f"'{encoding}' is unknown: give for example utf-8, utf-16 or windows-1252",
            "`encoding`",
        ) from None
    if separator is not None and not re.fullmatch(r"[,;|\t !$%&/:~^]", separator):
        raise UsageError(f"'{separator}' is invalid: give one of , ; | tab blank", "`separator`")
    if decimal not in (None, ".", ","):
        raise UsageError(f"'{decimal}' is invalid: give . or ,", "`decimal`")


def _read_first_lines(path: Path, compression: str | None, encoding: str) -> list[str]:
    """Return the whole lines among the first bytes of a text."""
    buffer = memoryview(bytearray(HEAD_BYTES))
    full = 0
    with refuse_damage(path, "cannot be read"), open_stream(path, compression, encoding) as stream:
        while full < HEAD_BYTES and (count := stream.readinto(buffer[full:])):
            full += count
    text = bytes(buffer[:full])
    if full == HEAD_BYTES:
        text = text[: text.rfind(b"\n") + 1]
        if not text:
            raise DataError(f"{path}: a line of more than {HEAD_BYTES >> 10} KB; this is no table")
    lines = text.decode(errors="replace").split("\n")
    if not any(line.strip() for line in lines):
        raise DataError(f"{path}: holds no rows")
    return lines


def _shorten(stretch: tuple[bytes, int]) -> tuple[bytes, int]:
    """Return a stretch's first lines, of BETWEEN_BYTES or one line, and the first one's number."""
    text, line = stretch
    end = text.rfind(b"\n", 0, BETWEEN_BYTES) + 1 or text.find(b"\n") + 1
    return text[:end] or text, line


def _count_lines(text: bytes | memoryview) -> int:
    return int(np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n")))


def _number_lines(text: bytes | memoryview, first: int) -> npt.NDArray[np.int64]:
    """Return the numbers of a text's lines."""
    return np.arange(first, first + _count_lines(text), dtype=np.int64)


def _choose_rows(count: int, rows: int) -> list[int]:
    """Return the numbers of about `rows` of more rows: half of them first, a quarter last, the rest
    between in stretches.
    """
    first, last = rows // 2, count - rows // 4
    stretches = max(rows // 4 // STRETCH_ROWS, 1)
    starts = np.linspace(first, last - STRETCH_ROWS, stretches + 2)[1:-1].astype(int)
    between = {int(start) + i for start in starts for i in range(STRETCH_ROWS)}
    return sorted({*range(first), *(between & set(range(first, last))), *range(last, count)})
