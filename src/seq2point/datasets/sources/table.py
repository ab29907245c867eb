"""Tables, CSV or Parquet, with a column of times and one of mains: a home's export, for example.

Columns are found by their usual names or named by the caller. Mains and plugs may be in different
files with different times. In a folder each file is a house. The metadata of a Parquet file on its
house (data set, number, licence, period) is kept.
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
from seq2point.data.columns import (
    DEFAULT_COLUMNS,
    MAINS_NAMES,
    UNIT_W,
    find_mains_column,
    find_time_column,
)
from seq2point.data.file_errors import refuse_damage
from seq2point.data.grid import Times
from seq2point.data.table import parse_claimed_period_s
from seq2point.data.table_file import TableFile, open_table_file
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

LAYOUT = "a CSV or Parquet table, a folder of them, or files of mains and plugs"
ENDINGS = (".csv", ".parquet", ".pq")
ROWS_AT_A_TIME = 1 << 17


def list_houses(root: Path, selection: Selection) -> list[RawHouse]:
    """Return the selected houses: of one table, of a folder of tables, or of files of plugs.

    Houses of a folder are named by their files' stems.
    Raises DataError for a file that is no table and for a missing column.
    """
    if selection.mains or selection.plugs:
        return [_read_house_of_files(root, selection)]
    paths = (
        [path for path in sorted(root.iterdir()) if path.suffix.lower() in ENDINGS]
        if root.is_dir()
        else [root]
    )
    path_by_house = {path.stem: path for path in paths}
    chosen = select_houses(path_by_house, selection.houses, root, LAYOUT)
    files = [open_table_file(path_by_house[house]) for house in chosen]
    choices = {str(file.path): _choose_columns(file, selection) for file in files}
    require_channels(
        choices, selection.appliances, root, [name for file in files for name in file.names]
    )
    return [_read_table_house(file, choices[str(file.path)], selection) for file in files]


def _get_columns(selection: Selection) -> ColumnsConfig:
    return selection.columns or DEFAULT_COLUMNS


def _choose_columns(file: TableFile, selection: Selection) -> ChannelChoice:
    """Return the appliances' columns: those that the caller names, and those of known names."""
    columns = _get_columns(selection)
    time = find_time_column(file, columns)
    by_caller = {
        canonical_name(name): RawChannel(file.require_column(column), name)
        for name, column in columns.appliances.items()
    }
    assigned = {time, find_mains_column(file, columns, time)}
    assigned |= {channel.key for channel in by_caller.values()}
    others = [RawChannel(name, name) for name in file.names if name not in assigned]
    choice = choose_channels(others, selection.appliances)
    by_name = {n: channel for n, channel in choice.channels.items() if n not in by_caller}
    return ChannelChoice(by_caller | by_name, choice.remarks)


def _read_table_house(file: TableFile, choice: ChannelChoice, selection: Selection) -> RawHouse:
    time = find_time_column(file, _get_columns(selection))
    columns = {MAINS: find_mains_column(file, _get_columns(selection), time)} | {
        name: channel.key for name, channel in choice.channels.items()
    }
    meter = _make_meter(file, columns, time, selection)
    return _make_house(file, (meter,), columns, time is None, choice.remarks, selection)


def _read_house_of_files(root: Path, selection: Selection) -> RawHouse:
    """Return the house of a file of mains and files of plugs."""
    if selection.mains is None and not root.is_file():
        raise UsageError("files of plugs need a file of mains: give it as the root")
    config = _get_columns(selection)
    file = open_table_file(_resolve_under(root, selection.mains) if selection.mains else root)
    plugs = {
        canonical_name(name): open_table_file(_resolve_under(root, path))
        for name, path in selection.plugs.items()
    }
    time = find_time_column(file, config)
    columns = {MAINS: find_mains_column(file, config, time)} | {
        canonical_name(name): file.require_column(column)
        for name, column in config.appliances.items()
        if canonical_name(name) not in plugs
    }
    meters = [_make_meter(file, columns, time, selection)]
    channels = {name: f"{file.path.name} '{column}'" for name, column in columns.items()}
    for name, plug in plugs.items():
        time = find_time_column(plug, config)
        column = _find_plug_column(plug, name, time, config.appliances)
        meters.append(_make_meter(plug, {name: column}, time, selection))
        channels[name] = f"{plug.path.name} '{column}'"
    if any(find_time_column(each, config) is None for each in (file, *plugs.values())):
        raise DataError(
            f"{file.path}: files of mains and plugs are joined by their times; name the column of"
            " the times with `time`"
        )
    return _make_house(file, tuple(meters), channels, False, (), selection)


def _resolve_under(root: Path, path: Path) -> Path:
    return path if path.is_file() or not (root / path).is_file() else root / path


