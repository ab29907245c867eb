"""Alternating measurements: machines are noisy, so what is compared runs in turns and the median
counts.
"""

import time
from collections.abc import Callable, Mapping
from statistics import median


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rates(
    works: Mapping[str, tuple[Callable[[], object], int]], turns: int = 5
) -> dict[str, float]:
    """Median amounts a second of several works, each (call, amount), measured in turns after one
    call to warm up.
    """
    for work, _ in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, (work, _) in works.items():
            times[name].append(seconds(work))
    return {name: amount / median(times[name]) for name, (_, amount) in works.items()}
