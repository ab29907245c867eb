"""Readings of entities in Home Assistant, by its websocket."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seq2point.errors import UsageError
from seq2point.live.broker import wait_to_reconnect, waits_s
from seq2point.live.hass import ERRORS, CommandError, HomeAssistant
from seq2point.live.meters import Channel, Meter
from seq2point.live.readings import SourceError
from seq2point.live.sources.queued import QUEUE, QueuedSource

LOG = logging.getLogger("seq2point.live")

HOLD_S = 3600.0
"""A state holds until the next: Home Assistant tells changes alone, and says 'unavailable'."""

STALE_S = 6 * 3600.0
SCALES = {"W": 1.0, "kW": 1000.0, "MW": 1e6, "mW": 1e-3}


class HomeAssistantSource(QueuedSource):
    """Follows the states of power entities, and connects again where the connection is lost."""

    def __init__(
        self,
        home_assistant: HomeAssistant,
        meter: Meter,
        queue: int = QUEUE,
        clock: Callable[[], float] = time.time,
    ):
        super().__init__(meter, queue, clock)
        self.home_assistant = home_assistant
        self._scales: dict[str, float] = {}

    async def _listen(self) -> None:
        waits = waits_s()
        while True:
            try:
                async with self.home_assistant.connect() as link:
                    await link.command("subscribe_entities", entity_ids=self.meter.topics)
                    waits = waits_s()
                    first = True
                    async for event in link.events():
                        self._take(event)
                        if first:
                            self._warn_of_missing(event)
                        first = False
            except CommandError as error:
                raise SourceError(str(error)) from None
            except ERRORS as error:
                await wait_to_reconnect(f"source {self.home_assistant}", error, waits)

    def _warn_of_missing(self, event: Mapping[str, Any]) -> None:
        for entity in self.meter.topics:
            if entity not in event.get("a", {}):
                LOG.warning("Home Assistant has no %s so far; waiting for it", entity)

    def _take(self, event: Mapping[str, Any]) -> None:
        """Take the states of an event: all of added entities, what differs of changed ones."""
        changed = {
            entity: difference.get("+", {}) for entity, difference in event.get("c", {}).items()
        }
        for entity, state in {**event.get("a", {}), **changed}.items():
            if "unit_of_measurement" in state.get("a", {}):
                self._scales[entity] = find_scale(entity, state["a"]["unit_of_measurement"])
            if "s" in state:
                self._put_state(entity, state["s"], state.get("lu", state.get("lc")))
        for entity in event.get("r", []):
            self._put_state(entity, "unavailable", None)

    def _put_state(self, entity: str, text: str, stamp: float | None) -> None:
        try:
            value: float | str = float(text) * self._scales.get(entity, 1.0)
        except ValueError:
            value = text
        payload = {"state": value} if stamp is None else {"state": value, "at": stamp}
        self._put(entity, json.dumps(payload))


def find_scale(entity: str, unit: str) -> float:
    """Return the watts in a unit of power; raises SourceError for another unit."""
    if unit not in SCALES:
        raise SourceError(
            f"{entity}: is in {unit}, not a power; choose an entity in W or kW (a counter of kWh"
            " tells too little of appliances)"
        )
    return SCALES[unit]


def make_meter(entities: Sequence[str], productions: Sequence[str] = ()) -> Meter:
    """Return the meter of entities that are added up; a minus in front subtracts one.

    Raises UsageError for what is no entity.
    """
    channels = []
    for text in [*entities, *productions]:
        entity = text.removeprefix("-")
        if entity.count(".") != 1 or not all(entity.split(".")):
            raise UsageError(f"`entity` '{text}': expected an entity, as sensor.mains_power")
        channels.append(
            Channel(
                entity,
                ("state",),
                sign=-1 if text.startswith("-") else 1,
                stamp="at",
                is_production=text in productions,
            )
        )
    return Meter(channels, stale_s=STALE_S)
