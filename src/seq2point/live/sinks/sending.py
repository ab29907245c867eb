"""What the sinks over a network share: a bounded queue, and a task that sends what waits in it."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Generic, TypeVar

from seq2point.live.readings import Backlog
from seq2point.live.updates import Update

Item = TypeVar("Item")

LAST_WORDS_S = 5.0
"""How long what waits may take to be sent in the end."""


class SendingSink(ABC, Generic[Item]):
    """Sends what updates tell, as soon as there is a connection; what it cannot send is counted.

    A subclass gives `_take`, which puts what an update tells, and `_send`, which sends until the
    sink is closing and nothing waits, or fails for good.
    """

    def __init__(self, queue: int):
        self._backlog: Backlog[Item] = Backlog(queue)
        self._came = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def lost(self) -> int:
        """How many messages were lost."""
        return self._backlog.lost

    @abstractmethod
    async def _send(self) -> None:
        """Connect, send what comes, and connect again where that fails."""

    @abstractmethod
    def _take(self, update: Update) -> None:
        """Put what an update tells."""

    def _put(self, item: Item) -> None:
        self._backlog.put(item)
        self._came.set()

    async def open(self) -> None:
        """Begin to connect."""
        self._task = asyncio.create_task(self._send())

    async def publish(self, update: Update) -> None:
        """Send what an update tells, as soon as there is a connection.

        Raises SourceError where we are refused.
        """
        if self._task is not None and self._task.done():
            self._task.result()
        self._take(update)

    async def close(self) -> None:
        """Send what waits, say that we are offline where that is said, and end."""
        self._closing = True
        self._came.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=LAST_WORDS_S)
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task
