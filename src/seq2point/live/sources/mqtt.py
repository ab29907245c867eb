"""Readings from an MQTT broker."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress

from seq2point.live.broker import CLIENT_ERRORS, Broker, wait_to_reconnect, waits_s
from seq2point.live.meters import Meter
from seq2point.live.readings import Backlog, Reading

LOG = logging.getLogger("seq2point.live")

QUEUE = 10_000
"""Messages that may wait; then the oldest are lost, and counted."""

QUIET_S = 60.0
"""After so long without a reading the meter's complaint is logged."""


class MqttSource:
    """Subscribes to the topics of a meter, and connects again where the connection is lost.

    A message that the broker has kept (retained) is from some other time: it is left out.
    """

    def __init__(
        self,
        broker: Broker,
        meter: Meter,
        client: str,
        queue: int = QUEUE,
        clock: Callable[[], float] = time.time,
    ):
        self.broker, self.meter, self.client = broker, meter, client
        self._backlog: Backlog[tuple[str, bytes, float]] = Backlog(queue)
        self._came = asyncio.Event()
        self._clock = clock
        self.connections = 0

    @property
    def lost(self) -> int:
        """How many messages were lost."""
        return self._backlog.lost

    async def batches(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield what came since the last batch; see `Source`."""
        listening = asyncio.ensure_future(self._listen())
        complained_s = time.monotonic()
        try:
            while True:
                coming = asyncio.ensure_future(self._came.wait())
                await asyncio.wait(
                    {coming, listening}, timeout=QUIET_S, return_when=asyncio.FIRST_COMPLETED
                )
                coming.cancel()
                if listening.done():
                    listening.result()
                self._came.clear()
                readings = [
                    reading
                    for message in self._backlog.take()
                    for reading in self.meter.take(*message)
                ]
                if readings:
                    complained_s = time.monotonic()
                    yield readings
                elif self.meter.complaint and time.monotonic() - complained_s >= QUIET_S:
                    complained_s = time.monotonic()
                    LOG.warning("no reading so far: %s", self.meter.complaint)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await listening

    async def _listen(self) -> None:
        """Put messages in the backlog for ever; raise SourceError for what cannot be mended."""
        waits = waits_s()
        while True:
            try:
                async with self.broker.make_client(self.client) as client:
                    for topic in self.meter.topics:
                        await client.subscribe(topic, qos=1)
                    LOG.info("%s: connected, %s", self.broker, ", ".join(self.meter.topics))
                    self.connections += 1
                    waits = waits_s()
                    async for message in client.messages:
                        if not message.retain and isinstance(message.payload, bytes):
                            topic = str(message.topic)
                            self._backlog.put((topic, message.payload, self._clock()))
                            self._came.set()
            except CLIENT_ERRORS as error:
                self.broker.require_retry(error)
                await wait_to_reconnect(self.broker, error, waits)
