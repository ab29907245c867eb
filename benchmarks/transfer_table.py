"""The pieces of `benchmarks transfer` as tables and the picture of docs/guides/transfer.md."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.pruning_table import spread
from benchmarks.transfer import (
    A_STEPS,
    ALL_SEEDS,
    B_APPLIANCES,
    C_FREEZES,
    C_STEPS,
    FOLDER,
    PAIRS,
    PARENTS,
)
from seq2point.appliances import APPLIANCES
from seq2point.report.plots import LINE_COLOURS, add_legend_below, draw_curve
from seq2point.report.transfer_curve import make_panel

PICTURE = Path("docs/images/transfer.png")
HOUSES = {
    "refit2-refit20": "REFIT house 2 to REFIT house 20",
    "ukdale1-refit2": "UK-DALE house 1 to REFIT house 2",
}
NETWORKS = {
    "dense": "the dense network",
    "small": "the small network",
    "augmented": "the small network, augmented while frozen",
}
WAYS = {"frozen": "the washing machine's convolutions, frozen", "fresh": "from nothing"}
DENSE_LOOK: dict[str, Any] = {"ls": ":", "lw": 1.3, "marker": "o", "ms": 2.5, "zorder": 2}
AUGMENTED_LOOK: dict[str, Any] = {"ls": "--", "lw": 1.3, "marker": "s", "ms": 3, "zorder": 2}
SHOWN = (("mae_w", ".2f"), ("on_mae_w", ".0f"), ("sae", ".2f"), ("nde", ".3f"), ("f1", ".3f"))


def found(name: str) -> list[dict[str, Any]]:
    """The pieces of a name, one for every seed that is there."""
    paths = [FOLDER / f"{name.format(seed=seed)}.json" for seed in ALL_SEEDS]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def metric_of(name: str, within: str = "metrics") -> Callable[[dict[str, Any]], float]:
    return lambda piece: piece[within][name] or 0.0


def line(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |")


def appliance_table() -> None:
    print(
        f"\nAnother appliance, {A_STEPS['dense']} steps of the dense network and {A_STEPS['small']}"
        " of the small one\n"
    )
    line(
        "appliance",
        "network",
        "learned",
        "MAE W",
        "on-MAE W",
        "SAE",
        "NDE",
        "F1",
        "seconds",
        "seeds",
    )
    line(*["---"] * 10)
    for appliance in APPLIANCES:
        there = []
        for parent in PARENTS:
            for way, words in WAYS.items():
                there = found(f"a-{appliance}-{{seed}}-{parent}-{way}") or there
                if pieces := found(f"a-{appliance}-{{seed}}-{parent}-{way}"):
                    metrics = [spread(pieces, metric_of(name), form) for name, form in SHOWN]
                    seconds = spread(pieces, lambda piece: piece["seconds"], ".0f")
                    line(appliance.replace("_", " "), parent, words, *metrics, seconds, len(pieces))
        for name in ("zero", "mean") if there else ():
            values = [
                format(there[0]["baselines"][name][metric] or 0, form) for metric, form in SHOWN
            ]
            line(appliance.replace("_", " "), "", f"{name} predictor", *values, "", "")


def seconds_table() -> None:
    print(
        f"\nFine-tuning on 7 days at 8 s, 2 threads: {C_STEPS['dense']} steps (dense),"
        f" {C_STEPS['small']} (small)\n"
    )
    line(
        "network",
        "frozen",
        "seconds",
        "MAE W as it is",
        "MAE W",
        "NDE",
        "F1",
        "zero predictor: MAE W",
        "seeds",
    )
    line(*["---"] * 9)
    for parent in PARENTS:
        for freeze in C_FREEZES:
            if pieces := found(f"c-{parent}-{freeze}-{{seed}}"):
                before = pieces[0]["before"]["mae_w"]
                metrics = [
                    spread(pieces, metric_of(name), form)
                    for name, form in SHOWN
                    if name in ("mae_w", "nde", "f1")
                ]
                zero = pieces[0]["baselines"]["zero"]["mae_w"]
                seconds = spread(pieces, lambda piece: piece["seconds"], ".1f")
                line(parent, freeze, seconds, f"{before:.2f}", *metrics, f"{zero:.2f}", len(pieces))


def curve_of(pair: str, appliance: str, name: str) -> dict[str, Any] | None:
    path = FOLDER / f"b-{pair}-{appliance}-{name}.json"
    return dict(json.loads(path.read_text())) if path.exists() else None


def curve_tables() -> None:
    for pair, words in HOUSES.items():
        for appliance in B_APPLIANCES:
            for name, network in NETWORKS.items():
                if report := curve_of(pair, appliance, name):
                    print(
                        f"\n{words}, {appliance.replace('_', ' ')}, {network},"
                        f" {report['training']['steps']} steps:"
                    )
                    print(*report["markdown"].splitlines()[1:], sep="\n")


def picture() -> None:
    """MAE against days of labels: the small network's lines with their range, the others' without;
    a row for each pair.
    """
    figure = Figure(figsize=(11, 8.4), layout="constrained")
    grid = figure.subplots(len(PAIRS), len(B_APPLIANCES), squeeze=False)
    for axes_of, pair in zip(grid, PAIRS, strict=True):
        for axes, appliance in zip(axes_of, B_APPLIANCES, strict=True):
            axes.set_title(
                f"{appliance.replace('_', ' ')}, {HOUSES[pair]}", loc="left", fontsize=10.5
            )
            small, dense, augmented = (
                curve_of(pair, appliance, name) for name in ("small", "dense", "augmented")
            )
            if small is None:
                axes.set_axis_off()
                continue
            draw_curve(axes, make_panel(small, "mae_w", "MAE, W"))
            for report, look in ((dense, DENSE_LOOK), (augmented, AUGMENTED_LOOK)):
                for i, of in enumerate(
                    make_panel(report, "mae_w", "MAE, W").lines.values() if report else ()
                ):
                    axes.plot(
                        list(of),
                        [fmean(seeds) for seeds in of.values()],
                        color=LINE_COLOURS[i],
                        **look,
                    )
    for name, look in (("dense", DENSE_LOOK), ("augmented", AUGMENTED_LOOK)):
        grid[0, 0].add_line(Line2D([], [], color="#444444", label=NETWORKS[name], **look))
    add_legend_below(figure, list(grid.flat), columns=4)
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    appliance_table()
    curve_tables()
    seconds_table()
    picture()
