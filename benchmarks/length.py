"""Time and memory of sliding evaluation against the length of the series: both must grow no faster
than it.
"""

import multiprocessing
import resource
import time
from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.inference import SHAPES
from benchmarks.timing import compare_in_turns, cpu_seconds
from seq2point.network import Architecture, sliding
from seq2point.system.device import prepare_process

LENGTHS = (10_000, 100_000, 1_000_000, 10_000_000)


def _measure(length: int, threads: int, answers: Any) -> None:
    prepare_process(threads)
    torch.manual_seed(0)
    network = Architecture().build().eval()
    series = torch.randn(length)
    sliding.predict(network, series[:5000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    sliding.predict(network, series)
    seconds = time.perf_counter() - start
    answers.put((seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    torch.manual_seed(0)
    network = SHAPES["compact 599"].build().eval()
    series = torch.randn(1_000_000)
    ratios = compare_in_turns(
        lambda: cpu_seconds(lambda: sliding.predict(network, series[:100_000])) * 10,
        lambda: cpu_seconds(lambda: sliding.predict(network, series)),
        budget_s,
    )
    yield "a sample of 100,000 over one of a million, compact 599", ratios


def main() -> None:
    print(
        "sliding evaluation against length (599, 29.2 M parameters), each in a process of its own"
    )
    print(f"{'samples':>12} {'seconds':>9} {'samples/s':>11} {'peak MB above the start':>24}")
    context = multiprocessing.get_context("spawn")
    for length in LENGTHS:
        answers = context.SimpleQueue()
        process = context.Process(target=_measure, args=(length, torch.get_num_threads(), answers))
        process.start()
        seconds, megabytes = answers.get()
        process.join()
        print(
            f"{length:12,} {seconds:9.2f} {length / seconds:11,.0f} {megabytes:24,.0f}", flush=True
        )
