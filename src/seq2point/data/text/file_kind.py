"""The kind of a file by its first bytes, whatever its name ends in.

A compressed file is as the text that it holds.
"""

import bz2
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from seq2point.data.file_errors import refuse_damage
from seq2point.errors import DataError

HEAD_BYTES = 1 << 18
UNPACKED_BYTES = 8  # of text in a byte of a compressed file
WORKBOOK = "a workbook: save its sheet as CSV"
KINDS = {
    "xml": "XML and no table: save it as CSV",
    "html": "a page of HTML and no table: save the table as CSV",
    "json": "JSON and no table: save it as CSV, with a line of names and a row for each reading",
    "line protocol": "line protocol of InfluxDB and no table: export it as CSV, for example with"
    " `influx query --raw`",
    "excel": WORKBOOK,
    "hdf5": "an HDF5 file: `seq2point convert nilmtk` reads those of NILMTK",
    "parquet": "a Parquet file and no text",
    "arrow": "an Arrow file: save it as Parquet or CSV",
    "sqlite": "a SQLite database: export its readings as CSV",
    "pdf": "a PDF and no table: ask for the readings as CSV",
    "archive": "an archive: unpack it and name a file in it",
    "binary": "neither text nor Parquet: save the readings as CSV",
}
"""What a message says of a file that is no text."""

MAGIC = (
    (b"PAR1", "parquet"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\xd0\xcf\x11\xe0", "excel"),
    (b"PK\x03\x04", "archive"),
    (b"ARROW1", "arrow"),
    (b"SQLite format 3", "sqlite"),
    (b"%PDF", "pdf"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!", "archive"),
)
_WORD = r"[^\s,=;|]+"
_PAIR = f"{_WORD}={_WORD}"
MARKUP = (
    (re.compile(r"<(!doctype html|html|table)\b", re.IGNORECASE), "html"),
    (re.compile(r"<[?!a-zA-Z]"), "xml"),
    (re.compile(r'\{\s*["}]|\[\s*[\[{"]'), "json"),
    (
        re.compile(
            rf"(#.*\s+)*{_WORD}(,{_PAIR})* {_PAIR}(,{_PAIR})*( \d{{10,19}})?$",
            re.MULTILINE,
        ),
        "line protocol",
    ),
)
COMPRESSION_MAGIC = {
    b"\x1f\x8b": "gz",
    b"\x28\xb5\x2f\xfd": "zst",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
WORKBOOK_MEMBERS = ("[Content_Types].xml", "mimetype")
TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".dat", ".txt")
WIDE_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""Byte order marks of the encodings that are not ASCII where the text is."""

MOST_CONTROLS = 0.05  # share of a text's bytes that are controls
CONTROLS = bytes(range(1, 9)) + bytes((11, 14, 15)) + bytes(range(16, 26)) + bytes(range(28, 32))
LISTED_MEMBERS = 10


def require_file(path: Path) -> None:
    """Raise DataError for a path that is missing, a folder or an empty file."""
    if path.is_dir():
        raise DataError(f"{path}: is a folder: name a file in it")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")


def sniff_kind(path: Path) -> str:
    """Return 'text' or one of KINDS.

    Raises DataError for a file that is missing, empty or damaged.
    """
    require_file(path)
    head = read_head(path, sniff_compression(path))
    return "excel" if _is_workbook(path) else _judge_head(head)


def require_text(path: Path, head: bytes) -> None:
    """Raise DataError, which says what it is, for a file whose first bytes are no text."""
    kind = "excel" if _is_workbook(path) else _judge_head(head)
    if kind != "text":
        raise DataError(f"{path}: is {KINDS[kind]}")


def sniff_compression(path: Path) -> str | None:
    """Return 'gz', 'zst', 'bz2', 'xz' or 'zip' by the first bytes; None for a file as it stands."""
    with refuse_damage(path, "cannot be read"), path.open("rb") as file:
        head = file.read(8)
    if _is_workbook(path):
        return None
    return next((name for magic, name in COMPRESSION_MAGIC.items() if head.startswith(magic)), None)


@contextmanager
def open_bytes(path: Path, compression: str | None) -> Iterator[BinaryIO]:
    """Open a file to read its bytes, decompressed."""
    if compression == "zip":
        with zipfile.ZipFile(path) as archive, archive.open(_find_member(path, archive)) as file:
            yield cast(BinaryIO, file)
    elif compression == "zst":
        import pyarrow as pa

        with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd") as file:
            yield cast(BinaryIO, file)
    elif compression is None:
        with path.open("rb", buffering=0) as raw:
            yield cast(BinaryIO, raw)
    else:
        openers: dict[str, Callable[[Path, str], Any]]
        openers = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
        with openers[compression](path, "rb") as file:
            yield file


def estimate_bytes(path: Path, compression: str | None) -> int:
    """Return the bytes of a file, estimated for those within where it is compressed."""
    size = path.stat().st_size
    return size * UNPACKED_BYTES if compression else size


def read_head(path: Path, compression: str | None, size: int = HEAD_BYTES) -> bytes:
    """Return the first `size` bytes, decompressed. Raises DataError for a damaged file."""
    with refuse_damage(path, "cannot be read"), open_bytes(path, compression) as file:
        head = io.BytesIO()
        while head.tell() < size and (chunk := file.read(size - head.tell())):
            head.write(chunk)
    return head.getvalue()


def detect_encoding(head: bytes) -> str:
    """Return the encoding of a text by its first bytes.

    A text that is no UTF is taken for windows-1252, the usual one of older programs in Europe and
    America. A guess by the letters' frequency is no better: tables hold too few of them.
    """
    for mark, encoding in WIDE_MARKS.items():
        if head.startswith(mark):
            return encoding
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) > 3 and head[offset::2].count(0) > 0.7 * len(head[offset::2]):
            return encoding
    return detect_narrow_encoding(head)


def detect_narrow_encoding(text: bytes) -> str:
    """Return 'utf-8', 'windows-1252' or 'latin-1'; the last letter may be cut in two."""
    for encoding in ("utf-8", "windows-1252"):
        try:
            text.decode(encoding)
        except UnicodeDecodeError as error:
            if encoding == "utf-8" and error.end == len(text) and len(text) - error.start < 4:
                return encoding
        else:
            return encoding
    return "latin-1"


def _is_workbook(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name in WORKBOOK_MEMBERS for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _judge_head(head: bytes) -> str:
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    if head[257:262] == b"ustar":
        return "archive"
    encoding = detect_encoding(head)
    text = head.decode(encoding, errors="replace")
    controls = sum(head.count(control) for control in CONTROLS)
    if not encoding.startswith(("utf-16", "utf-32")) and (
        controls > MOST_CONTROLS * len(head) or head.count(0) > len(head) / 2
    ):
        return "binary"
    start = text.lstrip("\ufeff \t\r\n")
    return next((kind for pattern, kind in MARKUP if pattern.match(start)), "text")


def _find_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the one table of an archive. Raises DataError where there are none or several."""
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    tables = [m for m in members if m.filename.lower().endswith(TABLE_ENDINGS)] or members
    if len(tables) != 1:
        names = ", ".join(member.filename for member in tables[:LISTED_MEMBERS])
        more = f" and {len(tables) - LISTED_MEMBERS:,} more" * (len(tables) > LISTED_MEMBERS)
        holding = f"{len(tables):,} files ({names}{more})" if tables else "no file"
        raise DataError(f"{path}: holds {holding}: unpack it and name one")
    if tables[0].flag_bits & 1:
        raise DataError(f"{path}: is locked with a password: unpack it")
    return tables[0]
