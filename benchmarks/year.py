"""A year at 6 s, Parquet to Parquet, with the command that users run: seconds and peak memory."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from seq2point.data.parquet_file import write_recording
from seq2point.model.model_file import Model
from seq2point.recording import Recording

SAMPLES = 365 * 14_400


def peak_of(command: list[str]) -> tuple[float, float]:
    """Seconds and peak resident megabytes of a command; raises CalledProcessError when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(status, command)
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    mains_w = np.random.default_rng(0).uniform(50, 3000, SAMPLES).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        house, model, out = (
            Path(folder) / name for name in ("year.parquet", "model.safetensors", "out.parquet")
        )
        write_recording(Recording("year", 6.0, mains_w), house)
        Model.untrained("kettle", 6.0).save(model)
        seconds, megabytes = peak_of(
            [
                sys.executable,
                "-m",
                "seq2point",
                "disaggregate",
                str(model),
                str(house),
                "-o",
                str(out),
            ]
        )
    print(
        f"a year at 6 s ({SAMPLES:,} samples), 599, 29.2 M parameters, Parquet to Parquet:"
        f" {seconds:.1f} s, {megabytes:,.0f} MB"
    )
