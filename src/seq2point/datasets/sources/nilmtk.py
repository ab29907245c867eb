"""NILMTK's HDF5 files, to which NILMTK converts some sixteen data sets.

`/building1/elec/meter1` is a table of pandas and PyTables. A row is a time (UTC) and blocks of
values. Pickled attributes say what the values are; pickled.py reads them without unpickling. The
building's metadata says in the same way what each meter measures. Site meters are the mains and are
summed; so are several meters of an appliance. Buildings are numbered from 1 without holes: REFIT's
house 15 is building 14.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from seq2point.data.file_errors import refuse_damage
from seq2point.data.times.timestamps import limit_years
from seq2point.datasets.contract import (
    MAINS,
    Meter,
    Piece,
    RawHouse,
    Selection,
    Source,
    select_houses,
)
from seq2point.datasets.sources.pickled import read_plain_pickle
from seq2point.datasets.sources.raw_channels import (
    ChannelChoice,
    HouseListing,
    RawChannel,
    choose_channels,
    gather_houses,
)
from seq2point.datasets.unreadable import OnUnreadable, open_readable, warn_of_unreadable
from seq2point.errors import DataError
from seq2point.limits import PLUG_LIMIT_W

if TYPE_CHECKING:
    import h5py

LAYOUT = "an HDF5 file of NILMTK (/building1/elec/meter1, ...)"
LICENCES = {"REFIT": "CC BY 4.0", "UK-DALE": "CC BY 4.0"}
ROWS_AT_A_TIME = 1 << 17
PIECE_BYTES = 1 << 25
LARGEST_CHUNK_BYTES = 1 << 28  # HDF5 reads a chunk as a whole: a crafted one fills the memory
POWER = (("power", "active"), ("power", "apparent"), ("power", ""))
NO_TIME = np.iinfo(np.int64).min
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class _MeterMetadata(BaseModel):
    site_meter: Any = None
    disabled: Any = None
    submeter_of: Any = None

    @property
    def is_mains(self) -> bool:
        return bool(self.site_meter) and not self.disabled and not self.submeter_of


class _ApplianceMetadata(BaseModel):
    type: str = "unknown"
    meters: list[int] = []
    dominant_appliance: Any = None


class _DatasetMetadata(BaseModel):
    name: str | None = None


class _BuildingMetadata(BaseModel):
    original_name: str | None = None
    elec_meters: dict[int, _MeterMetadata] | None = None
    appliances: list[_ApplianceMetadata] | None = None


_Metadata = TypeVar("_Metadata", _DatasetMetadata, _BuildingMetadata)


class _Building(NamedTuple):
    """A building: its number, the number of its house, and the meters of mains and appliances."""

    number: str
    house: str
    mains: tuple[str, ...]
    channels: tuple[RawChannel, ...]


def list_houses(
    root: Path, selection: Selection, on_unreadable: OnUnreadable = warn_of_unreadable
) -> list[RawHouse]:
    """Return the selected houses of a file, by the numbers of their data set.

    `on_unreadable` is called with each building without metadata, mains or a meter that the
    metadata names. Raises DataError for another file, for an appliance that no house has, and where
    a house by name, or every house, is unreadable.
    """
    with _open_file(root) as file:
        metadata = _read_metadata(file, root, _DatasetMetadata) or _DatasetMetadata()
        dataset = metadata.name or root.stem
        numbers = [match[1] for name in file if (match := re.fullmatch(r"building(\d+)", name))]
        number_by_house = {_find_house_number(file, root, dataset, n): n for n in numbers}

        def list_house(house: str) -> HouseListing:
            number = number_by_house[house]
            with refuse_damage(root, f"building{number} cannot be read"):
                building = _read_building(file, root, house, number)
                choice = choose_channels(building.channels, selection.appliances)
                raw = _make_house(file, root, dataset, building, choice)
            return HouseListing(raw, [channel.label for channel in building.channels])

        listings = open_readable(
            select_houses(number_by_house, selection.houses, root, LAYOUT),
            list_house,
            lambda house: _make_title(house, number_by_house[house]),
            bool(selection.houses),
            on_unreadable,
        )
        return gather_houses(listings, selection.appliances, root)


@contextmanager
def _open_file(path: Path) -> "Iterator[h5py.File]":
    import h5py
    import hdf5plugin  # noqa: F401  (registers Blosc, with which NILMTK compresses)

    if not path.is_file():
        raise DataError(f"{path}: no such file; expected {LAYOUT}")
    with (
        refuse_damage(path, "not an HDF5 file, or a damaged one"),
        h5py.File(path, "r", locking=False) as file,
    ):
        yield file


def _read_metadata(group: "h5py.Group", path: Path, kind: type[_Metadata]) -> _Metadata | None:
    """Return the metadata of a group; None where it has none.

    Raises DataError for metadata that NILMTK does not write.
    """
    pickled = group.attrs.get("metadata")
    try:
        return None if pickled is None else kind.model_validate(_unpickle(pickled))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "all of it"
        raise DataError(
            f"{path}: the metadata of {group.name} is not NILMTK's ({field}: {first['msg']})"
        ) from None
    except ValueError as error:
        raise DataError(f"{path}: the metadata of {group.name} cannot be read ({error})") from None


def _unpickle(pickled: Any) -> Any:
    if not isinstance(pickled, bytes):
        raise ValueError(f"it is {type(pickled).__name__}, not a pickle")
    return read_plain_pickle(pickled)


def _read_building(file: "h5py.File", path: Path, house: str, number: str) -> _Building:
    metadata = _read_metadata(file[f"building{number}"], path, _BuildingMetadata)
    if metadata is None or metadata.elec_meters is None:
        raise DataError(
            f"{path}: building{number} has no metadata of NILMTK on its meters; convert the data"
            " set again"
        )
    mains = tuple(str(key) for key, meter in metadata.elec_meters.items() if meter.is_mains)
    if not mains:
        raise DataError(f"{path}: building{number} has no meter of the mains (site_meter)")
    label_by_meters: dict[str, str] = {}
    for appliance in sorted(
        metadata.appliances or (), key=lambda appliance: not appliance.dominant_appliance
    ):
        key = "+".join(map(str, appliance.meters))
        if key not in ("", "0"):
            label_by_meters.setdefault(key, appliance.type)
    channels = tuple(
        RawChannel(key, "" if label == "unknown" else label)
        for key, label in sorted(label_by_meters.items(), key=_get_number)
    )
    return _Building(number, house, mains, channels)


def _get_number(item: tuple[str, str]) -> int:
    return int(re.sub(r"\D.*", "", item[0]) or 0)


def _find_house_number(file: "h5py.File", path: Path, dataset: str, number: str) -> str:
    """Return the data set's own number of a building.

    REFIT has no house 14, but NILMTK has a building 14.
    """
    if dataset != "REFIT":
        return number
    try:
        with refuse_damage(path, f"building{number} cannot be read"):
            metadata = _read_metadata(file[f"building{number}"], path, _BuildingMetadata)
    except DataError:
        metadata = None  # it is refused where it is read for its meters
    match = re.search(r"\d+", (metadata and metadata.original_name) or "")
    return match[0] if match else str(int(number) + (int(number) >= 14))


def _make_title(house: str, number: str) -> str:
    return f"house {house}" if house == number else f"house {house} (building {number})"


def _make_house(
    file: "h5py.File", path: Path, dataset: str, building: _Building, choice: ChannelChoice
) -> RawHouse:
    keys = {MAINS: building.mains} | {
        name: tuple(channel.key.split("+")) for name, channel in choice.channels.items()
    }
    meters = [
        _make_meter(file, path, building.number, key, name)
        for name, of in keys.items()
        for key in of
    ]
    origins = {name: f"meter {c.key} '{c.label}'" for name, c in choice.channels.items()}
    return RawHouse(
        dataset,
        building.house,
        f"{re.sub(r'[^a-z0-9]', '', dataset.lower())}_house{building.house}",
        _make_title(building.house, building.number),
        tuple(meters),
        None,
        {MAINS: "meter " + " + ".join(building.mains)} | origins,
        LICENCES.get(dataset, "unknown"),
        PLUG_LIMIT_W if dataset in LICENCES else None,
        facts={"carrier": path.name, "building": building.number},
        remarks=choice.remarks,
    )


def _make_meter(file: "h5py.File", path: Path, building: str, key: str, column: str) -> Meter:
    name = f"/building{building}/elec/meter{key}/table"
    if name not in file:
        raise DataError(f"{path}: no {name}, though the metadata names it")
    table = file[name]
    block, index = _find_power_column(table, path)
    unit = re.match(r"datetime64(?:\[(\w+))?", _to_text(table.attrs.get("index_kind", b"")))
    per_second = PER_SECOND.get(unit[1] or "ns") if unit else None
    if per_second is None:
        raise DataError(f"{path}: {name} has no index of times")
    _require_rows(table, path)
    read = partial(_read_pieces, path, name, block, index, per_second)
    return Meter(
        name.removesuffix("/table"),
        path,
        (column,),
        read,
        int(table.id.get_storage_size()),
        how=f"{block} {index}",
    )


def _find_power_column(table: "h5py.Dataset", path: Path) -> tuple[str, int]:
    """Return the block of a meter's power and the place in it; active power where it has that."""
    blocks = [name for name in table.dtype.names or () if name.startswith("values_block_")]
    try:
        kinds = {name: _unpickle(table.attrs.get(f"{name}_kind")) for name in blocks}
    except ValueError as error:
        raise DataError(f"{path}: the columns of {table.name} cannot be read ({error})") from None
    columns = {
        column: (name, i)
        for name, of in kinds.items()
        if isinstance(of, list | tuple)
        for i, column in enumerate(of)
        if isinstance(column, tuple) and all(isinstance(word, str) for word in column)
    }
    for power in POWER:
        if power in columns:
            return columns[power]
    listing = ", ".join(" ".join(column) for column in columns) or "none"
    raise DataError(
        f"{path}: {table.name} has no column of active or apparent power (columns: {listing})"
    )


