"""What simulated houses, traces and distractors cost a training: steps a second with and without.

Houses are simulated by a thread of their own, so the steps run on: 120 of each kind, in turns.
"""

import time
from collections.abc import Iterator
from functools import partial
from statistics import median

import numpy as np
import torch

from benchmarks.timing import compare_in_turns
from seq2point.appliances import APPLIANCES
from seq2point.configuration import TrainingConfig
from seq2point.datasets.traces import Trace
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.training.batches import Batches
from seq2point.training.houses import Houses
from seq2point.training.resolve import make_batches

SHAPE = Architecture(window=255, channels=(16, 16, 24, 24, 24), hidden=40)
RECIPE = {"batch_size": 11632, "loads": 3, "stretch": 0.25}
STEPS, TURNS = 60, 5
QUICK_STEPS = 8


def time_steps(batches: Batches, first: int, steps: int = STEPS) -> float:
    """Return the seconds of an optimiser step, over some of them from `first` on."""
    torch.manual_seed(0)
    network = SHAPE.build()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    began_at = time.perf_counter()
    for step in range(first, first + steps):
        optimiser.zero_grad()
        batches.loss(network, batches.draw(step)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return (time.perf_counter() - began_at) / steps


def make_kinds() -> dict[str, Batches]:
    """The batches of each kind."""
    dishwasher = APPLIANCES["dishwasher"]
    random = np.random.default_rng(0)
    power = [random.uniform(0, 3000, 500_000).astype(np.float32) for _ in range(2)]
    recording = Recording("random", 60.0, power[0], {"dishwasher": power[1]})
    use_w = random.uniform(0, 2000, 3000).astype(np.float32)
    traces = [Trace(name, "", None, None, use_w, 2.0) for name in ("dishwasher", "oven", "tv")]
    scale = Scale.published([dishwasher])
    houses = Houses([recording], ["dishwasher"], SHAPE, scale, torch.device("cpu"))
    settings = {
        "plain": (TrainingConfig.of(**RECIPE), ()),
        "traces and distractors": (TrainingConfig.of(**RECIPE), traces),
        "simulated houses too": (TrainingConfig.of(**RECIPE, simulated=0.3), traces),
    }
    return {
        name: make_batches(houses, config, dishwasher, given)
        for name, (config, given) in settings.items()
    }


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    plain, *others = make_kinds().items()
    done = [0]

    def work(batches: Batches) -> float:
        done[0] += QUICK_STEPS
        return time_steps(batches, done[0], QUICK_STEPS)

    for name, batches in others:
        ratios = compare_in_turns(
            partial(work, plain[1]), partial(work, batches), budget_s / len(others)
        )
        yield f"a plain step over one with {name}", ratios


def main() -> None:
    kinds = make_kinds()
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(TURNS + 1):
        for name, batches in kinds.items():
            seconds[name].append(time_steps(batches, turn * STEPS))
    print(f"a step of 16 chunks, {torch.get_num_threads()} threads, median of {TURNS} turns")
    plain_s = median(seconds["plain"][1:])
    for name, each in seconds.items():
        step_s = median(each[1:])
        print(f"{name:24} {1000 * step_s:7.1f} ms {step_s / plain_s:6.2f}")


if __name__ == "__main__":
    main()
