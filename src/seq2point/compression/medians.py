"""Median seconds of works that take turns, and bytes through gzip: what costs are measured with."""

import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

LEAST_S = 0.01
"""Seconds that a timed run takes at least, so that the clock can tell."""
TURNS, MOST_TURNS = 5, 25
TURNS_S = 0.5
"""Seconds of all turns together, between TURNS and MOST_TURNS of them."""


def count_gzipped_bytes(path: Path) -> int:
    """Return the bytes of a file through gzip."""
    packer, packed = zlib.compressobj(wbits=31), 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            packed += len(packer.compress(piece))
    return packed + len(packer.flush())


def measure_medians_s(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds of each work, measured in turns.

    A fast work is repeated within its turn, until the clock can tell.
    """
    repeats, turn_s = {}, 0.0
    for name, work in works.items():
        work()
        once_s = _measure_s(work, 1)
        repeats[name] = min(max(int(LEAST_S / once_s), 1), 1000)
        turn_s += once_s * repeats[name]
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(min(max(int(TURNS_S / max(turn_s, 1e-6)), TURNS), MOST_TURNS)):
        for name, work in works.items():
            times[name].append(_measure_s(work, repeats[name]))
    return {name: median(seconds) for name, seconds in times.items()}


def _measure_s(work: Callable[[], object], times: int) -> float:
    start_s = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start_s) / times
