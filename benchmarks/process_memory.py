"""The memory of a process and all below it, watched while they run."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

EVERY_S = 0.2


def list_processes(root: int) -> Iterator[int]:
    """Yield a process and all below it."""
    yield root
    for task in Path(f"/proc/{root}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from list_processes(int(child))


def read_memory_mb(process: int) -> float:
    """Return the memory of a process; what several share counts for each in part."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
        return float(text.partition("\nPss:")[2].split()[0]) / 1024
    except (OSError, IndexError, ValueError):
        return 0.0


class MemoryWatch:
    """Watches the memory of a process and all below it while the block runs.

    `peak_mb` is the highest that was seen.
    """

    def __init__(self, process: int | None = None):
        self._process, self._ended = process or os.getpid(), threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self.peak_mb = 0.0

    def __enter__(self) -> "MemoryWatch":
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            try:
                sum_mb = sum(map(read_memory_mb, list_processes(self._process)))
            except OSError:
                continue  # one ended meanwhile
            self.peak_mb = max(self.peak_mb, sum_mb)
