"""JSON lines: an answer a line, to a file or to standard output."""

import json
import sys
from pathlib import Path
from typing import IO

import numpy as np

from seq2point.errors import Seq2PointError
from seq2point.live.mains_parts import MAINS, Answers
from seq2point.live.updates import Update
from seq2point.recording import Watts
from seq2point.system.atomic_files import explain_write_errors


class JsonlSink:
    """Writes a line for each answer: its time, the mains, and watts by part; null is unknown.

    A file is added to. A line is written at once, so after a crash some may come again.
    """

    def __init__(self, path: Path | None):
        self.path, self.lost = path, 0
        self._file: IO[str] | None = None

    async def open(self) -> None:
        """Open the file; raises Seq2PointError where it cannot be written."""
        if self.path is None:
            self._file = sys.stdout
            return
        with explain_write_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="utf-8")

    async def publish(self, update: Update) -> None:
        """Write the update's answers."""
        if update.answers is None or self._file is None:
            return
        try:
            self._file.writelines(format_lines(update.answers))
            self._file.flush()
        except OSError as error:
            if self.path is None:
                raise
            raise Seq2PointError(
                f"{self.path}: cannot be written ({error.strerror or error})"
            ) from error

    async def close(self) -> None:
        """Close the file."""
        if self._file is not None and self.path is not None:
            self._file.close()
        self._file = None


def format_lines(answers: Answers) -> list[str]:
    """Return answers as lines of JSON: time in seconds, then watts by name."""
    columns = {"time": np.round(answers.times_s, 3).tolist(), MAINS: _to_watts(answers.mains_w)}
    for name, power_w in known_parts(answers).items():
        columns[name] = _to_watts(power_w)
    names = [*columns]
    return [
        json.dumps(dict(zip(names, row, strict=True))) + "\n"
        for row in zip(*columns.values(), strict=True)
    ]


def known_parts(answers: Answers) -> dict[str, Watts]:
    """Return the parts by name, NaN where one is not known: appliances, always on, then other."""
    known = {
        name: np.where(np.isnan(each), np.float32(np.nan), answers.parts_w[name])
        for name, each in answers.predicted_w.items()
    }
    return {**answers.parts_w, **known}


def _to_watts(power_w: Watts) -> list[float | None]:
    return [None if w != w else round(w, 2) for w in power_w.tolist()]
