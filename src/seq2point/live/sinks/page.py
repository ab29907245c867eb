"""The page as a sink: a board that updates go to, and the server that shows it."""

import logging

from seq2point.live.page.application import Changes, Pages
from seq2point.live.page.board import Board, BoardOptions
from seq2point.live.page.protection import Access
from seq2point.live.page.server import PageServer
from seq2point.live.updates import Update

for name in ("uvicorn", "sse_starlette"):
    logging.getLogger(name).setLevel(logging.WARNING)


class PageSink:
    """Shows what updates tell to whoever may see it. Nothing of it waits for a browser."""

    def __init__(self, options: BoardOptions, access: Access, host: str, port: int):
        self.lost = 0
        self.board, self._changes = Board(options), Changes()
        pages = Pages(self.board, self._changes, access)
        self.server = PageServer(pages.make_application(), host, port)

    async def open(self) -> None:
        """Begin to listen; raises UsageError where that cannot be."""
        await self.server.open()

    async def publish(self, update: Update) -> None:
        """Show an update."""
        if update == Update():
            return
        self.board.take(update)
        self._changes.tell()

    async def close(self) -> None:
        """End all streams, and stop listening."""
        self._changes.close()
        await self.server.close()
