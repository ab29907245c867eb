"""Training steps on chunks against training steps on shuffled windows: windows a second, each at
its best batch.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch

from benchmarks.inference import SHAPES
from benchmarks.timing import compare_in_turns, cpu_seconds, rates
from seq2point.appliances import APPLIANCES
from seq2point.kernels.fft_lengths import find_fast_length
from seq2point.network import Architecture
from seq2point.network.sliding import choose_chunk_windows
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.training.batches import Batches
from seq2point.training.chunk_batches import ChunkBatches
from seq2point.training.houses import Houses
from seq2point.training.window_batches import WindowBatches

WINDOW_BATCHES = (128, 512, 1000)
CHUNKS = (8, 16, 64)
LONG_BLOCK = 3.59  # times the taps: the fewest operations a window


def step(
    shape: Architecture, batches: Batches, device: torch.device | None = None
) -> Callable[[], None]:
    """One optimiser step on a network of its own, as training makes it."""
    torch.manual_seed(0)
    network = shape.build().to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)

    def work() -> None:
        optimiser.zero_grad()
        batches.loss(network, batches.draw(0)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    return work


def make_houses(shape: Architecture) -> Houses:
    """A house of random readings, 400,000 of them."""
    random = np.random.default_rng(0)
    power = [random.uniform(0, 3000, 400_000).astype(np.float32) for _ in range(2)]
    recording = Recording("random", 6.0, power[0], {"kettle": power[1]})
    scale = Scale.published([APPLIANCES["kettle"]])
    return Houses([recording], ["kettle"], shape, scale, torch.device("cpu"))


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    for name, size in (("dense 599", 128), ("compact 599", 128)):
        shape = SHAPES[name]
        houses = make_houses(shape)
        windows = step(shape, WindowBatches(houses, size, 0))
        batches = ChunkBatches(houses, choose_chunk_windows(shape), 16, 0)
        chunks, count = step(shape, batches), batches.windows_per_step
        ratios = compare_in_turns(
            partial(cpu_seconds, windows, size),
            partial(cpu_seconds, chunks, count),
            budget_s / 2,
        )
        yield f"chunks over shuffled windows, a window, {name}", ratios


def main() -> None:
    print(
        f"training, windows a second, {torch.get_num_threads()} threads, median of 5 turns, each"
        " engine at its best batch"
    )
    print(f"{'shape':12} {'windows':>16} {'sliding':>24} {'ratio':>8}")
    for name, shape in SHAPES.items():
        houses = make_houses(shape)
        works = {}
        for size in WINDOW_BATCHES:
            works[f"batch {size}"] = (step(shape, WindowBatches(houses, size, 0)), size)
        long = find_fast_length(max(math.ceil(LONG_BLOCK * shape.taps), 1024)) - shape.taps + 1
        for chunks, hop in (
            *((n, choose_chunk_windows(shape)) for n in CHUNKS),
            (CHUNKS[-1], long),
        ):
            batches = ChunkBatches(houses, hop, chunks, 0)
            works[f"{chunks} chunks of {batches.hop}"] = (
                step(shape, batches),
                batches.windows_per_step,
            )
        rate = rates(works)
        slow = max((n for n in rate if n.startswith("batch")), key=rate.__getitem__)
        fast = max((n for n in rate if "chunks" in n), key=rate.__getitem__)
        print(
            f"{name:12} {rate[slow]:9,.0f} ({slow}) {rate[fast]:9,.0f} ({fast})"
            f" {rate[fast] / rate[slow]:8.1f}",
            flush=True,
        )
        print("             " + "  ".join(f"{n}: {r:,.0f}" for n, r in rate.items()), flush=True)
