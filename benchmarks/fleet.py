"""A fleet of simulated homes at 8 s with five models: its rate a core and the memory of all of its
processes, beside one process's sliding evaluation of the same readings.

`python -m benchmarks fleet` takes minutes: 60 homes of 30 days. SEQ2POINT_FLEET_HOMES=1000 is the
size that counts. SEQ2POINT_FLEET_MODEL=dense takes five untrained networks of the paper's size.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.process_memory import MemoryWatch
from benchmarks.timing import compare_in_turns, cpu_seconds, run_measured, seconds
from seq2point.household import HomeEnergy
from seq2point.household.home_models import HomeModel, load_models
from seq2point.household.mains import open_mains
from seq2point.recording import Recording

HOMES = int(os.environ.get("SEQ2POINT_FLEET_HOMES", "60"))
DAYS, PERIOD_S, MADE = 30, 8.0, 6
"""Homes are copies of a few that are simulated: a simulation takes longer than a prediction."""
APPLIANCES = ("kettle", "fridge", "washing_machine", "microwave", "dishwasher")
PROCESSES = 2
TURNS = 3


def write_homes(folder: Path, homes: int, days: int = DAYS) -> None:
    from seq2point.data.parquet_file import write_recording
    from seq2point.simulator import simulate_house

    for number in range(homes):
        path = folder / f"home{number:04d}.parquet"
        if number < MADE:
            write_recording(simulate_house(number, days, PERIOD_S, appliances=()), path)
        else:
            path.write_bytes((folder / f"home{number % MADE:04d}.parquet").read_bytes())


def list_models(folder: Path) -> list[str]:
    if os.environ.get("SEQ2POINT_FLEET_MODEL") != "dense":
        return [f"{name}-8s" for name in APPLIANCES]
    from seq2point.model.model_file import Model

    paths = [folder / f"{name}.safetensors" for name in APPLIANCES]
    for name, path in zip(APPLIANCES, paths, strict=True):
        Model.untrained(name, PERIOD_S).save(path)
    return [str(path) for path in paths]


def run_fleet(houses: Path, out: Path, models: list[str]) -> tuple[float, float]:
    """Return the seconds of a run and the highest memory of its processes together, in MB."""
    words = ("-m", "seq2point", "fleet", *models, "--input", str(houses), "--output", str(out))
    start_s = time.perf_counter()
    with (
        subprocess.Popen(
            [sys.executable, *words, "--processes", str(PROCESSES)], stderr=subprocess.DEVNULL
        ) as process,
        MemoryWatch(process.pid) as memory,
    ):
        code = process.wait()
    if code:
        raise subprocess.CalledProcessError(code, words)
    return time.perf_counter() - start_s, memory.peak_mb


def predict_all(models: list[HomeModel], recording: Recording) -> None:
    for model in models:
        model.predictor.predict_w(recording, edges="repeat")


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    homes = 8
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (houses := root / "houses").mkdir()
        write_homes(houses, homes, days=7)
        models = list_models(root)
        mains = open_mains(houses / "home0000.parquet")
        loaded = load_models(models, mains, threads=1)
        recording, out = mains.to_recording(PERIOD_S), root / "out"
        words = ("-m", "seq2point", "fleet", *models, "--input", str(houses), "--output", str(out))

        def run() -> float:
            shutil.rmtree(out, ignore_errors=True)
            return run_measured([sys.executable, *words, "--processes", "1"]).cpu_s

        def slide() -> float:
            return sum(cpu_seconds(partial(predict_all, loaded, recording)) for _ in range(homes))

        yield (
            f"sliding alone over the fleet, {homes} homes of a week",
            compare_in_turns(
                slide,
                run,
                budget_s,
            ),
        )


def measure_one(path: Path, models: list[str]) -> tuple[float, float, int]:
    """Return the seconds of sliding evaluation of a home by all models with one thread, those of
    the home from file to energy in one process, and its samples.
    """
    mains = open_mains(path)
    loaded: list[HomeModel] = load_models(models, mains, threads=1)
    recording = mains.to_recording(PERIOD_S)

    def slide() -> None:
        predict_all(loaded, recording)

    def work() -> None:
        _ = HomeEnergy.measure(open_mains(path), loaded).energy

    slide()
    work()
    sliding = sorted(seconds(slide) for _ in range(TURNS))[TURNS // 2]
    whole = sorted(seconds(work) for _ in range(TURNS))[TURNS // 2]
    return sliding, whole, len(recording) * len(loaded)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        houses = root / "houses"
        houses.mkdir()
        write_homes(houses, HOMES)
        models = list_models(root)
        sliding_s, whole_s, samples = measure_one(houses / "home0000.parquet", models)
        start_s, _ = run_fleet(houses / "home0000.parquet", root / "first", models)
        run_s, peak_mb = run_fleet(houses, root / "out", models)
    cores = min(PROCESSES, os.cpu_count() or 1)
    rate, alone = HOMES * samples / run_s / cores, samples / sliding_s
    print(
        f"{HOMES} homes of {DAYS} days at {PERIOD_S:g} s, {len(models)} models, {PROCESSES}"
        f" processes: {run_s:.1f} s (one home alone {start_s:.1f} s, the start included)"
    )
    print(f"{'sliding evaluation alone, one thread':42} {alone:12,.0f} samples a second")
    print(f"{'one home from file to energy, one process':42} {samples / whole_s:12,.0f}")
    print(f"{'the fleet, a core':42} {rate:12,.0f}: {rate / alone:.0%} of sliding,")
    print(f"{'':42} {'':12}  {rate * whole_s / samples:.0%} of the one process")
    print(f"{'highest memory of all processes':42} {peak_mb:12,.0f} MB")
