"""Without names: the ratios of all benchmarks, as a table and as JSON (`make bench`). With names:
what those benchmarks measure at length, which takes minutes each.
"""

import argparse
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.ratios import Ratio, Results, make_table

NAMES = (
    "first_answer",
    "inference",
    "training",
    "length",
    "year",
    "training_memory",
    "pruner_cost",
    "convert",
    "material",
    "busy",
    "live",
    "fleet",
    "report_page",
)
"""The benchmarks with ratios. Others take too long, or data: time_to_error, deployment,
microcontroller and fleet_kills run by their name."""
BUDGET_S = 20.0
"""Seconds to measure a benchmark's ratios in, beside what they prepare."""
LONGEST_S = 150.0
"""Seconds after which a benchmark is ended: with all the others in under 15 minutes."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="run these at length")
    parser.add_argument("--ratios", nargs="+", choices=NAMES, default=NAMES, help="only these")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), metavar="PATH")
    parser.add_argument("--budget", type=float, default=BUDGET_S, metavar="SECONDS")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.names:
        run_at_length(words.names)
    elif words.worker:
        (name,) = words.ratios
        measure(name, words.budget).write(words.json)
    else:
        results = measure_all(words.ratios, words.json, words.budget)
        results.write(words.json)
        print(make_table(results))
        print(words.json)


def run_at_length(names: list[str]) -> None:
    from seq2point.system.device import prepare_process

    prepare_process()
    for name in names:
        import_module(f"benchmarks.{name}").main()
        print()


def measure(name: str, budget_s: float) -> Results:
    """Measure the ratios of one benchmark in this process."""
    benchmark = import_module(f"benchmarks.{name}")
    ratios = [Ratio(name, each, tuple(turns)) for each, turns in benchmark.measure_ratios(budget_s)]
    return Results(tuple(ratios))


def measure_all(
    names: tuple[str, ...] | list[str],
    path: Path,
    budget_s: float,
    environment: dict[str, str] | None = None,
) -> Results:
    """Measure the ratios of benchmarks, each in a process of its own, with files beside `path`.

    What fails, or lacks what it needs, is left out with the last line that it said.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    start_s, machine = time.perf_counter(), describe_machine()
    several, left_out = [], {}
    for name in names:
        part = path.with_suffix(f".{name}.json")
        part.unlink(missing_ok=True)
        command = [sys.executable, "-m", "benchmarks", "--worker", "--ratios", name]
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            subprocess.run(
                [*command, "--budget", str(budget_s), "--json", str(part)],
                env=os.environ | (environment or {}),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=True,
                timeout=LONGEST_S,
            )
            several.append(Results.read(part))
            part.unlink()
        except subprocess.CalledProcessError as error:
            left_out[name] = (error.stderr.strip().splitlines() or ["it failed"])[-1]
        except subprocess.TimeoutExpired:
            left_out[name] = f"it took more than {LONGEST_S:.0f} s"
    joined = Results.join(several)
    return Results(joined.ratios, left_out, machine, time.perf_counter() - start_s)


if __name__ == "__main__":
    main()
