"""Any table with a column of times and one of mains, CSV or Parquet: a home's export, or a house in
the schema of the store.

Columns are found by their usual names or named by the caller. Mains and plugs may lie in files of
their own, with different stamps. A folder is a house a file. What the metadata of a Parquet file
says of its house (data set, number, licence, period) is kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from seq2point.appliances import canonical_name
from seq2point.choices import Unit
from seq2point.configuration import ColumnsConfig
from seq2point.data import parquet_file
from seq2point.data.file_errors import refuse_damage
from seq2point.data.grid import Times
from seq2point.data.table import (
    MAINS_NAMES,
    TIME_NAMES,
    USUAL,
    WATTS,
    TableFile,
    find_mains_column,
    open_file,
    parse_claimed_period_s,
)
from seq2point.data.text_table import TextLayout, read_rows
from seq2point.data.timestamps import Clock, may_hold_times
from seq2point.datasets.contract import (
    MAINS,
    Meter,
    Piece,
    RawHouse,
    Selection,
    Source,
    select_houses,
)
from seq2point.datasets.sources.raw_channels import (
    ChannelChoice,
    RawChannel,
    choose_channels,
    require_channels,
)
from seq2point.errors import DataError, UsageError
from seq2point.recording import Watts

LAYOUT = "a CSV or Parquet table, a folder of them, or --mains FILE --plug kettle=FILE"
ENDINGS = (".csv", ".parquet", ".pq")
ROWS_AT_A_TIME = 1 << 17


def houses(root: Path, wanted: Selection) -> list[RawHouse]:
    """The house of one table, of a file of mains with files of plugs, or those of a folder, by
    their files' stems.

    Raises DataError for what is no table and for columns that are not there.
    """
    if wanted.mains or wanted.plugs:
        return [_read_house_of_files(root, wanted)]
    paths = (
        [path for path in sorted(root.iterdir()) if path.suffix.lower() in ENDINGS]
        if root.is_dir()
        else [root]
    )
    found = {path.stem: path for path in paths}
    files = [open_file(found[house]) for house in select_houses(found, wanted.houses, root, LAYOUT)]
    choices = {str(file.path): _choose_columns(file, wanted) for file in files}
    require_channels(
        choices, wanted.appliances, root, [name for file in files for name in file.names]
    )
    return [_read_table_house(file, choices[str(file.path)], wanted) for file in files]


def _columns(wanted: Selection) -> ColumnsConfig:
    return wanted.columns or USUAL


def _time_column(file: TableFile, wanted: Selection) -> str | None:
    named = _columns(wanted).time
    return file.require(named) if named else file.first_of(TIME_NAMES)


def _choose_columns(file: TableFile, wanted: Selection) -> ChannelChoice:
    """The appliances' columns: those that the caller names, and those whose own names say it."""
    time = _time_column(file, wanted)
    named = {
        canonical_name(name): RawChannel(file.require(column), name)
        for name, column in _columns(wanted).appliances.items()
    }
    taken = {
        time,
        find_mains_column(file, _columns(wanted), time),
        *(channel.key for channel in named.values()),
    }
    choice = choose_channels(
        [RawChannel(name, name) for name in file.names if name not in taken], wanted.appliances
    )
    others = {name: channel for name, channel in choice.channels.items() if name not in named}
    return ChannelChoice(named | others, choice.remarks)


def _read_table_house(file: TableFile, choice: ChannelChoice, wanted: Selection) -> RawHouse:
    time = _time_column(file, wanted)
    columns = {MAINS: find_mains_column(file, _columns(wanted), time)} | {
        name: c.key for name, c in choice.channels.items()
    }
    return _house(
        file, (_meter(file, columns, time, wanted),), columns, time is None, choice.remarks, wanted
    )


def _read_house_of_files(root: Path, wanted: Selection) -> RawHouse:
    """A house whose mains and plugs lie in files of their own."""
    if wanted.mains is None and not root.is_file():
        raise UsageError("--plug needs the mains: give their file as ROOT or with --mains FILE")
    file = open_file(_resolve_under(root, wanted.mains) if wanted.mains else root)
    plugs = {
        canonical_name(name): open_file(_resolve_under(root, path))
        for name, path in wanted.plugs.items()
    }
    own = {
        name: column
        for name, column in _columns(wanted).appliances.items()
        if canonical_name(name) not in plugs
    }
    time = _time_column(file, wanted)
    columns = {MAINS: find_mains_column(file, _columns(wanted), time)} | {
        canonical_name(n): file.require(c) for n, c in own.items()
    }
    meters, channels = (
        [_meter(file, columns, time, wanted)],
        {name: f"{file.path.name} '{c}'" for name, c in columns.items()},
    )
    for name, plug in plugs.items():
        time = _time_column(plug, wanted)
        column = _plug_column(plug, name, time, _columns(wanted).appliances)
        meters.append(_meter(plug, {name: column}, time, wanted))
        channels[name] = f"{plug.path.name} '{column}'"
    if any(_time_column(each, wanted) is None for each in (file, *plugs.values())):
        raise DataError(
            f"{file.path}: files of mains and plugs need times, to be put together by; name them:"
            " --time-column NAME"
        )
    return _house(file, tuple(meters), channels, False, (), wanted)


