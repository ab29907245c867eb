"""Readings as JSON lines from standard input: {"time": ..., "mains_w": ...}."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Sequence
from typing import BinaryIO

from seq2point.errors import DataError
from seq2point.live.payloads import find_watts, parse_time_s
from seq2point.live.readings import Reading, SourceError

LOG = logging.getLogger("seq2point.live")

LINES_AHEAD = 64
"""Blocks that may wait: whoever writes then waits, so that nothing is lost."""
BLOCK_BYTES = 1 << 16
LONGEST_LINE = 1 << 16


class LinesSource:
    """Reads JSON lines from an open file until it ends. Lines without a reading are counted."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.lost, self.unreadable = 0, 0

    async def batches(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield the readings of the lines that came together.

        Raises SourceError where the first line holds no reading.
        """
        loop = asyncio.get_running_loop()
        blocks: asyncio.Queue[bytes | None] = asyncio.Queue(LINES_AHEAD)

        def read() -> None:
            # a thread that ends with the process: reading a terminal cannot be called off
            block: bytes | None = b""
            while block is not None:
                block = os.read(self._file.fileno(), BLOCK_BYTES) or None
                try:
                    asyncio.run_coroutine_threadsafe(blocks.put(block), loop).result()
                except RuntimeError:
                    return

        threading.Thread(target=read, daemon=True).start()
        rest = b""
        number = 0
        while True:
            block = await blocks.get()
            lines = (rest + (block or b"")).split(b"\n")
            rest = lines.pop() if block is not None else b""
            if len(rest) > LONGEST_LINE:
                raise SourceError("standard input: a line without an end: expected JSON lines")
            readings = []
            for line in lines:
                number += 1
                if line.strip():
                    readings += self._parse(line, number)
            if readings:
                yield readings
            if block is None:
                return

    def _parse(self, line: bytes, number: int) -> list[Reading]:
        try:
            document = json.loads(line)
            if not isinstance(document, dict) or not {"time", "mains_w"} <= document.keys():
                raise DataError('expected {"time": ..., "mains_w": ...}')
            watts = find_watts(document, "mains_w")
            return [Reading(parse_time_s(document["time"]), float(watts or 0.0))]
        except (ValueError, RecursionError, DataError) as error:
            reason = error if isinstance(error, DataError) else "not JSON"
            if number == 1:
                raise SourceError(f"standard input, line 1: {reason}") from None
            self.unreadable += 1
            LOG.warning("standard input, line %d: %s", number, reason)
            return []
