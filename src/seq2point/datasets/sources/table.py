"""Tables with a column of times and one of mains: a home's export, for example.

Files are opened and interpreted as everywhere (`data.interpretation`). Mains and plugs may be in
different files, or below one another in one, with different times. In a folder each file is a
house. The metadata of a Parquet file on its house (data set, number, licence, period) is kept.
"""

from collections.abc import Sequence
from pathlib import Path

from seq2point.appliances import canonical_name
from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.data.interpretation.interpret import interpret, interpret_plug
from seq2point.data.interpretation.series_reference import split_file
from seq2point.data.interpretation.units import split_unit
from seq2point.data.table_file import open_table_file
from seq2point.datasets.contract import MAINS, RawHouse, Selection, Source, select_houses
from seq2point.datasets.sources.opened_table import (
    OpenedTable,
    make_house,
    make_meter,
    make_table_house,
)
from seq2point.datasets.sources.raw_channels import (
    HouseListing,
    RawChannel,
    choose_channels,
    gather_houses,
)
from seq2point.datasets.unreadable import OnUnreadable, open_readable, warn_of_unreadable
from seq2point.errors import DataError, UsageError

LAYOUT = "a table (CSV, Parquet, ...), a folder of them, or files of mains and plugs"
PACKED = (".gz", ".zip", ".zst", ".xz", ".bz2")
ENDINGS = (".csv", ".parquet", ".pq", ".tsv", ".tab", ".txt", ".dat", ".xml", *PACKED)


def list_houses(
    root: Path, selection: Selection, on_unreadable: OnUnreadable = warn_of_unreadable
) -> list[RawHouse]:
    """Return the selected houses: of one table, of a folder of tables, or of files of plugs.

    Houses of a folder are named by their files' stems, or by their names where two have one stem.
    `on_unreadable` is called with each file of a folder that is no table or lacks a column.
    Raises DataError where a file by name, or every file, is unreadable.
    """
    if selection.mains or selection.plugs:
        return [_read_house_of_files(root, selection)]
    paths = _list_folder(root)
    stems = [_find_stem(path) for path in paths]
    path_by_house = {
        stem if stems.count(stem) == 1 else path.name: path
        for path, stem in zip(paths, stems, strict=True)
    }
    listings = open_readable(
        select_houses(path_by_house, selection.houses, root, LAYOUT),
        lambda house: _list_house(path_by_house[house], house, selection),
        lambda house: path_by_house[house].name,
        bool(selection.houses),
        on_unreadable,
    )
    return gather_houses(listings, selection.appliances, root)


def list_tables(paths: Sequence[Path]) -> list[Path]:
    """Return the files of some paths: files as they are, and the tables in folders.

    Raises DataError for a folder without a table.
    """
    files: list[Path] = []
    for path in paths:
        found = _list_folder(path)
        if not found:
            raise DataError(f"{path}: no file of readings is there; name a folder that holds some")
        files += found
    return files


def _list_folder(path: Path) -> list[Path]:
    return [*filter(_may_be_table, sorted(path.iterdir()))] if path.is_dir() else [path]


def _may_be_table(path: Path) -> bool:
    """Return whether a folder's entry may be a table by its name. Hidden files are none."""
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".") and not path.is_dir()


def _find_stem(path: Path) -> str:
    """Return a file's name without its endings, '.csv.gz' too."""
    inner = Path(path.stem)
    packed = path.suffix.lower() in PACKED and inner.suffix.lower() in ENDINGS
    return inner.stem if packed else path.stem


def _list_house(path: Path, stem: str, selection: Selection) -> HouseListing:
    columns = _complete_columns(selection)
    file = open_table_file(path, columns)
    interpretation = interpret(file, (), columns, every=True)
    if len(interpretation.sensors) > 1:
        names = [*map(canonical_name, selection.appliances)] or None
        opened = OpenedTable(file, interpret(file, names, columns), columns)
        return HouseListing(make_table_house(opened, stem, (), selection), interpretation.sensors)
    named = {canonical_name(name) for name in columns.appliances}
    others = [
        RawChannel(reading.expression, split_unit(reading.expression).name)
        for name, reading in interpretation.series.items()
        if name != MAINS and name not in named
    ]
    choice = choose_channels(others, selection.appliances)
    series = {n: interpretation.series[n] for n in interpretation.series if n in named}
    by_column = {reading.expression: reading for reading in interpretation.series.values()}
    series |= {
        name: by_column[channel.key]
        for name, channel in choice.channels.items()
        if name not in named
    }
    chosen = interpretation.with_series({MAINS: interpretation.series[MAINS], **series})
    house = make_table_house(OpenedTable(file, chosen, columns), stem, choice.remarks, selection)
    return HouseListing(house, [split_unit(name).name for name in file.names])


def _complete_columns(selection: Selection) -> ColumnsConfig:
    columns = selection.columns or DEFAULT_COLUMNS
    return columns.model_copy(update={"zone": columns.zone or selection.zone})


def _read_house_of_files(root: Path, selection: Selection) -> RawHouse:
    """Return the house of a file of mains and files of plugs."""
    if selection.mains is None and not root.is_file():
        raise UsageError("files of plugs need a file of mains: give it as the root")
    config = _complete_columns(selection)
    plugs = {canonical_name(name): text for name, text in selection.plugs.items()}
    inside = {n: c for n, c in config.appliances.items() if canonical_name(n) not in plugs}
    mains_path, reference = (
        _resolve_under(root, selection.mains) if selection.mains else (root, None)
    )
    mains_columns = config.model_copy(
        update={"appliances": inside, "mains": reference or config.mains}
    )
    file = open_table_file(mains_path, mains_columns)
    opened = OpenedTable(file, interpret(file, [*inside], mains_columns), mains_columns)
    channels = {
        name: f"{file.path.name} '{reading.label}'"
        for name, reading in opened.interpretation.series.items()
    }
    meters = [make_meter(opened, [*opened.interpretation.series], {}, selection)]
    files = [opened]
    for name, text in plugs.items():
        path, reference = _resolve_under(root, text)
        by_caller = {canonical_name(n): column for n, column in config.appliances.items()}
        plug_columns = config.model_copy(
            update={
                "mains": reference or by_caller.get(name),
                "appliances": {},
                "sensor": None,
                "solar": None,
                "measures": None,
                "hold_s": None,
            }
        )
        plug_file = open_table_file(path, plug_columns)
        plug = OpenedTable(plug_file, interpret_plug(plug_file, name, plug_columns), plug_columns)
        files.append(plug)
        meters.append(make_meter(plug, [MAINS], {MAINS: name}, selection))
        reading = plug.interpretation.series[MAINS]
        channels[name] = f"{path.name} '{reading.label}'"
    if any(each.interpretation.time is None for each in files):
        raise DataError(
            f"{file.path}: files of mains and plugs are joined by their times; name the column of"
            " the times with `time`"
        )
    lines = tuple(f"{each.file.path.name}: {each.interpretation.describe()}" for each in files[1:])
    return make_house(opened, _find_stem(file.path), tuple(meters), channels, lines, selection)


def _resolve_under(root: Path, text: str) -> tuple[Path, str | None]:
    """Return the file, under the root or by itself, and the column of a reference FILE:COLUMN."""
    if (root / text).is_file() and not Path(text).is_file():
        return root / text, None
    name, column = split_file(text)
    if not Path(name).is_file() and ":" in text:
        inside, column_inside = split_file(str(root / text))
        if Path(inside).is_file():
            return Path(inside), column_inside
    return (Path(name) if Path(name).is_file() or root.is_file() else root / name), column


SOURCE = Source("table", LAYOUT, list_houses)
