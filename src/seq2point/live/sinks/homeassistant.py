"""Energy to Home Assistant's long-term statistics, with the times when it was used."""

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from seq2point.live.broker import wait_to_reconnect, waits_s
from seq2point.live.hass import ERRORS, CommandError, HomeAssistant, Link
from seq2point.live.sinks.discovery import LABELS, Topics
from seq2point.live.sinks.sending import SendingSink
from seq2point.live.store import Hour
from seq2point.live.updates import Update

LOG = logging.getLogger("seq2point.live")

QUEUE = 100_000
"""Hours of parts that may wait: a year or more."""

NEWER = ("mean_type", "unit_class")
"""What later versions of Home Assistant want to know, and earlier ones refuse."""


class StatisticsSink(SendingSink[Hour]):
    """Imports whole hours as statistics `seq2point:<home>_<part>_energy`.

    An hour that comes again replaces itself, so nothing counts twice.
    """

    def __init__(self, home_assistant: HomeAssistant, home: str):
        super().__init__(QUEUE)
        self.home_assistant, self.home = home_assistant, home
        self._id = Topics(home).id.replace("-", "_")
        self._labels = dict(LABELS)
        self._known = list(NEWER)

    def _take(self, update: Update) -> None:
        if update.description is not None:
            self._labels |= {a.name: a.label.capitalize() for a in update.description.appliances}
        for hour in update.hours:
            self._put(hour)

    async def _send(self) -> None:
        waits = waits_s()
        while not (self._closing and not len(self._backlog)):
            await self._came.wait()
            self._came.clear()
            hours = self._backlog.take()
            try:
                if hours:
                    async with self.home_assistant.connect() as link:
                        await self._import(link, hours)
                    waits = waits_s()
            except CommandError as error:
                LOG.warning("%s; %d hours are left out", error, len(hours))
            except ERRORS as error:
                for hour in hours:
                    self._backlog.put(hour)
                if self._closing:
                    return
                await wait_to_reconnect(f"sink {self.home_assistant}", error, waits)
                self._came.set()

    async def _import(self, link: Link, hours: Sequence[Hour]) -> None:
        for name in dict.fromkeys(hour.name for hour in hours):
            stats = format_statistics(hour for hour in hours if hour.name == name)
            while True:
                try:
                    await link.command(
                        "recorder/import_statistics", metadata=self._describe(name), stats=stats
                    )
                    break
                except CommandError as error:
                    if error.code != "invalid_format" or not self._known:
                        raise
                    self._known.pop()

    def _describe(self, name: str) -> dict[str, Any]:
        """Return what the statistics of a part are, as far as this Home Assistant wants to know."""
        newer = {"mean_type": 0, "unit_class": "energy"}
        label = self._labels.get(name, name.replace("_", " ").capitalize())
        return {
            "has_mean": False,
            "has_sum": True,
            "name": f"{self.home}: {label}",
            "source": "seq2point",
            "statistic_id": f"seq2point:{self._id}_{name}_energy",
            "unit_of_measurement": "kWh",
            **{key: newer[key] for key in self._known},
        }


def format_statistics(hours: Iterable[Hour]) -> list[dict[str, Any]]:
    """Return hours of one part as Home Assistant's statistics: the counter at the end of each."""
    return [
        {
            "start": datetime.fromtimestamp(hour.start_s, UTC).isoformat(),
            "state": round(hour.total_wh / 1000, 6),
            "sum": round(hour.total_wh / 1000, 6),
        }
        for hour in hours
    ]
