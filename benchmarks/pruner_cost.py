"""What a pruner adds to a training step of the full network: its decisions, its draws and its zeroing, over a hundred steps."""

import time

import torch

from benchmarks.training import step
from seq2point import masks
from seq2point.appliances import APPLIANCES
from seq2point.network import Architecture
from seq2point.pruning import PRUNERS, StepInfo
from seq2point.recording import Recording
from seq2point.sliding import chunk_windows
from seq2point.training.batches import ChunkBatches, Houses
from seq2point.windows import Scale

STEPS = 100
CHUNKS = 16


def main() -> None:
    shape, kettle = Architecture(), APPLIANCES["kettle"]
    random = torch.rand(2, 100_000).mul_(3000).numpy()
    recording = Recording("random", 6.0, random[0], {"kettle": random[1]})
    houses = Houses([recording], ["kettle"], shape, Scale.lineage([kettle]), torch.device("cpu"))
    work = step(shape, ChunkBatches(houses, chunk_windows(shape), CHUNKS, 0))
    torch.manual_seed(0)
    network = shape.build()
    for p in network.parameters():
        p.grad = torch.randn_like(p)
    print(
        f"what a pruner adds to a step of {CHUNKS} chunks, {torch.get_num_threads()} threads, mean over {STEPS} of {STEPS} steps"
    )
    for name, pruner in PRUNERS.items():
        times = []
        for _ in range(5):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        plain_s = sorted(times)[2]
        settings = pruner()
        state = settings.begin(network, 0)
        start = time.perf_counter()
        for i in range(1, STEPS + 1):
            aside = masks.set_aside_(network, settings.masks_for_step(state) or {})
            masks.clear_gradients_(network, aside)
            masks.restore_(network, aside)
            state = settings.update(network, state, StepInfo(i, STEPS, 1.0))
            masks.apply_(network, state.masks)
        added_s = (time.perf_counter() - start) / STEPS
        print(f"{name:18} {1e3 * added_s:7.1f} ms of {1e3 * plain_s:6.0f} ms: {added_s / plain_s:6.1%}", flush=True)
