"""The Parquet store: one file a house and sampling period, written whole.

Columns: `time` (timestamp, UTC, ms), `mains`, and one for each appliance; float32 watts; NaN is a
gap. The file's metadata says dataset, house, period_s, unit, licence, carrier, nominal_time.

Every Parquet file that this package writes has a checksum in each page and a digest of its
metadata. Both are checked on reading.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seq2point.data.grid import Times
from seq2point.errors import DataError
from seq2point.recording import Recording, Watts
from seq2point.system.atomic_files import atomic_write

if TYPE_CHECKING:
    import polars as pl

ROWS_AT_A_TIME = 1 << 20
DIGEST = "seq2point_sha256"
ADVICE = "copy the file again, or make it again"


def open_writer(path: Path, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """A Parquet writer with what this package wants in every file: zstd, page checksums and a
    digest of the metadata.

    `options` are those of `pyarrow.parquet.ParquetWriter`.
    """
    facts = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    sealed = schema.with_metadata(facts | {DIGEST: _digest(schema, facts)})
    return pq.ParquetWriter(path, sealed, compression="zstd", write_page_checksum=True, **options)


@contextmanager
def open_reader(path: str | Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file to read from; raises DataError for a page that differs from its checksum."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except OSError as error:
        if "CRC" not in str(error):
            raise
        raise DataError(f"{path}: damaged (the checksum of a page differs); {ADVICE}") from None


def _digest(schema: pa.Schema, facts: Mapping[str, str]) -> str:
    """The SHA-256 of a file's columns and metadata, which no page checksum covers."""
    text = json.dumps([[(field.name, str(field.type)) for field in schema], sorted(facts.items())])
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class Writer:
    """Writes a file of the store group of rows by group of rows; it is whole once the `with` block
    has ended.

    Times are stored as their differences, which take next to nothing, and watts byte by byte, which
    compresses best for the time that it takes.
    """

    def __init__(self, path: Path, columns: Sequence[str], facts: Mapping[str, str]):
        fields = [
            pa.field("time", pa.timestamp("ms", "UTC")),
            *(pa.field(name, pa.float32()) for name in columns),
        ]
        self.schema = pa.schema(fields, metadata=dict(facts))
        encoding = {"time": "DELTA_BINARY_PACKED"} | dict.fromkeys(columns, "BYTE_STREAM_SPLIT")
        self._file = open_writer(
            path,
            self.schema,
            use_dictionary=False,
            column_encoding=encoding,
            write_statistics=["time"],
        )

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, times_s: Sequence[Times], columns: Sequence[Sequence[Watts]]) -> None:
        """Write one group of rows: seconds since 1970 (UTC) f64[N] and the columns f32[N] in their
        order, each in any pieces.
        """
        stamps = [
            _array(np.round(piece * 1000).astype(np.int64), self.schema.field("time").type)
            for piece in times_s
        ]
        power = [
            pa.chunked_array([_array(piece, pa.float32()) for piece in column])
            for column in columns
        ]
        self._file.write_table(pa.table([pa.chunked_array(stamps), *power], schema=self.schema))


def _array(values: np.ndarray[tuple[int], np.dtype[np.generic]], type_: pa.DataType) -> pa.Array:
    """An Arrow array over the same memory; `pa.array` would import pandas, where there is one, to
    ask it what the values are.
    """
    return pa.Array.from_buffers(
        type_, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
    )


def write_recording(recording: Recording, path: str | Path, **metadata: str) -> None:
    """Write a recording in the store's schema; `metadata` adds to or replaces the file's own
    entries.

    A recording without a start gets nominal times from 1970 and `nominal_time` true.
    """
    columns = {"mains": recording.mains_w, **recording.appliances_w}
    facts = {
        "house": recording.house,
        "period_s": f"{recording.period_s:g}",
        "unit": "W",
        "nominal_time": str(recording.start is None).lower(),
    } | metadata
    times_s = recording.times_s()
    with atomic_write(path) as beside, Writer(beside, list(columns), facts) as writer:
        for first in range(0, len(recording), ROWS_AT_A_TIME):
            rows = slice(first, first + ROWS_AT_A_TIME)
            writer.write([times_s[rows]], [[column[rows]] for column in columns.values()])


def read_metadata(path: str | Path) -> dict[str, str]:
    """The metadata that a Parquet file carries.

    Raises DataError where they differ from the digest that was written with them.
    """
    return _decode_metadata(_schema(path))


def read_column_names(path: str | Path) -> list[str]:
    """The columns of a Parquet file; raises DataError as `read_metadata` does."""
    names: list[str] = _schema(path).names
    return names


def _decode_metadata(schema: pa.Schema) -> dict[str, str]:
    found = {
        key: value
        for key, value in (schema.metadata or {}).items()
        if not key.startswith((b"ARROW", b"pandas"))
    }
    facts = {
        key.decode(errors="replace"): value.decode(errors="replace") for key, value in found.items()
    }
    facts.pop(DIGEST, None)
    return facts


def _schema(path: str | Path) -> pa.Schema:
    schema = pq.read_schema(path)
    said = (schema.metadata or {}).get(DIGEST.encode())
    if said is not None and said != _digest(schema, _decode_metadata(schema)).encode():
        raise DataError(f"{path}: damaged (the checksum of its metadata differs); {ADVICE}")
    return schema


def read_columns(path: str | Path, names: Sequence[str]) -> "pl.DataFrame":
    """Some columns of a Parquet file, read by Arrow: a damaged file can abort the process in
    Polars' own reader.
    """
    import polars as pl

    with open_reader(path) as file:
        frame = pl.from_arrow(file.read(columns=list(names)).replace_schema_metadata(None))
    assert isinstance(frame, pl.DataFrame)
    return frame.select(names)
