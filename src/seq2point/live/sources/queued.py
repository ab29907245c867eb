"""What the sources over a network share: a bounded queue of messages, and a meter to read them."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

from seq2point.live.meters import Meter
from seq2point.live.readings import Backlog, Reading

LOG = logging.getLogger("seq2point.live")

QUEUE = 10_000
"""Messages that may wait; then the oldest are lost, and counted."""

QUIET_S = 60.0
"""After so long without a reading the meter's complaint is logged."""


class QueuedSource(ABC):
    """Puts messages in a queue as they come, and gives the readings that a meter makes of them.

    A subclass gives `_listen`, which puts messages until it fails for good.
    """

    def __init__(self, meter: Meter, queue: int, clock: Callable[[], float]):
        self.meter, self._clock = meter, clock
        self._backlog: Backlog[tuple[str, bytes | str, float]] = Backlog(queue)
        self._came = asyncio.Event()

    @property
    def lost(self) -> int:
        """How many messages were lost."""
        return self._backlog.lost

    @abstractmethod
    async def _listen(self) -> None:
        """Put messages for ever; raise SourceError for what cannot be mended."""

    def _put(self, topic: str, payload: bytes | str) -> None:
        self._backlog.put((topic, payload, self._clock()))
        self._came.set()

    async def batches(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield what came since the last batch; see `Source`."""
        listening: asyncio.Future[Any] = asyncio.ensure_future(self._listen())
        complained_s = time.monotonic()
        try:
            while True:
                coming: asyncio.Future[Any] = asyncio.ensure_future(self._came.wait())
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
