"""Whole lines of a file, a few megabytes at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from seq2point.errors import DataError

PIECE_BYTES = 1 << 22
SMALL_PIECE_BYTES = 1 << 20
PIECES = 4
"""A short text is read in about so many pieces: the peak of memory is that of one, not of all."""
LONGEST_LINE_BYTES = 1 << 26  # a longer one would fill the memory before it ends


class ByteReader(Protocol):
    """A file to read from: it fills a buffer and returns how many bytes, 0 at the end."""

    def readinto(self, buffer: memoryview, /) -> int: ...  # noqa: D102


def choose_piece_bytes(text_bytes: int) -> int:
    """Return the bytes of a piece for a text of about so many bytes."""
    return min(max(text_bytes // PIECES, SMALL_PIECE_BYTES), PIECE_BYTES)


def read_line_pieces(
    file: ByteReader, path: Path, piece_bytes: int = PIECE_BYTES
) -> Iterator[tuple[memoryview, int]]:
    """Yield whole lines of a file, each ending in a newline, and their bytes in the file.

    The piece is valid until the next one. Raises DataError for a file that holds no lines of text.
    """
    buffer = bytearray(piece_bytes)
    left = 0
    while True:
        count = file.readinto(memoryview(buffer)[left:-1])
        full = left + count
        if not count and full:
            buffer[full] = ord("\n")
            full += 1
        end = buffer.rfind(b"\n", 0, full) + 1
        if end:
            yield memoryview(buffer)[:end], end - (0 if count else 1)
            buffer[: full - end] = buffer[end:full]
        elif len(buffer) > LONGEST_LINE_BYTES:
            raise DataError(
                f"{path}: a line of more than {LONGEST_LINE_BYTES >> 20} MB; this is no table"
            )
        elif count:
            buffer = buffer + bytearray(len(buffer))
        left = full - end
        if not count:
            return
