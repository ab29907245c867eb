"""NILMTK's HDF5 files, to which it converts some sixteen data sets: `/building1/elec/meter1` is a
table of pandas and PyTables.

A table's rows are a stamp (UTC) and blocks of values; what the values are stands in pickled
attributes, which are read without unpickling (pickled.py). Which meter is what stands in the same
way in the building's metadata: site meters are the mains, and are summed where there are several;
an appliance with several meters is their sum. Buildings are numbered from 1 without holes: REFIT's
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
from seq2point.data.timestamps import limit_years
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
    RawChannel,
    choose_channels,
    require_channels,
)
from seq2point.errors import DataError
from seq2point.limits import PLUG_LIMIT_W

if TYPE_CHECKING:
    import h5py

LAYOUT = "an HDF5 file of NILMTK (/building1/elec/meter1, ...)"
LICENCES = {"REFIT": "CC BY 4.0", "UK-DALE": "CC BY 4.0"}
ROWS_AT_A_TIME = 1 << 17
PIECE_BYTES = 1 << 25
LARGEST_CHUNK_BYTES = 1 << 28
POWER = (("power", "active"), ("power", "apparent"), ("power", ""))
NO_TIME = np.iinfo(np.int64).min
A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class _MeterAbout(BaseModel):
    site_meter: Any = None
    disabled: Any = None
    submeter_of: Any = None

    @property
    def is_mains(self) -> bool:
        return bool(self.site_meter) and not self.disabled and not self.submeter_of


class _ApplianceAbout(BaseModel):
    type: str = "unknown"
    meters: list[int] = []
    dominant_appliance: Any = None


class _DatasetAbout(BaseModel):
    name: str | None = None


class _BuildingAbout(BaseModel):
    original_name: str | None = None
    elec_meters: dict[int, _MeterAbout] | None = None
    appliances: list[_ApplianceAbout] | None = None


_About = TypeVar("_About", _DatasetAbout, _BuildingAbout)


class _Building(NamedTuple):
    """A building's number, its house's number, its mains and appliances by meter, and its group in
    the file.
    """

    number: str
    house: str
    mains: tuple[str, ...]
    channels: tuple[RawChannel, ...]


def houses(root: Path, wanted: Selection) -> list[RawHouse]:
    """The houses of a file, by the numbers that their data set gives them.

    Raises DataError where it is no such file, a building says nothing about its meters, and for an
    appliance that none has.
    """
    with _opened(root) as file:
        about = _metadata(file, root, _DatasetAbout) or _DatasetAbout()
        dataset = about.name or root.stem
        buildings = [
            _building(file[name], root, dataset, match[1])
            for name in file
            if (match := re.fullmatch(r"building(\d+)", name))
        ]
        found = {building.house: building for building in buildings}
        taken = [found[house] for house in select_houses(found, wanted.houses, root, LAYOUT)]
        choices = {b.house: choose_channels(b.channels, wanted.appliances) for b in taken}
        require_channels(
            choices, wanted.appliances, root, [c.label for b in taken for c in b.channels]
        )
        return [
            _house(file, root, dataset, building, choices[building.house]) for building in taken
        ]


@contextmanager
def _opened(path: Path) -> "Iterator[h5py.File]":
    import h5py
    import hdf5plugin  # noqa: F401  (registers Blosc, with which NILMTK compresses)

    if not path.is_file():
        raise DataError(f"{path}: no such file; expected {LAYOUT}")
    with (
        refuse_damage(path, "no HDF5 file, or a damaged one"),
        h5py.File(path, "r", locking=False) as file,
    ):
        yield file


def _metadata(group: "h5py.Group", path: Path, kind: type[_About]) -> _About | None:
    """What a group says of itself; None where it says nothing. Raises DataError for what NILMTK
    would not have written.
    """
    pickled = group.attrs.get("metadata")
    try:
        return None if pickled is None else kind.model_validate(_plain(pickled))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "all of it"
        raise DataError(
            f"{path}: the metadata of {group.name} is not NILMTK's ({field}: {first['msg']})"
        ) from None
    except ValueError as error:
        raise DataError(f"{path}: the metadata of {group.name} cannot be read ({error})") from None


def _plain(pickled: Any) -> Any:
    if not isinstance(pickled, bytes):
        raise ValueError(f"no pickle but {type(pickled).__name__}")
    return read_plain_pickle(pickled)


def _building(group: "h5py.Group", path: Path, dataset: str, number: str) -> _Building:
    about = _metadata(group, path, _BuildingAbout)
    if about is None or about.elec_meters is None:
        raise DataError(
            f"{path}: building{number} has no metadata of NILMTK's, so which meter is what is not"
            " known"
        )
    mains = tuple(str(key) for key, meter in about.elec_meters.items() if meter.is_mains)
    if not mains:
        raise DataError(f"{path}: building{number} has no meter of the mains (site_meter)")
    named: dict[str, str] = {}
    for appliance in sorted(
        about.appliances or (), key=lambda appliance: not appliance.dominant_appliance
    ):
        key = "+".join(map(str, appliance.meters))
        if key not in ("", "0"):
            named.setdefault(key, appliance.type)
    channels = tuple(
        RawChannel(key, "" if name == "unknown" else name)
        for key, name in sorted(named.items(), key=_by_number)
    )
    return _Building(number, _house_number(dataset, number, about), mains, channels)


def _by_number(item: tuple[str, str]) -> int:
    return int(re.sub(r"\D.*", "", item[0]) or 0)


def _house_number(dataset: str, number: str, about: _BuildingAbout) -> str:
    """The number that the data set itself gives a building: REFIT has no house 14, but NILMTK a
    building 14.
    """
    if dataset != "REFIT":
        return number
    named = re.search(r"\d+", about.original_name or "")
    return named[0] if named else str(int(number) + (int(number) >= 14))


def _house(
    file: "h5py.File", path: Path, dataset: str, building: _Building, choice: ChannelChoice
) -> RawHouse:
    keys = {MAINS: building.mains} | {
        name: tuple(channel.key.split("+")) for name, channel in choice.channels.items()
    }
    meters = [
        _meter(file, path, building.number, key, name) for name, of in keys.items() for key in of
    ]
    from_ = {name: f"meter {c.key} '{c.label}'" for name, c in choice.channels.items()}
    same = building.house == building.number
    return RawHouse(
        dataset,
        building.house,
        f"{re.sub(r'[^a-z0-9]', '', dataset.lower())}_house{building.house}",
        (
            f"house {building.house}"
            if same
            else f"house {building.house} (building {building.number})"
        ),
        tuple(meters),
        None,
        {MAINS: "meter " + " + ".join(building.mains)} | from_,
        LICENCES.get(dataset, "unknown"),
        PLUG_LIMIT_W if dataset in LICENCES else None,
        facts={"carrier": path.name, "building": building.number},
        remarks=choice.remarks,
    )


def _meter(file: "h5py.File", path: Path, building: str, key: str, column: str) -> Meter:
    name = f"/building{building}/elec/meter{key}/table"
    if name not in file:
        raise DataError(f"{path}: no {name}, though the metadata names it")
    table = file[name]
    block, index = _power_column(table, path)
    unit = re.match(r"datetime64(?:\[(\w+))?", _text(table.attrs.get("index_kind", b"")))
    a_second = A_SECOND.get(unit[1] or "ns") if unit else None
    if a_second is None:
        raise DataError(f"{path}: {name} has no index of times")
    _require_rows(table, path)
    read = partial(_read, path, name, block, index, a_second)
    return Meter(
        name.removesuffix("/table"),
        path,
        (column,),
        read,
        int(table.id.get_storage_size()),
        how=f"{block} {index}",
    )


def _power_column(table: "h5py.Dataset", path: Path) -> tuple[str, int]:
    """The block and the place in it of a meter's power: active, where it has that."""
    blocks = [name for name in table.dtype.names or () if name.startswith("values_block_")]
    try:
        kinds = {name: _plain(table.attrs.get(f"{name}_kind")) for name in blocks}
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
    there = ", ".join(" ".join(column) for column in columns) or "none"
    raise DataError(
        f"{path}: {table.name} has no column of active or apparent power (columns: {there})"
    )


def _require_rows(table: "h5py.Dataset", path: Path) -> None:
    """Raises DataError where a table claims more rows than its file holds: HDF5 would make up the
    rest, for ever.
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


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _read(path: Path, name: str, block: str, index: int, a_second: int) -> Iterator[Piece]:
    with _opened(path) as file:
        table = file[name]
        share = int(table.id.get_storage_size()) / max(len(table), 1)
        at_a_time = max(min(ROWS_AT_A_TIME, PIECE_BYTES // table.dtype.itemsize), 1)
        for first in range(0, len(table), at_a_time):
            rows = table[first : first + at_a_time]
            with np.errstate(over="ignore"):
                watts = rows[block].reshape(len(rows), -1)[:, index].astype(np.float32)
            stamps = rows["index"]
            times_s = limit_years(np.where(stamps == NO_TIME, np.nan, stamps / a_second))
            yield Piece(times_s, [watts], size=int(share * len(rows)))


SOURCE = Source("nilmtk", LAYOUT, houses)
