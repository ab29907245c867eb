"""Sliding evaluation against window by window: samples a second, dense and compacted shapes, three
windows.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from benchmarks.timing import compare_in_turns, cpu_seconds, rates
from seq2point.network import Architecture, sliding

SHAPES = {
    "dense 599": Architecture(),
    "dense 299": Architecture(window=299),
    "dense 129": Architecture(window=129),
    "compact 599": Architecture(channels=(15, 15, 20, 25, 12), hidden=128),
    "compact 299": Architecture(window=299, channels=(15, 15, 20, 25, 12), hidden=128),
    "compact 129": Architecture(window=129, channels=(15, 15, 20, 25, 12), hidden=128),
}


QUICK = {"dense 599": 100, "compact 599": 500}
"""Windows that are predicted one by one, by shape; a hundred times as many at once."""


def measure_ratios(budget_s: float) -> Iterator[tuple[str, list[float]]]:
    for name, count in QUICK.items():
        torch.manual_seed(0)
        network = SHAPES[name].build().eval()
        series = torch.randn(100 * count + network.architecture.window - 1)
        few = series[: count + network.architecture.window - 1]
        ratios = compare_in_turns(
            partial(cpu_seconds, partial(sliding.predict_windows, network, few)),
            partial(cpu_seconds, partial(sliding.predict, network, series), 100),
            budget_s / 3,
        )
        yield f"sliding over window by window, {name}", ratios
    yield "C kernels over NumPy, kettle-8s", compare_kernels(budget_s / 3)


def compare_kernels(budget_s: float) -> list[float]:
    """How many times cheaper the C kernels are than NumPy, for a model of the package."""
    from seq2point import kernels
    from seq2point.model import pretrained
    from seq2point.recording import Recording
    from seq2point.runtime import native

    model = native.open_model(Path(pretrained.load_pretrained("kettle-8s").native), threads=1)
    mains_w = np.random.default_rng(0).uniform(50, 3000, 100_000).astype(np.float32)
    recording = Recording("random", 8.0, mains_w)
    if kernels.load_kernels() is None:
        raise SystemExit("there are no C kernels here")
    predict = partial(cpu_seconds, partial(model.predict_w, recording))

    def predict_without() -> float:
        with mock.patch.object(native, "load_kernels", return_value=None):
            return predict()

    return compare_in_turns(predict_without, predict, budget_s)


def main() -> None:
    print(f"inference, samples a second, {torch.get_num_threads()} threads, median of 5 turns")
    print(
        f"{'shape':12} {'parameters':>12} {'windows':>10} {'sliding':>10} {'ratio':>8}   largest"
        " difference"
    )
    for name, shape in SHAPES.items():
        torch.manual_seed(0)
        network = shape.build().eval()
        series = torch.randn(400_000)
        few = series[: 2000 + shape.window - 1]
        reference = sliding.predict_windows(network, few)
        difference = float(
            (sliding.predict(network, series)[:2000] - reference).abs().max()
            / reference.abs().max()
        )
        rate = rates(
            {
                "windows": (
                    partial(sliding.predict_windows, network, few),
                    2000,
                ),
                "sliding": (
                    partial(sliding.predict, network, series),
                    len(series),
                ),
            }
        )
        ratio = rate["sliding"] / rate["windows"]
        print(
            f"{name:12} {shape.parameters:12,} {rate['windows']:10,.0f} {rate['sliding']:10,.0f}"
            f" {ratio:8.1f}   {difference:.1e}",
            flush=True,
        )
