"""The first answer: `seq2point disaggregate kettle` of 120 days of minutes, CSV to CSV, a process
from start to end, beside the imports alone of the libraries that it stands on.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.timing import Usage, compare_in_turns, run_measured

DAYS, PERIOD_S = 120, 60
TURNS = 5
IMPORTS = [sys.executable, "-c", "import numpy, polars, pydantic, typer"]


@contextmanager
def make_command() -> Iterator[list[str]]:
    """Yield the command, for a simulated home whose file is there."""
    import polars as pl

    from seq2point.simulator import simulate_house

    mains_w = simulate_house(1, DAYS, PERIOD_S, appliances=()).mains_w
    start = datetime(2024, 1, 1)
    times = pl.datetime_range(
        start, start + timedelta(seconds=PERIOD_S * (len(mains_w) - 1)), f"{PERIOD_S}s", eager=True
    )
    with tempfile.TemporaryDirectory() as folder:
        home, out = Path(folder) / "home.csv", Path(folder) / "kettle.csv"
        columns = {"time": times.dt.strftime("%Y-%m-%d %H:%M:%S"), "mains_w": mains_w}
        pl.DataFrame(columns).write_csv(home, float_precision=1)
        words = ("-m", "seq2point", "disaggregate", "kettle", str(home), "-o", str(out))
        yield [sys.executable, *words]


def measure(cost: Callable[[Usage], float], command: list[str]) -> float:
    return cost(run_measured(command))


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    costs: dict[str, tuple[Callable[[Usage], float], float]] = {
        "processor time": (lambda run: run.cpu_s, budget_s / 2),
        "memory": (lambda run: run.peak_mb, budget_s / 4),
    }
    with make_command() as command:
        for name, (cost, part_s) in costs.items():
            ratios = compare_in_turns(
                partial(measure, cost, IMPORTS),
                partial(measure, cost, command),
                part_s,
            )
            yield f"{name} of imports alone over a first answer", ratios


def main() -> None:
    with make_command() as command:
        run_measured(command)
        taken = [run_measured(command) for _ in range(TURNS)]
    print(f"{DAYS} days of a reading each {PERIOD_S} s, CSV to CSV, {TURNS} runs")
    cpu_s = [each.cpu_s for each in taken]
    print(f"processor time: median {median(cpu_s):.2f} s, {min(cpu_s):.2f} to {max(cpu_s):.2f} s")
    print(f"peak memory: {max(each.peak_mb for each in taken):.0f} MB")
