"""The text of a file as a stream of UTF-8 whose lines end in a newline."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from seq2point.data.text.file_kind import open_bytes

CHUNK_BYTES = 1 << 20
MARK = b"\xef\xbb\xbf"
NO_TEXT = bytes.maketrans(b"\0\x1a", b"  ")
"""NULs, which a loss of power leaves, and the end mark of old programs become blanks."""


class TextStream:
    """The lines of a file of bytes: decoded, with one kind of line end in each part.

    A line ends in '\\n' or in '\\r\\n'. A lone '\\r' becomes '\\n'.
    """

    def __init__(self, file: BinaryIO, encoding: str):
        self._file = file
        self._decoder = (
            None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)("replace")
        )
        self._text = memoryview(b"")
        self._carriage = b""
        self._started = False
        self._ended = False

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer and return how many bytes; fewer than it holds at the end alone."""
        full = 0
        while full < len(buffer):
            if not len(self._text):
                if self._ended:
                    break
                self._text = memoryview(self._read_chunk())
            count = min(len(buffer) - full, len(self._text))
            buffer[full : full + count] = self._text[:count]
            self._text = self._text[count:]
            full += count
        return full

    def _read_chunk(self) -> bytes:
        data = self._file.read(CHUNK_BYTES)
        self._ended = not data
        if self._decoder is not None:
            data = self._decoder.decode(data, self._ended).encode("utf-8", "replace")
        if not self._started and data:
            self._started = True
            data = data.removeprefix(MARK)
        data = self._carriage + data
        self._carriage = b""
        if data.endswith(b"\r") and not self._ended:
            self._carriage = b"\r"
            data = data[:-1]
        if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
            data = data.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\0" in data or b"\x1a" in data:
            data = data.translate(NO_TEXT)
        return data


@contextmanager
def open_stream(path: Path, compression: str | None, encoding: str) -> Iterator[TextStream]:
    """Open a file, compressed or not, to read its text."""
    with open_bytes(path, compression) as file:
        yield TextStream(file, encoding)
