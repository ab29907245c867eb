"""A flipped bit in a Parquet file of ours is noticed, or changes nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from seq2point import DataError, Model, Recording, load_recording
from seq2point.configuration import ColumnsConfig
from seq2point.data.parquet_file import read_metadata, write_recording
from seq2point.data.table import read_table
from seq2point.datasets.contract import Selection
from seq2point.datasets.sources import find_source
from seq2point.model.disaggregation import write_predictions

DAMAGED = r"damaged \(the checksum of a page differs\); copy the file again, or make it again"


@pytest.fixture
def house(tmp_path: Path, make_recording: Callable[..., Recording]) -> Path:
    path = tmp_path / "house.parquet"
    watts = np.random.default_rng(1).uniform(0, 3000, (2, 4000)).astype(np.float32)
    write_recording(
        make_recording(watts[0], kettle=watts[1]), path, dataset="test", licence="CC BY 4.0"
    )
    return path


@pytest.fixture
def answer(tmp_path: Path, house: Path, tiny_model: Model) -> Path:
    path, table = tmp_path / "answer.parquet", read_table(house)
    power_w = np.random.default_rng(2).uniform(0, 3000, (len(table), 1)).astype(np.float32)
    write_predictions(path, table, tiny_model, power_w)
    return path


def flipped(path: Path, bytes_at: range, count: int) -> Iterator[Path]:
    """The same file with one bit changed, at so many places drawn from a range of bytes."""
    content = path.read_bytes()
    for bit in np.random.default_rng(3).choice(8 * len(bytes_at), count, replace=False):
        altered = bytearray(content)
        altered[bytes_at[bit // 8]] ^= 1 << (bit % 8)
        changed = path.with_name(f"flipped{path.suffix}")
        changed.write_bytes(altered)
        yield changed


def column_bytes(path: Path, column: int) -> range:
    """Where a column's values lie, behind the headers of their pages."""
    chunk = pq.ParquetFile(path).metadata.row_group(0).column(column)
    first = chunk.dictionary_page_offset or chunk.data_page_offset
    end = first + chunk.total_compressed_size
    return range(end - chunk.total_compressed_size // 4, end)


def contents(path: Path) -> tuple[object, ...]:
    read = load_recording(path)
    watts = {name: power_w.tobytes() for name, power_w in read.appliances_w.items()}
    return (
        read.house,
        read.period_s,
        read.start,
        read.jumps,
        read.mains_w.tobytes(),
        watts,
        read_metadata(path),
    )


def refusal(path: Path) -> str:
    """What the reader says against a file, nothing where it reads it."""
    try:
        contents(path)
    except DataError as error:
        return str(error)
    return ""


def read_raw_house(path: Path) -> None:
    (raw,) = find_source("table").list_houses(path, Selection())
    for meter in raw.meters:
        list(meter.read())


def test_a_flipped_bit_anywhere_is_refused_in_one_line_or_changes_nothing(house: Path):
    before, refused = contents(house), 0
    for changed in flipped(house, range(house.stat().st_size), 400):
        text = refusal(changed)
        assert text.startswith(f"{changed}: ") if text else contents(changed) == before
        assert "\n" not in text
        refused += bool(text)
    assert refused > 300


@pytest.mark.parametrize("column", range(3))
def test_a_flipped_bit_of_a_page_is_named_by_every_reader(house: Path, column: int):
    for changed in flipped(house, column_bytes(house, column), 5):
        with pytest.raises(DataError, match=rf"flipped\.parquet: {DAMAGED}"):
            load_recording(changed)
        with pytest.raises(DataError, match=rf"flipped\.parquet: {DAMAGED}"):
            read_raw_house(changed)


def test_an_answer_has_checksums_too(answer: Path):
    own = ColumnsConfig(mains="kettle")
    assert (
        load_recording(answer, columns=own).mains_w.tobytes()
        == pl.read_parquet(answer)["kettle"].to_numpy().tobytes()
    )
    for changed in flipped(answer, column_bytes(answer, 1), 5):
        with pytest.raises(DataError, match=rf"flipped\.parquet: {DAMAGED}"):
            read_table(changed, columns=own)


def test_altered_metadata_are_noticed(house: Path):
    table = pq.read_table(house)
    pq.write_table(
        table.replace_schema_metadata(table.schema.metadata | {b"house": b"another"}), house
    )
    with pytest.raises(
        DataError, match=r"damaged \(the checksum of its metadata differs\); copy the file again"
    ):
        load_recording(house)
