"""REFIT: `CLEAN_House1.csv` to `CLEAN_House21.csv` without 14, a house each.

Murray, Stankovic and Stankovic, An electrical load measurements dataset of United Kingdom
households, Scientific Data 4:160122 (2017).
A file has the mains and nine channels every 6 to 8 s. `Unix` is UTC. `Time` is the same in words
and is read where there is no `Unix`. `Issues` is 1 where the channels sum to more than the mains.
refit_channels.csv names the channels, after the data set's readme. Three channels of house 12 and
one of house 13 are unknown there, though channel 3 of house 12 has been taken for a microwave.
"""

import csv
import re
from collections.abc import Iterator
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

from seq2point.data.file_errors import refuse_damage
from seq2point.data.text.text_table import TextLayout, read_rows, split_cells
from seq2point.data.times.timestamps import Clock
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
    HouseListing,
    RawChannel,
    choose_channels,
    gather_houses,
)
from seq2point.datasets.unreadable import OnUnreadable, open_readable, warn_of_unreadable
from seq2point.errors import DataError

DATASET, LICENCE, PERIOD_S = "REFIT", "CC BY 4.0", 8.0
LAYOUT = (
    "a folder of CLEAN_House1.csv, CLEAN_House2.csv, ... (Time, Unix, Aggregate, Appliance1 to"
    " Appliance9, Issues)"
)
NAME = re.compile(r"(?:clean_)?house_?(\d+)\.csv", re.IGNORECASE)


def list_houses(
    root: Path, selection: Selection, on_unreadable: OnUnreadable = warn_of_unreadable
) -> list[RawHouse]:
    """Return the selected houses of a folder or of one CSV.

    `on_unreadable` is called with each house whose file lacks the data set's columns. Raises
    DataError where there are no houses, for an appliance that no house has, and where a house by
    name, or every house, is unreadable.
    """
    paths = (
        [root]
        if root.is_file()
        else sorted((*root.glob("*.csv"), *root.glob("*/*.csv")), reverse=True)
    )
    path_by_house = {
        match[1].lstrip("0"): path for path in paths if (match := NAME.fullmatch(path.name))
    }
    listings = open_readable(
        select_houses(path_by_house, selection.houses, root, LAYOUT),
        lambda house: _list_house(house, path_by_house[house], selection),
        "house {}".format,
        bool(selection.houses),
        on_unreadable,
    )
    return gather_houses(listings, selection.appliances, root)


def _list_house(house: str, path: Path, selection: Selection) -> HouseListing:
    channels = list_channels(house)
    choice = choose_channels(channels, selection.appliances)
    raw = _make_house(house, path, choice, selection)
    return HouseListing(raw, [channel.label for channel in channels])


@cache
def _read_channels() -> dict[str, tuple[RawChannel, ...]]:
    table: dict[str, tuple[RawChannel, ...]] = {}
    text = files(__package__).joinpath("refit_channels.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        table[row["house"]] = (
            *table.get(row["house"], ()),
            RawChannel(row["channel"], row["label"], row["remark"]),
        )
    return table


def list_channels(house: str) -> tuple[RawChannel, ...]:
    """Return the nine channels of a house; none for a house that the data set lacks."""
    return _read_channels().get(house, ())


def _make_house(house: str, path: Path, choice: ChannelChoice, selection: Selection) -> RawHouse:
    with (
        refuse_damage(path, "cannot be read"),
        path.open(encoding="utf-8-sig", errors="replace") as file,
    ):
        names = [name.lower() for name in split_cells(file.readline(), ",")]
    series = [f"appliance{channel.key}" for channel in choice.channels.values()]
    time = "unix" if "unix" in names else "time"
    for name in ("aggregate", time, *series):
        if name not in names:
            raise DataError(f"{path}: no column '{name.capitalize()}'; expected {LAYOUT}")
    flag = ("issues",) if "issues" in names and not selection.keep_issues else ()
    at = [names.index(name) for name in ("aggregate", *series, *flag)]
    layout = TextLayout(",", len(names), names.index(time), tuple(at), first_line=1)
    columns = (MAINS, *choice.channels)
    read = partial(_read_pieces, path, layout, bool(flag), selection.zone)
    how = f"{layout} {selection.zone}"
    meter = Meter(path.name, path, columns, read, path.stat().st_size, how=how)
    origins = {name: f"Appliance{c.key} '{c.label}'" for name, c in choice.channels.items()}
    return RawHouse(
        DATASET,
        house,
        f"refit_house{house}",
        f"house {house}",
        (meter,),
        PERIOD_S,
        {MAINS: "Aggregate"} | origins,
        LICENCE,
        facts={"carrier": path.name} | ({"issues": "kept"} if selection.keep_issues else {}),
        remarks=choice.remarks,
    )


def _read_pieces(
    path: Path, layout: TextLayout, flagged: bool, zone: str | None
) -> Iterator[Piece]:
    clock = Clock(zone, describe_row=lambda row: f"{path}, row {row + 1}")
    for rows in read_rows(path, layout):
        assert rows.times is not None
        watts, flag = (rows.series[:-1], rows.series[-1] == 1) if flagged else (rows.series, None)
        yield Piece(
            clock.to_seconds(rows.times), watts, flag, rows.no_number[: len(watts)], rows.size
        )


SOURCE = Source("refit", LAYOUT, list_houses)
