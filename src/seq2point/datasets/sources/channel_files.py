"""Channel files, the layout of UK-DALE and REDD.

`house_1/labels.dat` has lines of "index name"; each channel has a file with lines of "unix watts".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from seq2point.data.file_errors import refuse_damage
from seq2point.data.text.text_table import TextLayout, read_rows
from seq2point.data.times.timestamps import Clock
from seq2point.datasets.contract import MAINS, Meter, Piece, RawHouse, Selection, select_houses
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
from seq2point.wording import format_count

LAYOUT = "a folder of house_1/labels.dat, house_1/channel_1.dat, ..."
FOLDER = re.compile(r"(?:house|building)_?(\d+)", re.IGNORECASE)
ROWS = TextLayout(" ", 2, 0, (1,))
Labels = Mapping[str, str]


@dataclass(frozen=True)
class ChannelFiles:
    """A data set of this layout.

    Channels with a label of `mains` are summed to the mains; a house has at least `legs` of them.
    `otherwise` is the channel of the mains where no label says so. `renamed` gives an appliance and
    a remark for some labels of this data set. `preferred` is the channel of an appliance, by house,
    where several have its name.
    """

    dataset: str
    licence: str
    period_s: float
    mains: tuple[str, ...]
    otherwise: str | None = None
    legs: int = 1
    plug_limit_w: float | None = PLUG_LIMIT_W
    renamed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    preferred: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def list_houses(
        self, root: Path, selection: Selection, on_unreadable: OnUnreadable = warn_of_unreadable
    ) -> list[RawHouse]:
        """Return the selected houses of a folder, which may be a house itself.

        `on_unreadable` is called with each house whose labels or channels are missing. Raises
        DataError where there are no houses, for an appliance that no house has, and where a house
        by name, or every house, is unreadable.
        """
        folders = (
            [root]
            if (root / "labels.dat").is_file()
            else [path for path in root.glob("*") if path.is_dir()]
        )
        folder_by_house = {
            match[1]: path for path in folders if (match := FOLDER.fullmatch(path.resolve().name))
        }
        listings = open_readable(
            select_houses(folder_by_house, selection.houses, root, LAYOUT),
            lambda house: self._list_house(house, folder_by_house[house], selection),
            "house {}".format,
            bool(selection.houses),
            on_unreadable,
        )
        return gather_houses(listings, selection.appliances, root)

    def _list_house(self, house: str, folder: Path, selection: Selection) -> HouseListing:
        labels = read_labels(folder)
        channels = self._list_channels(labels)
        choice = choose_channels(channels, selection.appliances, self.preferred.get(house))
        raw = self._make_house(house, folder, labels, choice)
        return HouseListing(raw, [channel.label for channel in channels])

    def _find_legs(self, labels: Labels) -> list[str]:
        return [key for key, label in labels.items() if label in self.mains] or [
            key for key in labels if key == self.otherwise
        ]

    def _list_channels(self, labels: Labels) -> list[RawChannel]:
        legs = self._find_legs(labels)
        return [
            RawChannel(key, *self.renamed.get(label, (label, "")))
            for key, label in labels.items()
            if key not in legs
        ]

    def _make_house(
        self, house: str, folder: Path, labels: Labels, choice: ChannelChoice
    ) -> RawHouse:
        legs = self._find_legs(labels)
        if len(legs) < self.legs:
            raise DataError(
                f"{folder / 'labels.dat'}: names {format_count(len(legs), 'channel')} of mains; "
                f"a house of {self.dataset} has {self.legs}"
            )
        keys = [(MAINS, key) for key in legs] + [
            (name, channel.key) for name, channel in choice.channels.items()
        ]
        origins = {
            name: f"channel_{c.key} '{labels[c.key]}'" for name, c in choice.channels.items()
        }
        return RawHouse(
            self.dataset,
            house,
            f"{re.sub(r'[^a-z0-9]', '', self.dataset.lower())}_house{house}",
            f"house {house}",
            tuple(_make_meter(folder / f"channel_{key}.dat", name) for name, key in keys),
            self.period_s,
            {MAINS: " + ".join(f"channel_{key}" for key in legs)} | origins,
            self.licence,
            self.plug_limit_w,
            facts={"carrier": f"{folder.name}/channel_*.dat"},
            remarks=choice.remarks,
        )


def read_labels(folder: Path) -> dict[str, str]:
    """Return the labels of a house's channels by their numbers, from labels.dat.

    Raises DataError for a missing file and for a line that is no "index name".
    """
    path = folder / "labels.dat"
    if not path.is_file():
        raise DataError(f"{path}: no such file; it names the channels")
    labels: dict[str, str] = {}
    with refuse_damage(path, "cannot be read"):
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    for line, text in enumerate(lines, 1):
        index, _, label = text.strip().partition(" ")
        if not text.strip():
            continue
        if not index.isdigit() or not label.strip():
            raise DataError(
                f"{path}, line {line}: invalid label '{text.strip()[:40]}': expected a channel's"
                " number and its name, for example 5 kettle"
            )
        labels[index] = label.strip()
    return labels


def _make_meter(path: Path, column: str) -> Meter:
    if not path.is_file():
        raise DataError(f"{path}: no such file, though labels.dat names it")
    return Meter(path.name, path, (column,), partial(_read, path), path.stat().st_size)


def _read(path: Path) -> Iterator[Piece]:
    clock = Clock(describe_row=lambda row: f"{path}, row {row + 1}")
    for rows in read_rows(path, ROWS):
        assert rows.times is not None
        yield Piece(clock.to_seconds(rows.times), rows.series, None, rows.no_number, rows.size)