def _require_rows(table: "h5py.Dataset", path: Path) -> None:
    """Raise DataError where a table claims more rows than its file holds.

    HDF5 would make up the rest, for ever.
    """
    if table.chunks is None:
        stored = int(table.id.get_storage_size()) // max(table.dtype.itemsize, 1)
    else:
        stored = int(table.id.get_num_chunks()) * table.chunks[0]
        chunk_bytes = int(np.prod(table.chunks)) * table.dtype.itemsize
        if chunk_bytes > LARGEST_CHUNK_BYTES:
            raise DataError(
                f"{path}: {table.name} is stored in pieces of {chunk_bytes:,} bytes, which is no"
                " meter's table"
            )
    if len(table) > stored:
        raise DataError(
            f"{path}: {table.name} claims {len(table):,} rows and holds {stored:,} at most; the"
            " file is damaged"
        )


def _to_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _read_pieces(path: Path, name: str, block: str, index: int, per_second: int) -> Iterator[Piece]:
    with _open_file(path) as file:
        table = file[name]
        share = int(table.id.get_storage_size()) / max(len(table), 1)
        at_a_time = max(min(ROWS_AT_A_TIME, PIECE_BYTES // table.dtype.itemsize), 1)
        for first in range(0, len(table), at_a_time):
            rows = table[first : first + at_a_time]
            with np.errstate(over="ignore"):
                watts = rows[block].reshape(len(rows), -1)[:, index].astype(np.float32)
            stamps = rows["index"]
            times_s = limit_years(np.where(stamps == NO_TIME, np.nan, stamps / per_second))
            yield Piece(times_s, [watts], size=int(share * len(rows)))


SOURCE = Source("nilmtk", LAYOUT, list_houses)
