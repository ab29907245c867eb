"""Readings of a file, as if they came now: at their own speed, faster, or as fast as can be."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig, LiveConfig
from seq2point.data.table import read_table
from seq2point.errors import DataError
from seq2point.live.readings import Reading, SourceError

BATCH = 1000
"""Readings in a batch without a speed."""

LACKING = {*ColumnsConfig.model_fields} - {*LiveConfig.model_fields}
"""The options of reading a file that live does not take."""


class ReplaySource:
    """Reads the mains of a file in any format that seq2point reads.

    `speed` is how many seconds of the file pass in a second; None is as fast as can be. `hold_s`
    and `step_s` are the file's pace, once it is open, and `zone` is the one that it says.
    Raises SourceError for a file without times, and DataError as `read_table` does.
    """

    def __init__(
        self, path: Path, speed: float | None = None, columns: ColumnsConfig = DEFAULT_COLUMNS
    ):
        try:
            table = read_table(path, (), columns)
        except DataError as error:
            raise DataError(_advise_without_options(str(error))) from error
        if table.times_s is None:
            raise SourceError(f"{path}: has no times; a file to replay needs them")
        self.lost, self._speed = 0, speed
        self.hold_s, self.step_s = table.hold_s, table.period_s
        time = table.interpretation.time
        self.zone = time.zone if time else None
        self._times_s, self._watts = table.times_s, table.watts["mains"]

    async def batches(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield the readings when their time has come."""
        begun_s, first_s = time.monotonic(), float(self._times_s[0])
        at = 0
        while at < len(self._times_s):
            if self._speed is None:
                end = at + BATCH
                await asyncio.sleep(0)
            else:
                passed_s = (time.monotonic() - begun_s) * self._speed
                end = int(np.searchsorted(self._times_s, first_s + passed_s, side="right"))
                if end <= at:
                    wait_s = (float(self._times_s[at]) - first_s - passed_s) / self._speed
                    await asyncio.sleep(max(min(wait_s, 60.0), 0.001))
                    continue
            times, watts = self._times_s[at:end].tolist(), self._watts[at:end].tolist()
            yield [Reading(*pair) for pair in zip(times, watts, strict=True)]
            at = end


def _advise_without_options(text: str) -> str:
    """Return what is wrong with a file, with what to do where it names options that live lacks."""
    text = re.sub(r"set `unit` to (\w+)", r"write \1 after the column's name: mains[\1]", text)
    if LACKING & {*re.findall(r"`(\w+)`", text)}:
        text += "; live has no such option: convert the file with it, by `seq2point convert table`"
    return text
