"""What every sink of answers promises."""

from typing import Protocol

from seq2point.live.updates import Update


class Sink(Protocol):
    """Where updates go. Numbers that are unknown are said to be, never taken for zero.

    A sink over a network never keeps `publish` waiting: it connects again by itself, and what it
    cannot send in time is lost and counted. Energy is told once it is kept, so it never falls.
    """

    @property
    def lost(self) -> int:
        """How many updates were lost."""

    async def open(self) -> None:
        """Begin. Raises Seq2PointError for what no second attempt mends."""

    async def publish(self, update: Update) -> None:
        """Take an update."""

    async def close(self) -> None:
        """Send what waits, say that the service is offline, and end."""
