"""The homes of a fleet: a file each, partitions house=..., or a table with a column of homes."""

import os
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from seq2point.data.table_file import PARQUET_ENDINGS
from seq2point.errors import DataError, UsageError
from seq2point.fleet.storage import (
    WILDCARDS,
    StoredFile,
    is_remote,
    is_visible,
    list_files,
    open_file,
)

HOUSE_NAMES = ("house", "house_id", "home", "home_id", "household_id", "customer_id", "site_id")
"""Names of partitions that hold homes, the usual one first."""
HOUSE_COLUMNS = tuple(name for name in HOUSE_NAMES if name != "home")
"""Names of columns that hold homes: a column 'home' is the power of one."""
READABLE = (".csv", ".txt", ".tsv", ".xml", ".gz", ".zst", ".bz2", ".xz", *PARQUET_ENDINGS)


class HomePart(NamedTuple):
    """A file of a home's readings; with `row_groups`, the rows of these that are the home's."""

    file: StoredFile
    row_groups: tuple[int, ...] = ()


class HomeInput(NamedTuple):
    """A home: its name, the parts that its readings are in, and the column of homes, if any."""

    house: str
    parts: tuple[HomePart, ...]
    column: str | None = None

    @property
    def stamp(self) -> str:
        """A text that changes when a file of the home is written again."""
        return ";".join(f"{part.file.stamp}{list(part.row_groups) or ''}" for part in self.parts)

    @property
    def label(self) -> str:
        """Where the home's readings are, for messages."""
        first = self.parts[0].file.address
        if self.column is not None:
            return f"{first} ({self.column} {self.house})"
        others = len(self.parts) - 1
        return f"{first} and {others} more" if others else first


def list_homes(pattern: str, house: str | None = None) -> list[HomeInput]:
    """Return the homes in the files of a pattern or a folder, sorted by name.

    Files under partitions such as `house=17` are one home for each value. Parquet tables with a
    column of homes are one for each value in it. Else each file is a home, by its own name, or by
    its folder's where the pattern names the file. `house` is the name of the partition or column.
    Raises DataError where no file fits or none can be read, UsageError for two homes of one name.
    """
    files = [file for file in list_files(pattern) if _is_readable(file, pattern)]
    if not files:
        raise DataError(
            f"{pattern}: no file of readings is there; name a folder, or put a pattern in quotes:"
            " 'houses/*.parquet'"
        )
    partitions = (house,) if house else HOUSE_NAMES
    if key := next((k for k in partitions if _read_partition(files[0], k) is not None), None):
        return _group_partitions(files, key)
    if column := _find_column(files[0], (house,) if house else HOUSE_COLUMNS):
        return _group_rows(files, column)
    if house:
        raise UsageError(
            f"{house}: {files[0].address} has neither a partition {house}=... in its path nor a"
            f" column '{house}' of a Parquet file; a text file holds one home",
            field="house",
        )
    return _name_files(files, pattern)


def _is_readable(file: StoredFile, pattern: str) -> bool:
    """Whether a file is one of readings: each that a pattern names, those of a folder by ending."""
    named = WILDCARDS & set(pattern) or pattern == file.address
    return bool(named) or file.address.lower().endswith(READABLE)


def _read_partition(file: StoredFile, key: str) -> str | None:
    for part in PurePosixPath(file.address.replace("\\", "/")).parts[:-1]:
        name, equals, value = part.partition("=")
        if equals and name == key and value:
            return unquote(value)
    return None


def _group_partitions(files: Sequence[StoredFile], key: str) -> list[HomeInput]:
    homes: dict[str, list[HomePart]] = {}
    for file in files:
        value = _read_partition(file, key)
        if value is None:
            raise UsageError(f"{file.address}: is not under a partition {key}=... as others are")
        homes.setdefault(value, []).append(HomePart(file))
    return [HomeInput(name, tuple(parts)) for name, parts in sorted(homes.items())]


