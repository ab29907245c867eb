"""Peak memory of training on a year (5.3 M windows) and on fifty thousand windows."""

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.year import SAMPLES, peak_of
from seq2point.data.parquet_file import write_recording
from seq2point.recording import Recording

ENGINES = {"windows": ["--batch-size", "1000"], "sliding": []}


def main() -> None:
    random = np.random.default_rng(0)
    print("peak memory of `seq2point train` (599, 29.2 M parameters, 3 steps)")
    with tempfile.TemporaryDirectory() as folder:
        for samples in (50_598, SAMPLES):
            power = [random.uniform(50, 3000, samples).astype(np.float32) for _ in range(2)]
            write_recording(
                Recording("random", 6.0, power[0], {"kettle": power[1]}),
                Path(folder) / f"{samples}.parquet",
            )
        held_out = Recording("held out", 6.0, power[0][:5000], {"kettle": power[1][:5000]})
        write_recording(held_out, Path(folder) / "held_out.parquet")
        for engine, options in ENGINES.items():
            peaks = []
            for samples in (50_598, SAMPLES):
                command = [
                    sys.executable,
                    "-m",
                    "seq2point",
                    "train",
                    "kettle",
                    "--train",
                    f"{folder}/{samples}.parquet",
                ]
                command += [
                    "--validate",
                    f"{folder}/held_out.parquet",
                    "--steps",
                    "3",
                    "--engine",
                    engine,
                    *options,
                ]
                _, megabytes = peak_of([*command, "--out", f"{folder}/run", "--overwrite"])
                peaks.append(megabytes)
            grows = peaks[1] - peaks[0]
            print(
                f"{engine:8} 50 thousand windows {peaks[0]:,.0f} MB   5.3 M windows {peaks[1]:,.0f}"
                f" MB   {grows:+,.0f} MB",
                flush=True,
            )
