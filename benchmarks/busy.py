"""Training beside other work: windows a second of the threads that a training chooses against one.

Five processes keep the processor busy, as a browser and its tabs would. The network is that of
`seq2point demo`. Trainings with the chosen number of threads and with one take turns, and the
ratio is that of all windows over all seconds: beside other work, turns differ by half.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import harmonic_mean

import numpy as np
import torch

from benchmarks.timing import compare_in_turns
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.training import train_with_history

BUSY = 5
TURNS, STEPS = 5, 150
SHAPE = Architecture(window=99, channels=(16, 16, 24, 32, 32), kernels=(8, 6, 5, 4, 4), hidden=128)
SPIN = "while True: pass"


@contextmanager
def load(processes: int) -> Iterator[None]:
    """So many processes that compute for nothing."""
    spinning = [subprocess.Popen([sys.executable, "-S", "-c", SPIN]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def train(recording: Recording, threads: int | None) -> float:
    """Windows a second of a training, validations included."""
    return train_with_history(
        recording, "kettle", network=SHAPE, steps=STEPS, threads=threads, progress=False
    ).windows_per_s


def make_recording() -> Recording:
    """Random watts: what they are does not count."""
    random = np.random.default_rng(0)
    power_w = [random.uniform(0, 3000, 300_000).astype(np.float32) for _ in range(2)]
    return Recording("random", 6.0, power_w[0], {"kettle": power_w[1]})


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    recording, threads = make_recording(), torch.get_num_threads()

    def measure(number: int | None) -> float:
        torch.set_num_threads(threads)
        return 1 / train(recording, number)

    with load(BUSY):
        ratios = compare_in_turns(lambda: measure(1), lambda: measure(None), budget_s)
    yield f"chosen threads over one, a window of training beside {BUSY} busy processes", ratios


def main() -> None:
    recording = make_recording()
    threads = torch.get_num_threads()
    print(f"training, windows a second, up to {threads} threads, {TURNS} turns of {STEPS} steps")
    for processes in (0, BUSY):
        rates: dict[int | None, list[float]] = {None: [], 1: []}
        with load(processes):
            for turn in range(TURNS + 1):
                for number, each in rates.items():
                    torch.set_num_threads(threads)
                    rate = train(recording, number)
                    if turn:
                        each.append(rate)
        ratios = [a / b for a, b in zip(*rates.values(), strict=True)]
        chosen, one = (harmonic_mean(each) for each in rates.values())
        print(
            f"{processes} busy processes beside it: chosen {chosen:9,.0f}  one {one:9,.0f}  ratio"
            f" {chosen / one:.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
