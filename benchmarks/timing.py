"""Alternating measurements: machines are noisy, so what is compared runs in turns and the median
counts.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

FEWEST_TURNS, MOST_TURNS = 3, 25
MEASURE = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
passed = time.perf_counter() - start
print(passed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
sys.exit(status != 0)
"""


class Usage(NamedTuple):
    """What a command took: seconds of the clock and of processors, and its peak memory."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run_measured(command: list[str]) -> Usage:
    """Run a command from a small process in between: a child's peak begins at its parent's size.

    Raises CalledProcessError where it fails.
    """
    said = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, *command],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    return Usage(*map(float, said.split()))


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu_seconds(work: Callable[[], object], amount: int = 1) -> float:
    """Processor time of one call, of all threads, over an amount: other work on the machine counts
    little.
    """
    start = time.process_time()
    work()
    return (time.process_time() - start) / amount


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


def compare_in_turns(
    before: Callable[[], float], after: Callable[[], float], budget_s: float
) -> list[float]:
    """Return how many times `after` is cheaper than `before`, turn after turn.

    Each returns what one call of it cost: seconds, or megabytes. The first turn warms up and does
    not count. Then there are FEWEST_TURNS, and more up to MOST_TURNS within the budget.
    """
    before(), after()
    ratios: list[float] = []
    end_s = time.perf_counter() + budget_s
    while len(ratios) < FEWEST_TURNS or (len(ratios) < MOST_TURNS and time.perf_counter() < end_s):
        ratios.append(before() / after())
    return ratios
