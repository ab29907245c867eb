"""Readings as they come in, and what every source of them promises."""

import math
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from seq2point.errors import Seq2PointError
from seq2point.limits import ABSURD_W, NOISE_W

Item = TypeVar("Item")

EARLIEST_S, LATEST_S = 0.0, 7_258_118_400.0
"""From 1970 to 2200: beyond that a clock is wrong, and the calendar may have no days."""

AHEAD_S = 86_400.0
"""A reading this far ahead of the machine's clock is of a clock that is wrong."""

CLOCK_SET_S = 1_577_836_800.0
"""2020: a machine whose clock is before that has none that is set, as after a power cut."""


class Reading(NamedTuple):
    """The mains at one time: seconds since 1970, UTC, and watts; NaN where they are unknown."""

    time_s: float
    watts: float


def find_latest_s(now_s: float) -> float:
    """Return before when readings must be that come now, by the machine's clock."""
    return min(now_s + AHEAD_S, LATEST_S) if now_s >= CLOCK_SET_S else LATEST_S


def clean_readings(readings: Sequence[Reading], latest_s: float = LATEST_S) -> list[Reading]:
    """Return readings without those at impossible times, and NaN for what no home draws.

    Times are impossible before 1970 and from `latest_s` on. No home draws more than `ABSURD_W`, and
    one below zero feeds in: that says nothing of its load.
    """
    return [
        Reading(time_s, max(watts, 0.0) if -NOISE_W <= watts <= ABSURD_W else math.nan)
        for time_s, watts in readings
        if EARLIEST_S <= time_s < latest_s
    ]


class SourceError(Seq2PointError):
    """A source cannot go on: a wrong password, an unknown entity, a file that cannot be read."""


class Source(Protocol):
    """Where readings come from.

    `batches` yields the readings that came since the last batch, in the order of their coming. It
    connects again by itself where a connection is lost. It ends where a file ends. It raises
    SourceError for what no second attempt mends.
    """

    @property
    def lost(self) -> int:
        """How many messages were lost, because they came faster than they were taken."""

    def batches(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield batches of readings, none of them empty."""


class Backlog(Generic[Item]):
    """A queue of bounded length that drops its oldest item for a new one, and counts the loss."""

    def __init__(self, length: int):
        self._items: deque[Item] = deque(maxlen=length)
        self.lost = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Add an item at the end."""
        self.lost += len(self._items) == self._items.maxlen
        self._items.append(item)

    def take(self) -> list[Item]:
        """Return all items, oldest first, and forget them."""
        items = list(self._items)
        self._items.clear()
        return items
