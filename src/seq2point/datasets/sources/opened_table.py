"""Houses and meters of tables that are open and interpreted."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from seq2point.configuration import ColumnsConfig
from seq2point.data.claimed_period import parse_claimed_period_s
from seq2point.data.grid import Times
from seq2point.data.interpretation.interpretation import Interpretation
from seq2point.data.interpretation.pace import PLUG_HOLD_S
from seq2point.data.readings import ReadingSource
from seq2point.data.table_file import TableFile, open_table_file
from seq2point.datasets.contract import MAINS, Meter, Piece, RawHouse, Selection
from seq2point.errors import DataError

MOST_PERIOD_S = 60.0
"""Mains that report changes alone are converted to this period, or to their own shorter pace."""


class OpenedTable(NamedTuple):
    """A file, what it holds, and the options that it is read with."""

    file: TableFile
    interpretation: Interpretation
    columns: ColumnsConfig


def make_table_house(
    opened: OpenedTable, stem: str, remarks: tuple[str, ...], selection: Selection
) -> RawHouse:
    """Return the house of one table: a meter for each sensor, or one for all columns."""
    series = opened.interpretation.series
    channels = {name: reading.label for name, reading in series.items()}
    by_sensor: dict[str | None, list[str]] = {}
    for name, reading in series.items():
        by_sensor.setdefault(reading.sensor, []).append(name)
    meters = [make_meter(opened, names, {}, selection) for names in by_sensor.values()]
    return make_house(opened, stem, tuple(meters), channels, remarks, selection)


def make_house(
    opened: OpenedTable,
    stem: str,
    meters: tuple[Meter, ...],
    channels: Mapping[str, str],
    remarks: tuple[str, ...],
    selection: Selection,
) -> RawHouse:
    """Return a house of meters, with what the file of its mains says of it.

    Raises DataError for a file without times where the period is unknown.
    """
    file, interpretation = opened.file, opened.interpretation
    nominal = interpretation.time is None
    if nominal and selection.period_s is None:
        raise DataError(f"{file.path}: has no times; give its sampling period with `period_s`")
    metadata = file.metadata
    period_s = selection.period_s
    if not nominal:
        period_s = parse_claimed_period_s(file.path, metadata.get("period_s"))
        if period_s is None and interpretation.hold_s and interpretation.step_s:
            period_s = float(np.clip(round(interpretation.step_s), 1, MOST_PERIOD_S))
    house = selection.house or metadata.get("house", stem)
    nominal |= bool(interpretation.time and interpretation.time.format.nominal)
    return RawHouse(
        metadata.get("dataset", "table"),
        house,
        selection.house or stem,
        f"house {house}" if "house" in metadata else house,
        meters,
        period_s,
        channels,
        metadata.get("licence", "unknown"),
        facts={"carrier": metadata.get("carrier", file.path.name)},
        nominal_time=nominal or metadata.get("nominal_time") == "true",
        remarks=(f"{file.path.name}: {interpretation.describe()}", *remarks),
        interpretation=interpretation.as_json(),
    )


def make_meter(
    opened: OpenedTable, names: Sequence[str], renamed: Mapping[str, str], selection: Selection
) -> Meter:
    """Return the meter of some series of a file. `renamed` has the name of a plug that stands as
    'mains'.
    """
    file, interpretation, columns = opened
    period_s = None if interpretation.time else selection.period_s
    read = partial(_read_pieces, file.path, columns, interpretation, tuple(names), period_s)
    return Meter(
        file.path.name,
        file.path,
        tuple(renamed.get(name, name) for name in names),
        read,
        file.path.stat().st_size,
        f"{interpretation.as_json()} {names} {period_s}",
        _find_hold_s(interpretation, names, renamed),
        interpretation.is_unzoned,
    )


def _find_hold_s(
    interpretation: Interpretation, names: Sequence[str], renamed: Mapping[str, str]
) -> float | None:
    """Return how long the readings of a meter hold, those of a plug until it speaks again."""
    if MAINS not in names:
        return interpretation.series[names[0]].hold_s
    return interpretation.hold_s and (PLUG_HOLD_S if renamed else interpretation.hold_s)


def _read_pieces(
    path: Path,
    columns: ColumnsConfig,
    interpretation: Interpretation,
    names: tuple[str, ...],
    period_s: float | None,
) -> Iterator[Piece]:
    done = 0
    source = ReadingSource(open_table_file(path, columns), interpretation, names)
    for readings in source.read():
        times_s = readings.times_s
        if times_s is None:
            times_s = _make_nominal_times(done, len(readings), period_s)
        done += len(readings)
        yield Piece(
            times_s,
            [readings.watts[name] for name in names],
            None,
            [int(readings.words[name].sum()) for name in names],
            readings.size,
            [
                {mark: count for (series, mark), count in readings.marks.items() if series == name}
                for name in names
            ],
        )


def _make_nominal_times(first: int, count: int, period_s: float | None) -> Times:
    assert period_s is not None
    return np.arange(first, first + count, dtype=np.float64) * period_s
