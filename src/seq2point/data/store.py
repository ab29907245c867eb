"""The Parquet store: one file a house and sampling period, written whole.

Columns: `time` (timestamp, UTC, ms), `mains`, and one for each appliance; float32 watts; NaN is a gap. The file's metadata says
dataset, house, period_s, unit, licence, carrier, nominal_time.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from seq2point.files import written_whole
from seq2point.recording import Recording

ROWS_AT_A_TIME = 1 << 20


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
    schema = pa.schema(
        [pa.field("time", pa.timestamp("ms", "UTC")), *(pa.field(name, pa.float32()) for name in columns)],
        metadata=facts,
    )
    times_ms = np.round(recording.times_s() * 1000).astype(np.int64)
    with written_whole(path) as beside, pq.ParquetWriter(beside, schema, compression="zstd") as writer:
        for first in range(0, len(recording), ROWS_AT_A_TIME):
            rows = slice(first, first + ROWS_AT_A_TIME)
            times = pa.array(times_ms[rows]).cast(schema.field("time").type)
            writer.write_table(pa.table([times, *(pa.array(c[rows]) for c in columns.values())], schema=schema))


def metadata_of(path: str | Path) -> dict[str, str]:
    """The metadata that a Parquet file carries."""
    found = pq.read_schema(path).metadata or {}
    ours = {key: value for key, value in found.items() if not key.startswith((b"ARROW", b"pandas"))}
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, value in ours.items()}


def column_names(path: str | Path) -> list[str]:
    """The columns of a Parquet file."""
    names: list[str] = pq.read_schema(path).names
    return names


def read_columns(path: str | Path, names: Sequence[str]) -> pl.DataFrame:
    """Some columns of a Parquet file, read by Arrow: a damaged file can abort the process in Polars' own reader."""
    with pq.ParquetFile(path) as file:
        frame = pl.from_arrow(file.read(columns=list(names)).replace_schema_metadata(None))
    assert isinstance(frame, pl.DataFrame)
    return frame.select(names)
