"""Lines of text to columns of cells.

A piece of plain numbers goes through readings.c, all others through Polars. Quotes and runs of
blanks are resolved here first, so that a line of text is a row.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.data import native_reader
from seq2point.data.file_errors import refuse_damage
from seq2point.data.text.cell_kinds import BLANKS, QUOTES
from seq2point.data.text.decimal_marks import remove_spacers
from seq2point.data.text.dialect import Dialect
from seq2point.data.text.file_kind import detect_narrow_encoding
from seq2point.data.text.long_rows import explain_long_row
from seq2point.data.text.separators import BLANK, COMMENT, RULE, split_cells
from seq2point.errors import DataError

Lines = npt.NDArray[np.int64]

NEWLINE = ord("\n")
QUOTE = ord('"')
UNQUOTED = 0x1F  # separates the cells of a piece whose quotes are gone
PADDING = (b" ", b"\t", b"\r", b"'")
"""Bytes that may stand around a cell and are no part of it."""

RULE_HEADS = (tuple(b"-=+| \x1f"), tuple(b"-=:| "))
"""The first and the second bytes of rules."""

BLANK_RUNS = re.compile(rb"[ \t\x1f]+")
BLANK_ENDS = re.compile(rb"^\x1f|\x1f$", re.MULTILINE)


@dataclass(frozen=True)
class CellReader:
    """Reads the cells of some columns. `names` are those of all columns of the table."""

    path: Path
    dialect: Dialect
    names: Sequence[str]
    columns: Sequence[str]
    doubles: Sequence[str] = ()
    repair: bool = False

    def read_numbers(self, text: memoryview) -> pl.DataFrame | None:
        """Return the rows of a piece of plain numbers; None for any other piece."""
        separator = self.dialect.separator
        if self.dialect.decimal == ",":
            data = bytearray(text)
            if separator == "," or ord(".") in data:
                return None
            text = memoryview(data.replace(b",", b"."))
        elif self.dialect.points_are_open and b"." in bytes(text):
            return None
        if len(self.names) == 1 and _has_blank_lines(bytes(text)):
            return None
        kinds = np.full(len(self.names), native_reader.SKIPPED, dtype=np.int32)
        for name in self.columns:
            is_double = name in self.doubles
            kind = native_reader.DOUBLE if is_double else native_reader.FLOAT
            kinds[self.names.index(name)] = kind
        arrays = native_reader.parse_rows(text, separator, kinds)
        if arrays is None:
            return None
        series = [arrays[self.names.index(name)] for name in self.columns]
        if series and np.logical_and.reduce([np.isnan(values) for values in series]).any():
            return None  # perhaps a line of separators alone, which is no row
        return pl.DataFrame(dict(zip(self.columns, series, strict=True)), nan_to_null=False)

    def read_texts(self, text: bytes, lines: Lines) -> tuple[pl.DataFrame, Lines, int]:
        """Return the rows of any piece as text, their lines, and how many bad rows are left out.

        `lines` are the numbers of the text's lines. Raises DataError for a row with too many cells
        or with a quote that nothing closes; with `repair` such rows are left out.
        """
        bad = 0
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        if not text.isascii():
            encoding = detect_narrow_encoding(text)
            text = text if encoding == "utf-8" else text.decode(encoding, "replace").encode()
        original = text
        separator = ord(self.dialect.separator)
        if QUOTE in text:
            text, bad = self._check_quotes(text, lines)
            text, separator = self._remove_quotes(text), UNQUOTED
        if self.dialect.separator == BLANK:
            text, separator = _join_blanks(text), UNQUOTED
        data = np.frombuffer(text, dtype=np.uint8)
        ends = np.flatnonzero(data == NEWLINE)
        dropped = self._find_other_lines(text, data, chr(separator), ends)
        if not _is_regular(data, separator, len(self.names)):
            bad += self._drop_long_rows(text, separator, ends, dropped, original, lines)
        frame = self._split(text, separator, len(ends))
        if len(self.names) > 1:  # a blank line of a single column is a gap
            nothing = frame.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()
            for i in np.flatnonzero(nothing & ~dropped):
                row = text[ends[i - 1] + 1 if i else 0 : ends[i]]
                dropped[i] = not row.replace(bytes((separator,)), b"").strip()
        if dropped.any():
            frame, lines = frame.filter(pl.Series(~dropped)), lines[~dropped]
        return frame, lines, bad

    def _check_quotes(self, text: bytes, lines: Lines) -> tuple[bytes, int]:
        """Return the text without its lines of an odd number of quotes, and how many they are."""
        data = np.frombuffer(text, dtype=np.uint8)
        ends = np.flatnonzero(data == NEWLINE)
        before = np.searchsorted(np.flatnonzero(data == QUOTE), ends)
        odd = np.flatnonzero(np.diff(before, prepend=0) & 1)
        if not len(odd):
            return text, 0
        if not self.repair:
            raise DataError(
                f"{self.path}, line {lines[odd[0]]}: a quote is opened and not closed on its"
                " line; mend it"
            )
        rows = text.split(b"\n")
        for i in odd:
            rows[i] = b""
        return b"\n".join(rows), len(odd)

    def _remove_quotes(self, text: bytes) -> bytes:
        """Return the text without quotes, its cells separated by UNQUOTED."""
        data = np.frombuffer(text, dtype=np.uint8)
        quotes = data == QUOTE
        outside = (np.cumsum(quotes, dtype=np.int32) & 1) == 0
        separators = data == ord(self.dialect.separator)
        if self.dialect.separator == BLANK:
            separators |= data == ord("\t")
        data = data.copy()
        data[separators & outside] = UNQUOTED
        return bytes(data[~quotes])

    def _find_other_lines(
        self,
        text: bytes,
        data: npt.NDArray[np.uint8],
        separator: str,
        ends: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.bool_]:
        """Return which lines are comments, rules, or the heading or its units once more."""
        other = np.zeros(len(ends), dtype=bool)
        starts = np.concatenate(([0], ends[:-1] + 1))
        heads = (data[starts], data[np.minimum(starts + 1, len(data) - 1)])
        other |= heads[0] == ord(COMMENT)
        for i in np.flatnonzero(
            np.isin(heads[0], RULE_HEADS[0]) & np.isin(heads[1], RULE_HEADS[1])
        ):
            other[i] |= bool(RULE.fullmatch(_take_line(text, ends, int(i))))
        for cells in (self.dialect.heading, self.dialect.units):
            for gap in ("", BLANK) if cells else ():
                needle = f"{separator}{gap}".join(cells or ()).encode()
                for i in np.flatnonzero(heads[0] == needle[0]) if needle else ():
                    if text.startswith(needle, starts[i]):
                        line = _take_line(text, ends, int(i))
                        other[i] |= tuple(split_cells(line.strip("\r"), separator)) == cells
        return other

    def _drop_long_rows(
        self,
        text: bytes,
        separator: int,
        ends: npt.NDArray[np.int64],
        dropped: npt.NDArray[np.bool_],
        original: bytes,
        lines: Lines,
    ) -> int:
        """Raise DataError for the first row with a cell beyond the last column, or drop them all.

        Returns how many are dropped.
        """
        bad = 0
        marks = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == separator)
        last = np.searchsorted(marks, ends)
        first = np.concatenate(([0], last[:-1]))
        columns = len(self.names)
        long = np.flatnonzero((last - first >= columns) & ~dropped)
        extra = marks[first[long] + columns - 1]
        long = long[ends[long] - extra > 1]
        for i in long:
            beyond = text[marks[first[i] + columns - 1] : ends[i]]
            if beyond.replace(bytes((separator,)), b"").strip(b' \t\r"'):
                if self.repair:
                    dropped[i] = True
                    bad += 1
                    continue
                row = original.split(b"\n", i + 1)[i].decode(errors="replace")
                cells = split_cells(row, self.dialect.separator)
                raise explain_long_row(self.path, int(lines[i]), cells, self.names, self.dialect)
        return bad

    def _split(self, text: bytes, separator: int, rows: int) -> pl.DataFrame:
        """Return the cells of some columns, stripped; null where a cell is empty or missing."""
        numbers = [self.names.index(name) for name in self.columns]
        head = chr(separator).join(map(str, range(len(self.names)))).encode() + b"\n"
        with refuse_damage(self.path, "cannot be read"):
            frame = pl.read_csv(
                head + text,
                separator=chr(separator),
                quote_char=None,
                columns=[str(i) for i in numbers],
                infer_schema=False,
                truncate_ragged_lines=True,
            ).select([str(i) for i in numbers])
        if len(frame) != rows:
            raise DataError(f"{self.path}: cannot be read (lines that are no rows)")
        frame.columns = list(self.columns)
        has_padding = not text.isascii() or any(mark in text for mark in PADDING)
        if has_padding:
            frame = frame.with_columns(pl.all().str.strip_chars(BLANKS + QUOTES))
            frame = frame.with_columns(
                pl.when(pl.col(name) != "").then(pl.col(name)) for name in self.columns
            )
        if has_padding and self.dialect.separator != BLANK:
            frame = frame.with_columns(remove_spacers(cells) for cells in frame)
        return frame


def _is_regular(data: npt.NDArray[np.uint8], separator: int, columns: int) -> bool:
    """Return whether every line has exactly so many cells."""
    marks = data[(data == separator) | (data == NEWLINE)]
    if len(marks) % columns:
        return False
    is_end = marks.reshape(-1, columns) == NEWLINE
    return bool(is_end[:, -1].all()) and int(is_end.sum()) == len(is_end)


def _take_line(text: bytes, ends: npt.NDArray[np.int64], line: int) -> str:
    return text[ends[line - 1] + 1 if line else 0 : ends[line]].decode(errors="replace")


def _join_blanks(text: bytes) -> bytes:
    return BLANK_ENDS.sub(b"", BLANK_RUNS.sub(bytes((UNQUOTED,)), text))


def _has_blank_lines(text: bytes) -> bool:
    return text.startswith((b"\n", b"\r")) or b"\n\n" in text or b"\n\r" in text


def number_names(heading: Sequence[str] | None, cells: int) -> list[str]:
    """Return a name for each column: 'column_1' where it has none, 'mains_2' for a second."""
    names: list[str] = []
    for i, name in enumerate(heading or [""] * max(cells, 1), 1):
        unique, count = name or f"column_{i}", 1
        while unique in names:
            count += 1
            unique = f"{name or f'column_{i}'}_{count}"
        names.append(unique)
    return names
