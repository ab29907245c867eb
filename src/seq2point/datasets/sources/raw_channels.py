"""Raw channels: the choice of a house's channels for appliances, by the data set's names."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seq2point.appliances import APPLIANCES, canonical_name
from seq2point.datasets.contract import ALL, RawHouse
from seq2point.errors import DataError

ORDER = ("kettle", "fridge", "dishwasher", "washing_machine", "microwave")
"""The order of the columns in converted files. Other appliances follow."""


class RawChannel(NamedTuple):
    """A channel: its key and its label in the data set, and a remark. '???' or '' is unknown."""

    key: str
    label: str
    remark: str = ""


class ChannelChoice(NamedTuple):
    """Channels by the name of their column, and remarks on them and on those left out."""

    channels: dict[str, RawChannel]
    remarks: tuple[str, ...]


def make_column_name(label: str) -> str:
    """Return a label as a column's name, without brackets: 'fridge' for 'Fridge(garage)'."""
    return canonical_name(_strip_brackets(label))


def choose_channels(
    channels: Sequence[RawChannel],
    appliances: Sequence[str],
    preferred: Mapping[str, str] | None = None,
) -> ChannelChoice:
    """Return the channels of some appliances; by default the known ones, with `all` every one.

    Of several channels of an appliance, the one with the very name comes before one with an alias
    (a 'Washing Machine' before a 'Washer Dryer'), then the first. `preferred` has keys by appliance
    that come before both. The others are `<appliance>_2` and so on: they are chosen by that name or
    by `all`.
    """
    remarks = []
    same_name: dict[str, list[RawChannel]] = {}
    for channel in channels:
        name = make_column_name(channel.label)
        if name:
            same_name.setdefault(name, []).append(channel)
        else:
            remarks.append(f"channel {channel.key}: nobody knows what it is; left out")
    channel_by_name: dict[str, RawChannel] = {}
    for name, candidates in same_name.items():
        first = (preferred or {}).get(name)
        order = sorted(candidates, key=lambda c: (c.key != first, _strip_brackets(c.label) != name))
        for i, channel in enumerate(order, 1):
            channel_by_name[name if i == 1 else f"{name}_{i}"] = channel
    names = [name if name == ALL else make_column_name(name) for name in appliances]
    if ALL in names:
        names = list(channel_by_name)
    chosen = {
        name: channel_by_name[name]
        for name in sorted(dict.fromkeys(names or APPLIANCES), key=_find_place)
        if name in channel_by_name
    }
    for name, channel in chosen.items():
        if channel.remark:
            remarks.append(f"{name} (channel {channel.key}): {channel.remark}")
    for name, channel in channel_by_name.items():
        kind = re.sub(r"_\d+$", "", name)
        if name not in chosen and kind != name and kind in chosen:
            remarks.append(
                f"channel {channel.key} ('{channel.label}') is another {kind}: left out; name the"
                f" appliance '{name}' to have it"
            )
    return ChannelChoice(chosen, tuple(remarks))


def _find_place(name: str) -> int:
    """Return the place of a column in `ORDER`; the end for another appliance."""
    return ORDER.index(name) if name in ORDER else len(ORDER)


class HouseListing(NamedTuple):
    """A house of a data set, and the labels of all its channels."""

    house: RawHouse
    labels: Sequence[str]


def gather_houses(
    listings: Sequence[HouseListing], appliances: Sequence[str], root: object
) -> list[RawHouse]:
    """Return the houses. Raises DataError for an appliance by name that none of them has."""
    for name in map(make_column_name, (name for name in appliances if name != ALL)):
        if not any(name in listing.house.columns[1:] for listing in listings):
            labels = {make_column_name(label) for each in listings for label in each.labels}
            present = ", ".join(sorted(labels - {""})) or "none"
            raise DataError(f"{root}: no '{name}' in any of these houses (appliances: {present})")
    return [listing.house for listing in listings]


def _strip_brackets(label: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", re.sub(r"\(.*?\)", "", label.lower())).strip("_")