def _name_files(files: Sequence[StoredFile], pattern: str) -> list[HomeInput]:
    last = PurePosixPath(pattern).name
    by_folder = bool(WILDCARDS & set(pattern)) and not WILDCARDS & set(last)
    homes: dict[str, StoredFile] = {}
    for file in files:
        path = PurePosixPath(file.address)
        name = path.parent.name if by_folder else path.name.partition(".")[0] or path.name
        if name in homes:
            raise UsageError(
                f"{homes[name].address} and {file.address}: both are home '{name}'; rename one, or"
                " put files of one home under a folder house=NAME"
            )
        homes[name] = file
    return [HomeInput(name, (HomePart(file),)) for name, file in sorted(homes.items())]


def _find_column(file: StoredFile, names: Sequence[str | None]) -> str | None:
    """Return the column of homes in a Parquet file, None where it has none."""
    if not file.address.lower().endswith(PARQUET_ENDINGS):
        return None
    try:
        with open_file(file.address) as source:
            schema = pq.read_schema(source)
    except (pa.ArrowException, OSError):
        return None  # a damaged home, which is set aside like any other
    return next(
        (n for n in names if n in schema.names and _names_homes(schema.field(n).type)), None
    )


def _names_homes(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
        or pa.types.is_string_view(kind)
    )  # fmt: skip


def _group_rows(files: Sequence[StoredFile], column: str) -> list[HomeInput]:
    homes: dict[str, dict[StoredFile, list[int]]] = {}
    for file in files:
        try:
            for group, value in _list_values(file, column):
                homes.setdefault(value, {}).setdefault(file, []).append(group)
        except (pa.ArrowException, OSError, KeyError) as error:
            reason = str(error).partition("\n")[0]
            raise DataError(
                f"{file.address}: its column '{column}' cannot be read ({reason}); leave the file"
                " out, or copy it again"
            ) from None
    return [
        HomeInput(
            name, tuple(HomePart(file, tuple(groups)) for file, groups in found.items()), column
        )
        for name, found in sorted(homes.items())
    ]


def _list_values(file: StoredFile, column: str) -> Iterator[tuple[int, str]]:
    """Yield the row groups of a table with each home in them; statistics save reading them."""
    with open_file(file.address) as source, pq.ParquetFile(source) as table:
        index = table.schema_arrow.names.index(column)
        for group in range(table.metadata.num_row_groups):
            statistics = table.metadata.row_group(group).column(index).statistics
            whole = statistics is not None and statistics.has_min_max and not statistics.null_count
            if whole and statistics.min == statistics.max:
                yield group, str(statistics.min)
                continue
            values = pl.from_arrow(table.read_row_group(group, columns=[column]))
            assert isinstance(values, pl.DataFrame)
            for value in values[column].drop_nulls().unique().sort().to_list():
                yield group, str(value)


def count_reads(homes: Sequence[HomeInput]) -> float:
    """Return how many times each row group of a table is read, on average."""
    groups = [
        (part.file.address, group)
        for home in homes
        for part in home.parts
        for group in part.row_groups
    ]
    return float(np.mean(np.unique(groups, axis=0, return_counts=True)[1])) if groups else 1.0


def require_apart(pattern: str, output: str) -> None:
    """Raise UsageError where the next run would read the results of this one as homes.

    It would where they lie below a folder of homes, or below one that is searched by `**`.
    """
    folder = pattern.partition("**")[0] if "**" in pattern else pattern
    root, place = _resolve(folder).rstrip("/"), _resolve(output)
    below = place.removeprefix(f"{root}/")
    if WILDCARDS & set(folder) or below == place or not is_visible(PurePosixPath(below).parts):
        return
    raise UsageError(
        f"{output}: is inside {pattern}, and the next run would take its files for homes; write to"
        " another folder"
    )


def _resolve(address: str) -> str:
    return address.rstrip("/") if is_remote(address) else os.path.realpath(address)


def require_outside(homes: Sequence[HomeInput], output: str) -> None:
    """Raise UsageError where the results would lie among the readings, and be taken for homes."""
    root = _resolve(output)
    for home in homes:
        if _resolve(home.parts[0].file.address).startswith(root + "/"):
            raise UsageError(
                f"{output}: holds the readings of home '{home.house}'; write to another folder"
            )
