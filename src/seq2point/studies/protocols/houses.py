"""The recordings of a protocol: found in the data folder, cut to their stretches, clipped.

A house is one file, `ukdale_house1_60s.parquet`, or several in order: `ukdale_house1_6s_a.parquet`,
`ukdale_house1_6s_b.parquet`. Where the folder has it with shorter periods alone, the longest of
them is resampled.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any, get_args

import numpy as np

from seq2point.appliances import Appliance, canonical_name
from seq2point.choices import RawLayout
from seq2point.data import parquet_file
from seq2point.data.table import read_table, to_recording
from seq2point.data.table_file import open_table_file
from seq2point.datasets.traces import Trace, parse_house, read_traces
from seq2point.errors import DataError
from seq2point.recording import Recording, is_same_period
from seq2point.studies.protocols.protocol_file import ROLES, House, Protocol

PERIOD_IN_NAME = re.compile(r"_(?P<period_s>\d+(\.\d+)?)s(_\w+)?")


def make_file_stem(protocol: Protocol, house: House) -> str:
    """What a house's file is called, without its ending."""
    return f"{house.dataset or protocol.dataset}_house{house.house}_{protocol.period_s:g}s"


def find_files(protocol: Protocol, house: House, folder: Path) -> list[Path]:
    """The files of a house, in order; none where it is missing."""
    if house.file is not None:
        path = folder / house.file
        return [path] if path.is_file() else []
    start = make_file_stem(protocol, house).rpartition("_")[0]
    by_period: dict[float, list[Path]] = {}
    for path in sorted(folder.glob(f"{start}_*.parquet")):
        if found := PERIOD_IN_NAME.fullmatch(path.stem.removeprefix(start)):
            by_period.setdefault(float(found["period_s"]), []).append(path)
    period_s = max(
        (period_s for period_s in by_period if period_s <= protocol.period_s), default=None
    )
    if period_s is None:
        return []
    whole = [path for path in by_period[period_s] if path.stem == f"{start}_{period_s:g}s"]
    return whole or by_period[period_s]


def require_houses(protocol: Protocol, appliances: Sequence[str], folder: Path) -> None:
    """Raises DataError where houses are missing (which files, for what, how to make them) or a
    house lacks its appliance.
    """
    missing: dict[str, set[str]] = {}
    numbers: dict[str, set[str]] = {}
    without: list[str] = []
    lost = [name for name in protocol.traces if not (folder / name).is_file()]
    for name in appliances:
        for house in chain.from_iterable(getattr(protocol.roles(name), role) for role in ROLES):
            paths = find_files(protocol, house, folder)
            without += [
                f"{path.name} ({_split_name(name)})"
                for path in paths
                if name not in map(canonical_name, open_table_file(path).names)
            ]
            if not paths:
                missing.setdefault(
                    house.file or f"{make_file_stem(protocol, house)}.parquet", set()
                ).add(_split_name(name))
            if not paths and house.house:
                numbers.setdefault(house.dataset or protocol.dataset, set()).add(house.house)
    if missing and not folder.is_dir():
        raise DataError(f"{folder}: no such folder; --data names the one with the houses")
    if missing:
        lacking = "; ".join(
            f"{file} ({', '.join(sorted(what))})" for file, what in sorted(missing.items())
        )
        commands = [
            f"seq2point convert {dataset} ROOT -o {folder} --houses"
            f" {','.join(sorted(found, key=_numerically))} --period {protocol.period_s:g}s"
            for dataset, found in sorted(numbers.items())
            if dataset in get_args(RawLayout)
        ]
        how = f"; make them with: {', then '.join(commands)}" if commands else ""
        raise DataError(f"{folder}: lacks {lacking}{how}")
    if lost:
        raise DataError(
            f"{folder}: lacks the traces {', '.join(lost)}; put them there, or take them out of the"
            " protocol's `traces`"
        )
    if without:
        raise DataError(
            f"{folder}: no column for the appliance in {', '.join(dict.fromkeys(without))}; choose"
            " others with --appliance"
        )


def require_distinct_files(protocol: Protocol, name: str, folder: Path) -> None:
    """Raises DataError where one file is in two roles under two names."""
    roles = protocol.roles(name)
    for one, other in combinations(ROLES, 2):
        for here, there in product(getattr(roles, one), getattr(roles, other)):
            both = [
                {path.resolve() for path in find_files(protocol, house, folder)}
                for house in (here, there)
            ]
            if (here.house, here.file) != (there.house, there.file) and both[0] & both[1]:
                raise DataError(
                    f"{min(both[0] & both[1])}: is {here.label} ({one}) and {there.label} ({other})"
                    " at once"
                )


def _split_name(name: str) -> str:
    return name.replace("_", " ")


def _numerically(house: str) -> tuple[int, str]:
    return (int(house), "") if house.isdigit() else (0, house)


def load_stretch(
    protocol: Protocol, house: House, appliance: Appliance, folder: Path
) -> list[Recording]:
    """The recordings of a stretch of a house with one appliance, clipped.

    Raises DataError for files of a longer period, without the appliance, without real times where a
    time span is asked for, and for a stretch that holds nothing.
    """
    paths = find_files(protocol, house, folder)
    whole = [_load_at_period(path, appliance.name, protocol.period_s) for path in paths]
    cut = _spans(house, paths, whole) if house.start or house.end else _blocks(house, whole)
    kept = [protocol.clipping.apply(recording, appliance) for recording in cut if len(recording)]
    if not kept:
        raise DataError(f"{', '.join(map(str, paths))}: {house.label} holds no reading")
    return [replace(recording, fill=protocol.fill) for recording in kept]


