"""Sliding evaluation against window by window: samples a second, dense and compacted shapes, three
windows.
"""

import torch

from benchmarks.timing import rates
from seq2point.network import Architecture, sliding

SHAPES = {
    "dense 599": Architecture(),
    "dense 299": Architecture(window=299),
    "dense 129": Architecture(window=129),
    "compact 599": Architecture(channels=(15, 15, 20, 25, 12), hidden=128),
    "compact 299": Architecture(window=299, channels=(15, 15, 20, 25, 12), hidden=128),
    "compact 129": Architecture(window=129, channels=(15, 15, 20, 25, 12), hidden=128),
}


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
                    lambda network=network, few=few: sliding.predict_windows(network, few),
                    2000,
                ),
                "sliding": (
                    lambda network=network, series=series: sliding.predict(network, series),
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
