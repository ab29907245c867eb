"""Sliding evaluation and training steps on a GPU, beside windows in float32 and in bfloat16, and
how near they come to what the GPU can multiply. Skipped without a GPU; five minutes with one.

Shuffled windows at their best batch are the reference, as in `inference` and `training`. The share
of the roofline is that of the sliding engine's own multiply-adds: the convolutions' and the complex
products' (docs/lab/performance.md, "The count"), at the pace of a large float32 product in the run.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.timing import rates
from benchmarks.training import CHUNKS, WINDOW_BATCHES, step
from seq2point.appliances import APPLIANCES
from seq2point.network import Architecture, sliding
from seq2point.network.sliding import choose_chunk_windows
from seq2point.recording import Recording
from seq2point.recording.scaling import Scale
from seq2point.training.chunk_batches import ChunkBatches
from seq2point.training.houses import Houses
from seq2point.training.window_batches import WindowBatches

SHAPES = {
    "full, window 599": Architecture(),
    "small, window 255": Architecture(window=255, channels=(16, 16, 24, 24, 24), hidden=40),
}
SAMPLES = 2_000_000
WINDOWS = 20_000
LARGE = 8192
OVERHEAD = 142 / 51.2
"""Real multiply-adds a sample of the first Linear's product by FFT, over channels x units."""


def main() -> None:
    """Print the rates of a GPU, where there is one."""
    if not torch.cuda.is_available():
        print("cuda: skipped, no GPU here")
        return
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    measure(torch.device("cuda"))


def measure(
    device: torch.device, samples: int = SAMPLES, windows: int = WINDOWS, large: int = LARGE
) -> None:
    """Print the rates of a device, with series and products of these sizes."""
    peak = _measure_product(device, large)
    print(f"a float32 product of {large} x {large}: {peak / 1e12:.2f} T multiply-adds/s")
    print("| shape | engine | inference, samples/s | training, windows/s | of the product's pace |")
    print("|---|---|---:|---:|---:|")
    for name, shape in SHAPES.items():
        inference = rates(_list_inference(shape, device, samples, windows))
        training = rates(_list_training(shape, device))
        trained = {
            "windows, float32": max(v for k, v in training.items() if k.startswith("batch")),
            "sliding": max(v for k, v in training.items() if "chunks" in k),
        }
        for engine, rate in inference.items():
            known = trained.get(engine)
            share = f"{rate * _count_sliding(shape) / peak:.1%}" if engine == "sliding" else ""
            shown = f"{known:,.0f}" if known else ""
            print(f"| {name} | {engine} | {rate:,.0f} | {shown} | {share} |", flush=True)


def _count_sliding(shape: Architecture) -> float:
    """Return the multiply-adds a sample of the sliding engine, about."""
    layers = shape.layers()
    convolved = sum(x.inputs * x.outputs * x.taps for x in layers if x.convolves)
    return convolved + OVERHEAD * shape.channels[-1] * shape.hidden


def _wait(device: torch.device, work: Callable[[], object]) -> None:
    """Do some work, and wait until the device has done it."""
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _measure_product(device: torch.device, large: int) -> float:
    """Return the multiply-adds a second of a large float32 product."""
    a = torch.randn(large, large, device=device)
    work = partial(_wait, device, partial(torch.matmul, a, a))
    return rates({"product": (work, large**3)})["product"]


def _list_inference(
    shape: Architecture, device: torch.device, samples: int, windows: int
) -> dict[str, tuple[Callable[[], object], int]]:
    torch.manual_seed(0)
    network = shape.build().eval().to(device)
    series = torch.randn(samples, device=device)
    few = series[: windows + shape.window - 1]

    def in_bfloat16() -> object:
        with torch.autocast(device.type, torch.bfloat16):
            return sliding.predict_windows(network, few)

    works: dict[str, tuple[Callable[[], object], int]] = {
        "windows, float32": (partial(sliding.predict_windows, network, few), windows),
        "windows, bfloat16": (in_bfloat16, windows),
        "sliding": (partial(sliding.predict, network, series), samples),
    }
    return {name: (partial(_wait, device, work), n) for name, (work, n) in works.items()}


def _list_training(
    shape: Architecture, device: torch.device
) -> dict[str, tuple[Callable[[], object], int]]:
    random = np.random.default_rng(0)
    mains_w, kettle_w = random.uniform(0, 3000, (2, 400_000)).astype(np.float32)
    recording = Recording("random", 6.0, mains_w, {"kettle": kettle_w})
    scale = Scale.published([APPLIANCES["kettle"]])
    houses = Houses([recording], ["kettle"], shape, scale, device)
    batches = {f"batch {size}": WindowBatches(houses, size, 0) for size in WINDOW_BATCHES} | {
        f"{n} chunks": ChunkBatches(houses, choose_chunk_windows(shape), n, 0) for n in CHUNKS
    }
    return {
        name: (partial(_wait, device, step(shape, each, device)), each.windows_per_step)
        for name, each in batches.items()
    }