def _load_at_period(path: Path, appliance: str, period_s: float) -> Recording:
    """A file's recording at the protocol's period; one with a shorter period is resampled by the
    mean.
    """
    table = read_table(path, [appliance])
    recording = to_recording(table)
    if is_same_period(recording.period_s, period_s):
        return recording
    if recording.period_s > period_s:
        raise DataError(
            f"{path}: a reading every {recording.period_s:g} s, the protocol's period is"
            f" {period_s:g} s"
        )
    return to_recording(table, period_s)


def _blocks(house: House, whole: Sequence[Recording]) -> list[Recording]:
    """The block of a house as fractions of all its files together."""
    total, at, cut = sum(map(len, whole)), 0, []
    first, end = (int(total * fraction) for fraction in house.block or (0, 1))
    for recording in whole:
        cut.append(recording.slice(max(first - at, 0), max(end - at, 0)))
        at += len(recording)
    return cut


def _spans(house: House, paths: Sequence[Path], whole: Sequence[Recording]) -> list[Recording]:
    """The readings from start until before end."""
    cut = []
    for path, recording in zip(paths, whole, strict=True):
        if (
            recording.start is None
            or parquet_file.read_metadata(path).get("nominal_time") == "true"
        ):
            raise DataError(
                f"{path}: its times are not real, so no span of dates can be cut from it; name a"
                " block instead"
            )
        times_s = recording.times_s()
        first = np.searchsorted(times_s, house.start.timestamp()) if house.start else 0
        end = np.searchsorted(times_s, house.end.timestamp()) if house.end else len(recording)
        cut.append(recording.slice(int(first), int(end)))
    return cut


@dataclass
class Recordings:
    """The recordings of one appliance by role, read when they are first needed.

    Where the protocol names no houses to validate on, `held_out` of each training house, its end,
    is.
    """

    protocol: Protocol
    appliance: Appliance
    folder: Path
    held_out: float

    def _load(self, stretches: Sequence[House]) -> list[Recording]:
        return [
            recording
            for house in stretches
            for recording in load_stretch(self.protocol, house, self.appliance, self.folder)
        ]

    @property
    def _window(self) -> int:
        return self.protocol.window_of(self.appliance.name)

    @cached_property
    def _split(self) -> tuple[list[Recording], list[Recording]]:
        roles = self.protocol.roles(self.appliance.name)
        train = self._load(roles.train)
        if roles.validation:
            return train, self._load(roles.validation)
        split = [recording.hold_out(self.held_out, self._window) for recording in train]
        return [kept for kept, _ in split], [held for _, held in split]

    @property
    def train(self) -> list[Recording]:
        """Those to train on."""
        return self._split[0]

    @property
    def validation(self) -> list[Recording]:
        """Those to validate on."""
        return self._split[1]

    @cached_property
    def traces(self) -> list[Trace]:
        """Traces to learn from."""
        return load_traces(self.protocol, self.appliance.name, self.folder)

    @cached_property
    def test(self) -> list[Recording]:
        """Those to test on: the protocol's, or those that validate."""
        roles = self.protocol.roles(self.appliance.name)
        return self._load(roles.test) if roles.test else self.validation


def find_place(protocol: Protocol, house: House) -> tuple[str | None, str | None]:
    """The data set and the number of a house; where it is a file, as far as its name says them."""
    if house.file is not None:
        return parse_house(Path(house.file).stem)
    return house.dataset or protocol.dataset, house.house


def load_traces(protocol: Protocol, appliance: str, folder: Path) -> list[Trace]:
    """The protocol's traces for an appliance: none that may be of a house to validate or test on.

    A trace of REFIT whose house is unknown may be of any of its houses, and a plug's file is of the
    house that its name says.
    Raises DataError for a file that is not there or cannot be read.
    """
    judging = _find_judging(protocol, appliance)
    return _without(
        read_traces(*(folder / name for name in protocol.traces_of(appliance))), judging
    )


def describe_traces(protocol: Protocol, appliance: str, folder: Path) -> list[str]:
    """What decides the traces that an appliance's network learns from: their hashes."""
    paths = [folder / name for name in protocol.traces_of(appliance)]
    versions = tuple((path, path.stat().st_mtime_ns) for path in paths)
    return list(_digest_traces(versions, _find_judging(protocol, appliance)))


Places = frozenset[tuple[str | None, str | None]]


def _find_judging(protocol: Protocol, appliance: str) -> Places:
    """The data sets and numbers of the houses to validate and test on."""
    roles = protocol.roles(appliance)
    return frozenset(find_place(protocol, house) for house in chain(roles.validation, roles.test))


def _without(traces: Iterable[Trace], judging: Places) -> list[Trace]:
    """Those that cannot be of the houses that judge."""
    datasets = {dataset for dataset, _ in judging}
    return [
        trace
        for trace in traces
        if (trace.dataset, trace.house) not in judging
        and not (trace.house is None and trace.dataset in datasets)
    ]


@cache
def _digest_traces(versions: tuple[tuple[Path, int], ...], judging: Places) -> tuple[str, ...]:
    traces = read_traces(*(path for path, _ in versions))
    return tuple(trace.digest() for trace in _without(traces, judging))


def hash_file(path: Path) -> str:
    """Of a file; one that has not changed is read once."""
    return _hash_file(path, path.stat().st_mtime_ns)


@cache
def _hash_file(path: Path, _changed_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def describe_stretches(
    protocol: Protocol, houses: Sequence[House], folder: Path
) -> list[Mapping[str, Any]]:
    """What decides the readings of some stretches: the files' hashes, and how they are cut."""
    return [
        {
            "files": [hash_file(path) for path in find_files(protocol, house, folder)],
            **house.model_dump(mode="json", include={"start", "end", "block"}, exclude_none=True),
        }
        for house in houses
    ]
