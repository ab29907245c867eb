"""A year at 6 s, Parquet to Parquet, with the command that users run: seconds and peak memory."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.inference import SHAPES
from benchmarks.timing import compare_in_turns, cpu_seconds, run_measured
from seq2point.data.parquet_file import write_recording
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.runtime import native

SAMPLES = 365 * 14_400


def make_command(folder: Path, shape: Architecture, samples: int) -> list[str]:
    """The command for a house of random readings and an untrained network, which it writes."""
    mains_w = np.random.default_rng(0).uniform(50, 3000, samples).astype(np.float32)
    house, model, out = (
        folder / name for name in ("year.parquet", "model.safetensors", "out.parquet")
    )
    write_recording(Recording("year", 6.0, mains_w), house)
    Model.untrained("kettle", 6.0, shape).save(model)
    words = ("-m", "seq2point", "disaggregate", str(model), str(house), "-o", str(out))
    return [sys.executable, *words, "--device", "cpu", "--threads", "1"]


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    samples = SAMPLES // 4
    with tempfile.TemporaryDirectory() as place:
        command = make_command(Path(place), SHAPES["compact 599"], samples)
        model = native.open_model(Path(place) / "model.safetensors", threads=1)
        mains_w = np.random.default_rng(0).uniform(50, 3000, samples).astype(np.float32)
        recording = Recording("year", 6.0, mains_w)
        yield (
            "sliding alone over the command, a quarter of a year, compact 599",
            compare_in_turns(
                lambda: cpu_seconds(lambda: model.predict_w(recording)),
                lambda: run_measured(command).cpu_s,
                budget_s / 2,
            ),
        )
        in_and_out_mb = 2 * mains_w.nbytes / 1e6
        yield (
            "bytes of readings and answers over the command's memory",
            compare_in_turns(
                lambda: in_and_out_mb, lambda: run_measured(command).peak_mb, budget_s / 4
            ),
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = make_command(Path(folder), Architecture(), SAMPLES)
        usage = run_measured([*command[:-4]])
    print(
        f"a year at 6 s ({SAMPLES:,} samples), 599, 29.2 M parameters, Parquet to Parquet:"
        f" {usage.wall_s:.1f} s, {usage.peak_mb:,.0f} MB"
    )