def _resolve_under(root: Path, path: Path) -> Path:
    return path if path.is_file() or not (root / path).is_file() else root / path


def _plug_column(file: TableFile, name: str, time: str | None, named: Mapping[str, str]) -> str:
    for appliance, column in named.items():
        if canonical_name(appliance) == name:
            return file.require(column)
    rest = [column for column in file.names if column != time]
    found = rest[0] if len(rest) == 1 else file.first_of((name, *MAINS_NAMES))
    if found is None:
        raise DataError(
            f"{file.path}: no column for '{name}' (columns: {file.listing}); name it: --column"
            f" {name}=NAME"
        )
    return found


def _house(
    file: TableFile,
    meters: tuple[Meter, ...],
    channels: Mapping[str, str],
    nominal: bool,
    remarks: tuple[str, ...],
    wanted: Selection,
) -> RawHouse:
    if nominal and wanted.period_s is None:
        raise DataError(f"{file.path}: has no times; give its sampling period with --period")
    facts = parquet_file.read_metadata(file.path) if file.first_line is None else {}
    house = wanted.house or facts.get("house", file.path.stem)
    return RawHouse(
        facts.get("dataset", "table"),
        house,
        wanted.house or file.path.stem,
        f"house {house}" if "house" in facts else house,
        meters,
        wanted.period_s if nominal else parse_claimed_period_s(file.path, facts.get("period_s")),
        channels,
        facts.get("licence", "unknown"),
        facts={"carrier": facts.get("carrier", file.path.name)},
        nominal_time=nominal or facts.get("nominal_time") == "true",
        remarks=remarks,
    )


def _meter(
    file: TableFile, columns: Mapping[str, str], time: str | None, wanted: Selection
) -> Meter:
    period_s = None if time else wanted.period_s
    keys = list(columns.values())
    if file.first_line is None:
        read = partial(
            _read_parquet, file.path, time, keys, _columns(wanted).unit, wanted.zone, period_s
        )
    else:
        place = {name: i for i, name in enumerate(file.names)}
        layout = TextLayout(
            ",",
            len(place),
            None if time is None else place[time],
            tuple(place[key] for key in keys),
            file.first_line - 1,
        )
        read = partial(_read_csv, file.path, layout, _columns(wanted).unit, wanted.zone, period_s)
    how = f"{time} {keys} {_columns(wanted).unit} {wanted.zone} {period_s}"
    return Meter(file.path.name, file.path, tuple(columns), read, file.path.stat().st_size, how)


def _read_csv(
    path: Path, layout: TextLayout, unit: Unit, zone: str | None, period_s: float | None
) -> Iterator[Piece]:
    clock, done = Clock(zone, place=lambda row: f"{path}, row {row + 1}"), 0
    for rows in read_rows(path, layout):
        times_s = (
            clock.seconds(rows.times)
            if rows.times is not None
            else _nominal_s(done, len(rows), period_s)
        )
        done += len(rows)
        yield Piece(
            times_s,
            [_in_watts(values, unit) for values in rows.series],
            None,
            rows.no_number,
            rows.size,
        )


def _read_parquet(
    path: Path,
    time: str | None,
    columns: Sequence[str],
    unit: Unit,
    zone: str | None,
    period_s: float | None,
) -> Iterator[Piece]:
    clock, done = Clock(zone, place=lambda row: f"{path}, row {row + 1}"), 0
    with refuse_damage(path, "cannot be read"), parquet_file.open_reader(path) as file:
        share = path.stat().st_size / max(file.metadata.num_rows, 1)
        for batch in file.iter_batches(
            ROWS_AT_A_TIME, columns=[*columns, *([time] if time else [])]
        ):
            rows = pl.from_arrow(pa.Table.from_batches([batch]).replace_schema_metadata(None))
            assert isinstance(rows, pl.DataFrame)
            if time and not may_hold_times(rows[time]):
                raise DataError(
                    f"{path}: column '{time}' holds {rows[time].dtype}, not times; name it:"
                    " --time-column NAME"
                )
            times_s = clock.seconds(rows[time]) if time else _nominal_s(done, len(rows), period_s)
            watts = [rows[name].cast(pl.Float32, strict=False) for name in columns]
            no_number = [
                int(w.null_count() - rows[name].null_count())
                for w, name in zip(watts, columns, strict=True)
            ]
            done += len(rows)
            series = [_in_watts(w.fill_null(float("nan")).to_numpy(), unit) for w in watts]
            yield Piece(times_s, series, None, no_number, int(share * len(rows)))


def _nominal_s(first: int, count: int, period_s: float | None) -> Times:
    assert period_s is not None
    return np.arange(first, first + count, dtype=np.float64) * period_s


def _in_watts(values: Watts, unit: Unit) -> Watts:
    return values if unit == "W" else values * np.float32(WATTS[unit])


SOURCE = Source("table", LAYOUT, houses)
