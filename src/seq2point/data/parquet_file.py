"""Parquet files: one for each house and sampling period.

Columns: `time` (timestamp, UTC, ms), `mains`, and one for each appliance. Power is float32 in
watts; NaN is a gap. The metadata holds dataset, house, period_s, unit, licence, carrier and
nominal_time.
Every Parquet file of this package has a checksum in each page and a digest of its metadata. Both
are checked on reading.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seq2point.data.grid import Times
from seq2point.errors import DataError
from seq2point.recording import Recording, Watts
from seq2point.system.atomic_files import atomic_write

ROWS_AT_A_TIME = 1 << 20
DIGEST = "seq2point_sha256"
ADVICE = "copy the file again, or make it again"


def open_writer(path: Path, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """Return a Parquet writer with zstd, page checksums and a digest of the metadata.

    `options` are those of `pyarrow.parquet.ParquetWriter`.
    """
    metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    schema = schema.with_metadata(metadata | {DIGEST: _hash_schema(schema, metadata)})
    return pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True, **options)


@contextmanager
def open_reader(path: str | Path) -> Iterator[pq.ParquetFile]:
    """Yield a Parquet file; raises DataError for a page that differs from its checksum."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except OSError as error:
        if "CRC" not in str(error):
            raise
        raise DataError(f"{path}: damaged (the checksum of a page differs); {ADVICE}") from None


def _hash_schema(schema: pa.Schema, metadata: Mapping[str, str]) -> str:
    """Return the SHA-256 of a file's columns and metadata, which no page checksum covers."""
    columns = [(field.name, str(field.type)) for field in schema]
    text = json.dumps([columns, sorted(metadata.items())])
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


class Writer:
    """Writes a recording's Parquet file, one group of rows after another, inside a `with` block.

    Times are stored as their differences, which take next to nothing. Watts are stored byte by
    byte, which compresses best for its time.
    """

    def __init__(self, path: Path, columns: Sequence[str], metadata: Mapping[str, str]):
        fields = [
            pa.field("time", pa.timestamp("ms", "UTC")),
            *(pa.field(name, pa.float32()) for name in columns),
        ]
        self.schema = pa.schema(fields, metadata=dict(metadata))
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
        """Write a group of rows: seconds since 1970, UTC, f64[N], and the columns f32[N] in order.

        Each comes as a list of pieces.
        """
        milliseconds = [
            _to_arrow(np.round(piece * 1000).astype(np.int64), self.schema.field("time").type)
            for piece in times_s
        ]
        power = [
            pa.chunked_array([_to_arrow(piece, pa.float32()) for piece in column])
            for column in columns
        ]
        time = pa.chunked_array(milliseconds)
        self._file.write_table(pa.table([time, *power], schema=self.schema))


def _to_arrow(values: np.ndarray[tuple[int], np.dtype[np.generic]], type_: pa.DataType) -> pa.Array:
    """Return an Arrow array over the same memory. `pa.array` would import pandas where it is."""
    return pa.Array.from_buffers(
        type_, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
    )


def write_recording(recording: Recording, path: str | Path, **metadata: str) -> None:
    """Write a recording as a Parquet file. `metadata` adds to the file's entries or replaces them.

    A recording without a start gets nominal times from 1970 on, and `nominal_time` is true.
    """
    columns = {"mains": recording.mains_w, **recording.appliances_w}
    entries = {
        "house": recording.house,
        "period_s": f"{recording.period_s:g}",
        "unit": "W",
        "nominal_time": str(recording.start is None).lower(),
    } | metadata
    times_s = recording.times_s()
    with atomic_write(path) as beside, Writer(beside, list(columns), entries) as writer:
        for first in range(0, len(recording), ROWS_AT_A_TIME):
            rows = slice(first, first + ROWS_AT_A_TIME)
            writer.write([times_s[rows]], [[column[rows]] for column in columns.values()])


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return the metadata of a Parquet file.

    Raises DataError where it differs from its digest.
    """
    return _decode_metadata(_read_schema(path))


def read_column_names(path: str | Path) -> list[str]:
    """Return the columns of a Parquet file; raises DataError as `read_metadata` does."""
    names: list[str] = _read_schema(path).names
    return names


def _decode_metadata(schema: pa.Schema) -> dict[str, str]:
    metadata = {
        key.decode(errors="replace"): value.decode(errors="replace")
        for key, value in (schema.metadata or {}).items()
        if not key.startswith((b"ARROW", b"pandas"))
    }
    metadata.pop(DIGEST, None)
    return metadata


def _read_schema(path: str | Path) -> pa.Schema:
    schema = pq.read_schema(path)
    digest = (schema.metadata or {}).get(DIGEST.encode())
    if digest is not None and digest != _hash_schema(schema, _decode_metadata(schema)).encode():
        raise DataError(f"{path}: damaged (the checksum of its metadata differs); {ADVICE}")
    return schema
