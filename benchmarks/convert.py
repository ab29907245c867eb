"""A house of REFIT's size, seven million rows, from CSV to Parquet: `seq2point convert` and a plain
pandas script in turns.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

from benchmarks.timing import Usage, compare_in_turns, run_measured

ROWS = 7_000_000
TURNS = 3
OURS = "seq2point convert"
PLUGS = {
    1: (90, 60, 120),
    2: (2000, 700, 60_000),
    3: (1900, 600, 50_000),
    4: (80, 1500, 6000),
    5: (1200, 15, 4000),
    6: (900, 15, 9000),
    7: (30, 2000, 9000),
    8: (2800, 20, 3000),
    9: (45, 3000, 6000),
}


def write_house(path: Path, rows: int = ROWS) -> None:
    """A file like CLEAN_House2.csv: stamps 6 to 8 s apart with holes, nine plugs that are mostly
    off, and the usual defects.
    """
    random = np.random.default_rng(0)
    steps = random.choice([6, 7, 8], rows)
    steps[random.integers(0, rows, 400)] = random.integers(20, 40_000, 400)
    steps[random.integers(1, rows, 300)] = 0
    unix = 1_379_455_691 + np.cumsum(steps)
    plugs = {}
    for number, (power_w, on, off) in PLUGS.items():
        lengths = (
            random.exponential(np.tile([off, on], rows // (on + off) + 9)).astype(np.int64) + 1
        )
        state = np.repeat(np.arange(len(lengths)) % 2, lengths)
        state = np.resize(state, rows)
        watts = state * random.normal(power_w, power_w / 30 + 1, rows) + (number % 3)
        plugs[f"Appliance{number}"] = np.maximum(watts, 0).astype(np.int32)
    mains = sum(plugs.values()) + random.normal(150, 5, rows).astype(np.int32)
    plugs["Appliance8"][random.integers(0, rows, 50)] = 32_767
    columns = {
        "Time": pl.Series(unix * 1000).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%d %H:%M:%S"),
        "Unix": unix,
        "Aggregate": mains,
        **plugs,
        "Issues": (random.random(rows) < 0.01).astype(np.int8),
    }
    pl.DataFrame(columns).write_csv(path)


def make_commands(folder: Path, rows: int) -> dict[str, list[str]]:
    """The commands for a house that is written, by what converts it."""
    (raw := folder / "raw").mkdir()
    source, out = raw / "CLEAN_House2.csv", folder / "out"
    write_house(source, rows)
    pandas = [sys.executable, "-m", "benchmarks.convert_with_pandas", str(source)]
    ours = [sys.executable, "-m", "seq2point", "convert", "refit", str(raw), "-o", str(out)]
    return {
        OURS: ours,
        "pandas": [*pandas, f"{folder}/pandas.parquet"],
        "pandas, needed columns": [*pandas, f"{folder}/pandas.parquet", "needed"],
    }


def convert(folder: Path, command: list[str]) -> Usage:
    shutil.rmtree(folder / "out", ignore_errors=True)
    return run_measured(command)


def measure_cpu_s(folder: Path, command: list[str]) -> float:
    return convert(folder, command).cpu_s


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        commands = make_commands(folder, ROWS // 7)
        for name, command in commands.items():
            if name != OURS:
                ratios = compare_in_turns(
                    partial(measure_cpu_s, folder, command),
                    partial(measure_cpu_s, folder, commands[OURS]),
                    budget_s / 2,
                )
                yield f"{name} over seq2point, a million rows", ratios


def main() -> None:
    taken: dict[str, list[Usage]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        commands = make_commands(folder, ROWS)
        for _ in range(TURNS):
            for name, command in commands.items():
                taken.setdefault(name, []).append(convert(folder, command))
        size = (folder / "raw" / "CLEAN_House2.csv").stat().st_size
    print(
        f"a house of REFIT, {ROWS:,} rows, {size / 1e6:,.0f} MB of CSV, to 8 s in Parquet, each a"
        " process of its own"
    )
    print(f"{'':24}{'seconds':>8} {'rows/s':>11} {'peak MB':>8} {'times the rows a second':>24}")
    seconds = {name: median(each.wall_s for each in of) for name, of in taken.items()}
    for name, of in taken.items():
        ratio = "" if name == OURS else f"{seconds[name] / seconds[OURS]:.1f}"
        print(
            f"{name:24}{seconds[name]:8.2f} {ROWS / seconds[name]:11,.0f}"
            f" {max(each.peak_mb for each in of):8,.0f} {ratio:>24}"
        )
