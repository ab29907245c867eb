"""Processor time to a validation error on a real house, with one thread: training on chunks against
shuffled windows, same loss, nothing augmented. Curves that `runs/time_to_error` holds are not made
again.

`python -m benchmarks.time_to_error --appliances kettle --seeds 0 1` makes some of them.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from benchmarks.error_curves import Curve, find_curve
from seq2point.choices import Engine
from seq2point.system.device import prepare_process

APPLIANCES = ("washing_machine", "dishwasher")
SEEDS = (0, 1, 2)
DATA = "ukdale_house1_6s_a.parquet"
PICTURE = Path("docs/images/time_to_error.png")
CURVES = Path("runs/time_to_error")
FACTORS = (1.0, 1.25, 1.5)
"""The errors that are asked about, as multiples of the windows' best."""


class Recipe(NamedTuple):
    """How one of the lines is trained, and for how many processor seconds."""

    engine: Engine
    budget_s: float
    options: dict[str, Any]
    colour: str


SAME_LOSS = {"transplant": 0, "gain": 0, "loads": 0, "absolute": 0, "clipped": False}
RECIPES = {
    "windows": Recipe("windows", 220.0, {"batch_size": 128}, "tab:blue"),
    "sliding": Recipe("sliding", 27.5, SAME_LOSS, "tab:green"),
    "sliding, 64 units first": Recipe(
        "sliding", 27.5, {**SAME_LOSS, "narrow": 64, "batch_size": 8 * 727}, "tab:orange"
    ),
}


def main(words: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.time_to_error", description=__doc__)
    parser.add_argument("--appliances", nargs="+", default=APPLIANCES)
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--draw", action="store_true", help="make no curve; show those there are")
    options = parser.parse_args(words)
    folder = os.environ.get("SEQ2POINT_DATA")
    if not folder:
        print("time to an error: skipped, SEQ2POINT_DATA is not set")
        return
    prepare_process(threads=1)
    print(f"validation MSE (scaled), last 20 % of {DATA}, full network, seconds of one processor")
    data = Path(folder) / DATA
    figure = Figure(figsize=(5 * len(options.appliances), 3.6), layout="constrained")
    panels = figure.subplots(1, len(options.appliances), squeeze=False)[0]
    for axes, appliance in zip(panels, options.appliances, strict=True):
        curves: dict[str, list[Curve]] = {}
        for name, recipe in RECIPES.items():
            found = [
                find_curve(
                    CURVES,
                    data,
                    appliance,
                    recipe.engine,
                    seed,
                    recipe.budget_s,
                    make=not options.draw,
                    **recipe.options,
                )
                for seed in options.seeds
            ]
            curves[name] = [curve for curve in found if curve]
            draw(axes, name, curves[name])
        target = fmean(curve.best for curve in curves["windows"])
        axes.axhline(target, color="grey", linewidth=0.8, linestyle=":")
        axes.set(
            title=appliance.replace("_", " "),
            xlabel="seconds of one processor",
            ylabel="validation MSE, scaled",
            xscale="log",
            yscale="log",
        )
        for factor in FACTORS:
            print(compare(appliance, factor * target, curves), flush=True)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.savefig(PICTURE, dpi=110)


def draw(axes: Any, name: str, curves: list[Curve]) -> None:
    """Draw the curves of a recipe, one a seed, and print their best errors."""
    for curve in curves:
        _, seconds, errors = zip(*curve.rows, strict=True)
        label = name if curve is curves[0] else None
        axes.plot(seconds, errors, marker=".", color=RECIPES[name].colour, label=label)
        steps, last_s, last = curve.rows[-1]
        print(
            f"{curve.appliance:16} {name:24} seed {curve.seed}  {steps:4} steps  {last_s:6.1f} s "
            f" best {curve.best:.4f}  last {last:.4f}",
            flush=True,
        )


def compare(appliance: str, error: float, curves: dict[str, list[Curve]]) -> str:
    """Return a line that says when each recipe's seeds reach an error, and how much sooner."""
    windows_s = [s for curve in curves["windows"] if (s := curve.first_at(error)) is not None]
    slow_s = fmean(windows_s) if windows_s else None
    parts = [f"windows {slow_s:.1f} s" if slow_s else "windows did not reach it"]
    for name, several in curves.items():
        if name == "windows":
            continue
        seconds = [curve.first_at(error) for curve in several]
        reached = [f"{s:.1f} s" if s else "no" for s in seconds]
        part = f"{name}: {', '.join(reached)}"
        ratios = [slow_s / s for s in seconds if s and slow_s]
        if ratios:
            part += f" ({fmean(ratios):.1f} times, {min(ratios):.1f} to {max(ratios):.1f})"
        parts.append(part)
    return f"{appliance:16} to {error:.4f}: {'; '.join(parts)}"


if __name__ == "__main__":
    main(sys.argv[1:])
