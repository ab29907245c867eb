"""Peak memory of training on a year (5.3 M windows) and on fifty thousand windows."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.timing import compare_in_turns, run_measured
from benchmarks.year import SAMPLES
from seq2point.data.parquet_file import write_recording
from seq2point.recording import Recording

ENGINES = {"windows": ["--batch-size", "1000"], "sliding": []}


FEW = 50_598


def write_houses(folder: Path, *counts: int) -> None:
    """Houses of random readings by their number of samples, and one that is held out."""
    random = np.random.default_rng(0)
    for samples in counts:
        power = [random.uniform(50, 3000, samples).astype(np.float32) for _ in range(2)]
        house = Recording("random", 6.0, power[0], {"kettle": power[1]})
        write_recording(house, folder / f"{samples}.parquet")
    held_out = Recording("held out", 6.0, power[0][:5000], {"kettle": power[1][:5000]})
    write_recording(held_out, folder / "held_out.parquet")


def make_command(folder: Path, samples: int, *options: str) -> list[str]:
    words = ("-m", "seq2point", "train", "kettle", "--train", f"{folder}/{samples}.parquet")
    rest = ("--validate", f"{folder}/held_out.parquet", "--steps", "3", "--overwrite")
    return [sys.executable, *words, *rest, *options, "--out", f"{folder}/run"]


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    with tempfile.TemporaryDirectory() as place:
        folder, many = Path(place), 20 * FEW
        write_houses(folder, FEW, many)
        few, all_ = (make_command(folder, n, "--network", "reduced") for n in (FEW, many))
        yield (
            "memory of 50 thousand windows over that of a million",
            compare_in_turns(
                lambda: run_measured(few).peak_mb, lambda: run_measured(all_).peak_mb, budget_s
            ),
        )


def main() -> None:
    print("peak memory of `seq2point train` (599, 29.2 M parameters, 3 steps)")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_houses(folder, FEW, SAMPLES)
        for engine, options in ENGINES.items():
            few_mb, year_mb = (
                run_measured(make_command(folder, n, "--engine", engine, *options)).peak_mb
                for n in (FEW, SAMPLES)
            )
            print(
                f"{engine:8} 50 thousand windows {few_mb:,.0f} MB   5.3 M windows {year_mb:,.0f}"
                f" MB   {year_mb - few_mb:+,.0f} MB",
                flush=True,
            )
