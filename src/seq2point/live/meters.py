"""Meters: one or several channels that add up to the mains, and the readings that they make."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from seq2point.errors import DataError
from seq2point.limits import NOISE_W
from seq2point.live.payloads import find_time_s, find_watts, parse_payload
from seq2point.live.readings import Reading
from seq2point.recording.coverage import DAY_S
from seq2point.wording import format_minutes

STALE_S = 120.0
"""A channel that says nothing for this long is unknown, and the mains with it."""

DUSK_W = 50.0
"""A solar inverter that falls silent below this has gone to sleep: it produces nothing."""

CLOCK_S = 600.0
"""A meter whose stamps are this far from their arrival has a wrong clock: arrival counts then."""

LOG = logging.getLogger("seq2point.live")


@dataclass(frozen=True)
class Channel:
    """One number of a meter: its topic or entity, where in the payload it is, and its sign.

    `paths` are alternatives, the first that a payload has counts: a total, else the sum of phases.
    An alternative of several paths, joined by +, is their sum. `optional` channels are 0 until they
    first come. `stamp` is the path of the payload's own time. `is_production` is said of solar
    inverters and batteries: they are silent at night.
    """

    topic: str
    paths: tuple[str, ...] = ("",)
    scale: float = 1.0
    sign: int = 1
    stamp: str | None = None
    is_production: bool = False
    optional: bool = False

    def find(self, document: Any) -> float | None:
        """Return the channel's watts in a payload, with their sign; None where it has none.

        Raises DataError for what is no number.
        """
        for path in self.paths:
            parts = [find_watts(document, part, self.scale) for part in path.split("+")]
            known = [part for part in parts if part is not None]
            if len(known) == len(parts):
                return self.sign * sum(known)
        return None


@dataclass
class Counts:
    """What became of the messages of a meter: readings, and what could not be used."""

    readings: int = 0
    unreadable: int = 0
    lacking: int = 0
    below_zero: int = 0
    stale: int = 0
    wrong_clock: int = 0


@dataclass
class Meter:
    """A meter of several channels, which come at times of their own; messages in, readings out.

    There is a reading as soon as every channel has come since the last one. Where a channel comes
    twice before another has come once, the other's value holds, until it is stale. The net of a
    home that feeds in says nothing of its load: below zero it is unknown.
    """

    channels: Sequence[Channel]
    stale_s: float = STALE_S
    counts: Counts = field(default_factory=Counts)
    complaint: str = ""
    """What was wrong with the last message that could not be read."""

    def __post_init__(self) -> None:
        self._values: dict[int, tuple[float, float]] = {}
        self._round: dict[int, float] = {}
        self._topics = {channel.topic for channel in self.channels}
        self._trusts_stamps = True

    @property
    def topics(self) -> list[str]:
        """The topics to subscribe to, each once."""
        return list(dict.fromkeys(channel.topic for channel in self.channels))

    def take(self, topic: str, payload: bytes | str, arrived_s: float) -> list[Reading]:
        """Return the readings that a message completes, none or more."""
        if topic not in self._topics:
            return []
        try:
            document = parse_payload(payload)
            came = {
                i: watts
                for i, channel in enumerate(self.channels)
                if channel.topic == topic and (watts := channel.find(document)) is not None
            }
            stamps_s = {self._find_stamp_s(i, document, arrived_s) for i in came}
        except DataError as error:
            return self._refuse(f"{topic}: {error}")
        if not came:
            self.counts.lacking += 1
            self.complaint = f"{topic}: the payload lacks {self._name_paths(topic)}"
            return []
        return self._add(came, max(stamps_s))

    def _refuse(self, complaint: str) -> list[Reading]:
        self.counts.unreadable += 1
        self.complaint = complaint
        return []

    def _name_paths(self, topic: str) -> str:
        channels = [channel for channel in self.channels if channel.topic == topic]
        return ", ".join(" or ".join(channel.paths) for channel in channels)

    def _find_stamp_s(self, index: int, document: Any, arrived_s: float) -> float:
        stamp = self.channels[index].stamp
        own_s = find_time_s(document, stamp) if stamp and self._trusts_stamps else None
        if own_s is None:
            return arrived_s
        if (off_s := abs(own_s - arrived_s)) > CLOCK_S:
            LOG.warning(
                "%s: the meter's clock is %s off this machine's: from here on a reading's time is"
                " that of its arrival",
                self.channels[index].topic,
                format_minutes(off_s) if off_s < DAY_S else "more than a day",
            )
            self.counts.wrong_clock += 1
            self._trusts_stamps = False
            return arrived_s
        return own_s

    def _add(self, came: dict[int, float], time_s: float) -> list[Reading]:
        readings = []
        if self._round.keys() & came.keys():
            readings += self._close(max(self._round.values()))
        for i, watts in came.items():
            self._values[i] = (time_s, watts)
            self._round[i] = time_s
        if all(i in self._round or self._is_absent(i) for i in range(len(self.channels))):
            readings += self._close(time_s)
        return readings

    def _is_absent(self, index: int) -> bool:
        """Whether an optional channel has never come."""
        return self.channels[index].optional and index not in self._values

    def _close(self, time_s: float) -> list[Reading]:
        """Return the reading of all channels at a time, and begin the next round."""
        self._round = {}
        total = 0.0
        for i, channel in enumerate(self.channels):
            if self._is_absent(i):
                continue
            came_s, watts = self._values.get(i, (-math.inf, math.nan))
            if time_s - came_s <= self.stale_s:
                total += watts
            elif not (channel.is_production and abs(watts) <= DUSK_W):
                self.counts.stale += 1
                return []
        self.counts.readings += 1
        if total < 0:
            self.counts.below_zero += total < -NOISE_W
            total = 0.0 if total >= -NOISE_W else math.nan
        return [Reading(time_s, total)]
