"""Answers to an MQTT broker, as Home Assistant discovers them."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import aiomqtt

from seq2point.live.broker import CLIENT_ERRORS, Broker, wait_to_reconnect, waits_s
from seq2point.live.cycles import Notice
from seq2point.live.mains_parts import MAINS, Answers
from seq2point.live.sinks.discovery import OFFLINE, ONLINE, Topics, describe_home
from seq2point.live.sinks.jsonl import known_parts
from seq2point.live.sinks.sending import SendingSink
from seq2point.live.updates import HomeDescription, Update

LOG = logging.getLogger("seq2point.live")

QUEUE = 1000
"""Messages that may wait while there is no connection; then the oldest are lost, and counted."""


class Message(NamedTuple):
    """A message to publish."""

    topic: str
    payload: str
    retain: bool = False


class MqttSink(SendingSink[Message]):
    """Publishes power, energy, what runs, starts and finishes, and the discovery message.

    Energy never falls: it is told once it is kept, and the highest so far is told. The broker says
    'offline' for us where the connection is lost. When Home Assistant starts, all is told again.
    """

    def __init__(self, broker: Broker, home: str, client: str, prefix: str = "homeassistant"):
        super().__init__(QUEUE)
        self.broker, self.home, self.client = broker, home, client
        self.topics = Topics(home, prefix)
        self._description: HomeDescription | None = None
        self._latest: dict[str, Message] = {}
        self._highest_wh: dict[str, float] = {}

    def _take(self, update: Update) -> None:
        if update.description is not None:
            self._description = update.description
            self._tell(self._announce())
        if update.answers is not None:
            self._tell(Message(self.topics.power, format_power(update.answers)))
        for name, runs in update.running.items():
            message = Message(self.topics.running(name), "ON" if runs else "OFF", True)
            if self._latest.get(message.topic) != message:
                self._tell(message)
        for notice in update.notices:
            topic = self.topics.event(notice.appliance)
            self._put(Message(topic, format_notice(notice)))
        if update.counters:
            self._tell(Message(self.topics.energy, self._format_energy(update.counters), True))

    def _tell(self, message: Message) -> None:
        """Put a state: it is told again after each connection."""
        self._latest[message.topic] = message
        self._put(message)

    def _announce(self) -> Message:
        assert self._description is not None
        payload = describe_home(self.topics, self.home, self._description)
        return Message(self.topics.discovery, payload, True)

    def _format_energy(self, counters: Mapping[str, float]) -> str:
        for name, wh in counters.items():
            self._highest_wh[name] = max(wh, self._highest_wh.get(name, 0.0))
        return json.dumps({name: round(wh / 1000, 4) for name, wh in self._highest_wh.items()})

    async def _send(self) -> None:
        """Connect, and send what comes, until it is closed; connect again where that fails."""
        waits = waits_s()
        will = aiomqtt.Will(self.topics.availability, OFFLINE, qos=1, retain=True)
        while True:
            try:
                async with self.broker.make_client(self.client, will) as client:
                    await client.subscribe(self.topics.birth, qos=1)
                    listening = asyncio.ensure_future(self._hear_births(client))
                    try:
                        await self._tell_all(client)
                        waits = waits_s()
                        await self._send_on(client, listening)
                    finally:
                        listening.cancel()
                        with suppress(asyncio.CancelledError, *CLIENT_ERRORS):
                            await listening
                    return
            except CLIENT_ERRORS as error:
                self.broker.require_retry(error)
                if self._closing:
                    return
                await wait_to_reconnect(f"sink {self.broker}", error, waits)

    async def _tell_all(self, client: aiomqtt.Client) -> None:
        """Say that we are online, what there is, and what was told last."""
        self._backlog_without_latest()
        for message in sorted(
            self._latest.values(), key=lambda each: each.topic != self.topics.discovery
        ):
            await self._publish(client, message)
        await self._publish(client, Message(self.topics.availability, ONLINE, True))

    def _backlog_without_latest(self) -> None:
        """Leave of what waits the starts and finishes alone: of states the latest is told."""
        for message in self._backlog.take():
            if self._latest.get(message.topic) is None:
                self._backlog.put(message)

    async def _send_on(self, client: aiomqtt.Client, listening: "asyncio.Future[Any]") -> None:
        while True:
            for message in self._backlog.take():
                await self._publish(client, message)
            if self._closing:
                await self._publish(client, Message(self.topics.availability, OFFLINE, True))
                return
            coming: asyncio.Future[Any] = asyncio.ensure_future(self._came.wait())
            await asyncio.wait([coming, listening], return_when=asyncio.FIRST_COMPLETED)
            coming.cancel()
            if listening.done():
                listening.result()
            self._came.clear()

    async def _hear_births(self, client: aiomqtt.Client) -> None:
        """Tell all again whenever Home Assistant starts."""
        async for message in client.messages:
            if message.payload == ONLINE.encode() and not message.retain:
                await self._tell_all(client)

    async def _publish(self, client: aiomqtt.Client, message: Message) -> None:
        await client.publish(message.topic, message.payload, qos=1, retain=message.retain)


def format_power(answers: Answers) -> str:
    """Return the last of the answers as JSON: watts by part, null for unknown, and its time."""
    last = answers.slice(len(answers) - 1)
    watts = {MAINS: last.mains_w, **known_parts(last)}
    powers = {name: None if w[0] != w[0] else round(float(w[0]), 1) for name, w in watts.items()}
    return json.dumps({"as_of": _format_time(last.end_s), **powers})


def format_notice(notice: Notice) -> str:
    """Return a start or a finish as JSON, with its true times."""
    event = {
        "event": notice.kind,
        "start": _format_time(notice.start_s),
        "end": None if notice.end_s is None else _format_time(notice.end_s),
        "kwh": None if notice.energy_wh is None else round(notice.energy_wh / 1000, 3),
    }
    return json.dumps({key: value for key, value in event.items() if value is not None})


def _format_time(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")
