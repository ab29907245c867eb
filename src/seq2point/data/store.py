"""The Parquet store: one file a house and sampling period, written whole.

Columns: `time` (timestamp, UTC, ms), `mains`, and one for each appliance; float32 watts; NaN is a gap. The file's metadata says
dataset, house, period_s, unit, licence, carrier, nominal_time.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from seq2point.data.align import Times
from seq2point.files import written_whole
from seq2point.recording import Recording, Watts

if TYPE_CHECKING:
    import polars as pl

ROWS_AT_A_TIME = 1 << 20


class Writer:
    """Writes a file of the store group of rows by group of rows; it is whole once the `with` block has ended.

    Times are stored as their differences, which take next to nothing, and watts byte by byte, which compresses best for the time
    that it takes.
    """

    def __init__(self, path: Path, columns: Sequence[str], facts: Mapping[str, str]):
        fields = [pa.field("time", pa.timestamp("ms", "UTC")), *(pa.field(name, pa.float32()) for name in columns)]
        self.schema = pa.schema(fields, metadata=dict(facts))
        encoding = {"time": "DELTA_BINARY_PACKED"} | dict.fromkeys(columns, "BYTE_STREAM_SPLIT")
        self._file = pq.ParquetWriter(
            path, self.schema, compression="zstd", use_dictionary=False, column_encoding=encoding, write_statistics=["time"]
        )

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, times_s: Sequence[Times], columns: Sequence[Sequence[Watts]]) -> None:
        """Write one group of rows: seconds since 1970 (UTC) f64[N] and the columns f32[N] in their order, each in any pieces."""
        stamps = [_array(np.round(piece * 1000).astype(np.int64), self.schema.field("time").type) for piece in times_s]
        power = [pa.chunked_array([_array(piece, pa.float32()) for piece in column]) for column in columns]
        self._file.write_table(pa.table([pa.chunked_array(stamps), *power], schema=self.schema))


def _array(values: np.ndarray[tuple[int], np.dtype[np.generic]], type_: pa.DataType) -> pa.Array:
    """An Arrow array over the same memory; `pa.array` would import pandas, where there is one, to ask it what the values are."""
    return pa.Array.from_buffers(type_, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def write_recording(recording: Recording, path: str | Path, **metadata: str) -> None:
    """Write a recording in the store's schema; `metadata` adds to or replaces the file's own entries.

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
    with written_whole(path) as beside, Writer(beside, list(columns), facts) as writer:
        for first in range(0, len(recording), ROWS_AT_A_TIME):
            rows = slice(first, first + ROWS_AT_A_TIME)
            writer.write([times_s[rows]], [[column[rows]] for column in columns.values()])


def metadata_of(path: str | Path) -> dict[str, str]:
    """The metadata that a Parquet file carries."""
    found = pq.read_schema(path).metadata or {}
    ours = {key: value for key, value in found.items() if not key.startswith((b"ARROW", b"pandas"))}
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in ours.items()}


def column_names(path: str | Path) -> list[str]:
    """The columns of a Parquet file."""
    names: list[str] = pq.read_schema(path).names
    return names


def read_columns(path: str | Path, names: Sequence[str]) -> "pl.DataFrame":
    """Some columns of a Parquet file, read by Arrow: a damaged file can abort the process in Polars' own reader."""
    import polars as pl

    with pq.ParquetFile(path) as file:
        frame = pl.from_arrow(file.read(columns=list(names)).replace_schema_metadata(None))
    assert isinstance(frame, pl.DataFrame)
    return frame.select(names)
