"""Readings from an MQTT broker."""

import logging
import time
from collections.abc import Callable

from seq2point.live.broker import CLIENT_ERRORS, Broker, wait_to_reconnect, waits_s
from seq2point.live.meters import Meter
from seq2point.live.sources.queued import QUEUE, QueuedSource

LOG = logging.getLogger("seq2point.live")


class MqttSource(QueuedSource):
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
        super().__init__(meter, queue, clock)
        self.broker, self.client = broker, client
        self.connections = 0

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
                            self._put(str(message.topic), message.payload)
            except CLIENT_ERRORS as error:
                self.broker.require_retry(error)
                await wait_to_reconnect(f"source {self.broker}", error, waits)
