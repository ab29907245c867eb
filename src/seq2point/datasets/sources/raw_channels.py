"""Which of a house's channels an appliance is, by the names that its data set gives them."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seq2point.appliances import APPLIANCES, canonical_name
from seq2point.datasets.contract import ALL
from seq2point.errors import DataError

ORDER = (
    "kettle",
    "fridge",
    "dishwasher",
    "washing_machine",
    "microwave",
)  # of the columns in the store; others follow


class RawChannel(NamedTuple):
    """A channel: its key in the data set, the name it has there ('???' or nothing is unknown), and
    a remark about it.
    """

    key: str
    label: str
    remark: str = ""


class ChannelChoice(NamedTuple):
    """Channels by the name of their column, and what there is to say about them and about those
    that were left out.
    """

    channels: dict[str, RawChannel]
    remarks: tuple[str, ...]


def make_column_name(label: str) -> str:
    """A label as a column's name, without what stands in brackets: 'Fridge(garage)' is 'fridge'."""
    return canonical_name(_plain(label))


def choose_channels(
    channels: Sequence[RawChannel],
    wanted: Sequence[str],
    preferred: Mapping[str, str] | None = None,
) -> ChannelChoice:
    """The channels of the wanted appliances: those of the package's table by default, or `all`.

    Where several channels are the same appliance, the one with the very name comes before one with
    an alias (a 'Washing Machine' before a 'Washer Dryer'), then the first; `preferred` has keys by
    appliance that come before both. The others are `<appliance>_2` and so on, which only `all` or
    their name brings.
    """
    remarks = []
    named: dict[str, list[RawChannel]] = {}
    for channel in channels:
        name = make_column_name(channel.label)
        if name:
            named.setdefault(name, []).append(channel)
        else:
            remarks.append(f"channel {channel.key}: nobody knows what it is; left out")
    every: dict[str, RawChannel] = {}
    for name, same in named.items():
        first = (preferred or {}).get(name)
        order = sorted(same, key=lambda c: (c.key != first, _plain(c.label) != name))
        for i, channel in enumerate(order, 1):
            every[name if i == 1 else f"{name}_{i}"] = channel
    asked = [name if name == ALL else make_column_name(name) for name in wanted]
    chosen = (
        every
        if ALL in asked
        else {name: every[name] for name in asked or APPLIANCES if name in every}
    )
    chosen = dict(
        sorted(
            chosen.items(),
            key=lambda item: ORDER.index(item[0]) if item[0] in ORDER else len(ORDER),
        )
    )
    for name, channel in chosen.items():
        if channel.remark:
            remarks.append(f"{name} (channel {channel.key}): {channel.remark}")
    for name, channel in every.items():
        base = re.sub(r"_\d+$", "", name)
        if name not in chosen and base != name and base in chosen:
            remarks.append(
                f"channel {channel.key} ('{channel.label}') is another {base}: left out;"
                f" --appliances {name} takes it"
            )
    return ChannelChoice(chosen, tuple(remarks))


def require_channels(
    choices: Mapping[str, ChannelChoice],
    wanted: Sequence[str],
    where: object,
    labels: Sequence[str],
) -> None:
    """Raise DataError where an appliance that was asked for by name is in none of the houses."""
    for name in map(make_column_name, (name for name in wanted if name != ALL)):
        if not any(name in choice.channels for choice in choices.values()):
            there = ", ".join(sorted(set(map(make_column_name, labels)) - {""})) or "none"
            raise DataError(f"{where}: no '{name}' in any of these houses (there are: {there})")


def _plain(label: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", re.sub(r"\(.*?\)", "", label.lower())).strip("_")