def _find_plug_column(
    file: TableFile, name: str, time: str | None, appliances: Mapping[str, str]
) -> str:
    for appliance, column in appliances.items():
        if canonical_name(appliance) == name:
            return file.require_column(column)
    others = [column for column in file.names if column != time]
    plug = others[0] if len(others) == 1 else file.find_first((name, *MAINS_NAMES))
    if plug is None:
        raise DataError(
            f"{file.path}: no column for '{name}' (columns: {file.listing}); name the column of"
            " the appliance"
        )
    return plug


def _make_house(
    file: TableFile,
    meters: tuple[Meter, ...],
    channels: Mapping[str, str],
    nominal: bool,
    remarks: tuple[str, ...],
    selection: Selection,
) -> RawHouse:
    if nominal and selection.period_s is None:
        raise DataError(f"{file.path}: has no times; give its sampling period with `period_s`")
    metadata = parquet_file.read_metadata(file.path) if file.first_line is None else {}
    period_s = selection.period_s
    if not nominal:
        period_s = parse_claimed_period_s(file.path, metadata.get("period_s"))
    house = selection.house or metadata.get("house", file.path.stem)
    return RawHouse(
        metadata.get("dataset", "table"),
        house,
        selection.house or file.path.stem,
        f"house {house}" if "house" in metadata else house,
        meters,
        period_s,
        channels,
        metadata.get("licence", "unknown"),
        facts={"carrier": metadata.get("carrier", file.path.name)},
        nominal_time=nominal or metadata.get("nominal_time") == "true",
        remarks=remarks,
    )


def _make_meter(
    file: TableFile, columns: Mapping[str, str], time: str | None, selection: Selection
) -> Meter:
    period_s = None if time else selection.period_s
    keys = list(columns.values())
    unit, zone = _get_columns(selection).unit, selection.zone
    if file.first_line is None:
        read = partial(_read_parquet, file.path, time, keys, unit, zone, period_s)
    else:
        place = {name: i for i, name in enumerate(file.names)}
        layout = TextLayout(
            ",",
            len(place),
            None if time is None else place[time],
            tuple(place[key] for key in keys),
            file.first_line - 1,
        )
        read = partial(_read_csv, file.path, layout, unit, zone, period_s)
    how = f"{time} {keys} {unit} {zone} {period_s}"
    return Meter(file.path.name, file.path, tuple(columns), read, file.path.stat().st_size, how)


def _read_csv(
    path: Path, layout: TextLayout, unit: Unit, zone: str | None, period_s: float | None
) -> Iterator[Piece]:
    clock, done = Clock(zone, describe_row=lambda row: f"{path}, row {row + 1}"), 0
    for rows in read_rows(path, layout):
        times_s = (
            clock.to_seconds(rows.times)
            if rows.times is not None
            else _make_nominal_times(done, len(rows), period_s)
        )
        done += len(rows)
        yield Piece(
            times_s,
            [_to_watts(values, unit) for values in rows.series],
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
    clock, done = Clock(zone, describe_row=lambda row: f"{path}, row {row + 1}"), 0
    with refuse_damage(path, "cannot be read"), parquet_file.open_reader(path) as file:
        share = path.stat().st_size / max(file.metadata.num_rows, 1)
        for batch in file.iter_batches(
            ROWS_AT_A_TIME, columns=[*columns, *([time] if time else [])]
        ):
            rows = pl.from_arrow(pa.Table.from_batches([batch]).replace_schema_metadata(None))
            assert isinstance(rows, pl.DataFrame)
            if time and not may_hold_times(rows[time]):
                raise DataError(
                    f"{path}: column '{time}' holds {rows[time].dtype}, not times; name the column"
                    " of the times with `time`"
                )
            times_s = (
                clock.to_seconds(rows[time])
                if time
                else _make_nominal_times(done, len(rows), period_s)
            )
            watts = [rows[name].cast(pl.Float32, strict=False) for name in columns]
            no_number = [
                int(w.null_count() - rows[name].null_count())
                for w, name in zip(watts, columns, strict=True)
            ]
            done += len(rows)
            series = [_to_watts(w.fill_null(float("nan")).to_numpy(), unit) for w in watts]
            yield Piece(times_s, series, None, no_number, int(share * len(rows)))


def _make_nominal_times(first: int, count: int, period_s: float | None) -> Times:
    assert period_s is not None
    return np.arange(first, first + count, dtype=np.float64) * period_s


def _to_watts(values: Watts, unit: Unit) -> Watts:
    return values if unit == "W" else values * np.float32(UNIT_W[unit])


SOURCE = Source("table", LAYOUT, list_houses)
