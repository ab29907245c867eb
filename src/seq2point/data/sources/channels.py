"""Which of a house's channels an appliance is, by the names that its data set gives them."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seq2point.appliances import APPLIANCES, canonical
from seq2point.data.raw import ALL
from seq2point.errors import DataError

ORDER = ("kettle", "fridge", "dishwasher", "washing_machine", "microwave")  # of the columns in the store; others follow


class Channel(NamedTuple):
    """A channel: its key in the data set, the name it has there ('???' or nothing is unknown), and a remark about it."""

    key: str
    label: str
    remark: str = ""


class Choice(NamedTuple):
    """Channels by the name of their column, and what there is to say about them and about those that were left out."""

    channels: dict[str, Channel]
    remarks: tuple[str, ...]


def column_name(label: str) -> str:
    """A label as a column's name, without what stands in brackets: 'Fridge(garage)' is 'fridge'."""
    return canonical(_plain(label))


def choose(channels: Sequence[Channel], wanted: Sequence[str], preferred: Mapping[str, str] | None = None) -> Choice:
    """The channels of the wanted appliances: those of the package's table by default, or `all`.

    Where several channels are the same appliance, the one with the very name comes before one with an alias (a 'Washing Machine'
    before a 'Washer Dryer'), then the first; `preferred` has keys by appliance that come before both. The others are
    `<appliance>_2` and so on, which only `all` or their name brings.
    """
    remarks = []
    named: dict[str, list[Channel]] = {}
    for channel in channels:
        name = column_name(channel.label)
        if name:
            named.setdefault(name, []).append(channel)
        else:
            remarks.append(f"channel {channel.key}: nobody knows what it is; left out")
    every: dict[str, Channel] = {}
    for name, same in named.items():
        first = (preferred or {}).get(name)
        order = sorted(same, key=lambda c: (c.key != first, _plain(c.label) != name))
        for i, channel in enumerate(order, 1):
            every[name if i == 1 else f"{name}_{i}"] = channel
    asked = [name if name == ALL else column_name(name) for name in wanted]
    chosen = every if ALL in asked else {name: every[name] for name in asked or APPLIANCES if name in every}
    chosen = dict(sorted(chosen.items(), key=lambda item: ORDER.index(item[0]) if item[0] in ORDER else len(ORDER)))
    for name, channel in chosen.items():
        if channel.remark:
            remarks.append(f"{name} (channel {channel.key}): {channel.remark}")
    for name, channel in every.items():
        base = re.sub(r"_\d+$", "", name)
        if name not in chosen and base != name and base in chosen:
            remarks.append(f"channel {channel.key} ('{channel.label}') is another {base}: left out; --appliances {name} takes it")
    return Choice(chosen, tuple(remarks))


def require_some(choices: Mapping[str, Choice], wanted: Sequence[str], where: object, labels: Sequence[str]) -> None:
    """Raise DataError where an appliance that was asked for by name is in none of the houses."""
    for name in map(column_name, (name for name in wanted if name != ALL)):
        if not any(name in choice.channels for choice in choices.values()):
            there = ", ".join(sorted(set(map(column_name, labels)) - {""})) or "none"
            raise DataError(f"{where}: no '{name}' in any of these houses (there are: {there})")


def _plain(label: str) -> str:
    return re.sub(r"[^0-9a-z]+", "_", re.sub(r"\(.*?\)", "", label.lower())).strip("_")
