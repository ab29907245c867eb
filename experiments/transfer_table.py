"""The results of `experiments transfer` as tables, and the picture of docs/guides/transfer.md."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments import pruning, transfer
from experiments.tables import list_headings, make_metric_cells, make_spread_cell, print_table
from experiments.transfer import (
    A_STEPS,
    A_WAYS,
    ALL_SEEDS,
    B_APPLIANCES,
    C_FREEZES,
    C_STEPS,
    PAIRS,
    PARENTS,
    TEST,
    plan_appliance,
    plan_seconds,
    plan_untouched,
    report_curve,
)
from seq2point.appliances import APPLIANCES
from seq2point.metrics import METRICS
from seq2point.report.plots import LINE_COLOURS, add_legend_below, draw_curve
from seq2point.report.transfer_curve import make_panel
from seq2point.studies import ResultCache
from seq2point.studies.grids import Result
from seq2point.studies.trainings import StudyTraining

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
WAYS = dict(
    zip(A_WAYS, ("the washing machine's convolutions, frozen", "from nothing"), strict=True)
)
DENSE_LOOK: dict[str, Any] = {"ls": ":", "lw": 1.3, "marker": "o", "ms": 2.5, "zorder": 2}
AUGMENTED_LOOK: dict[str, Any] = {"ls": "--", "lw": 1.3, "marker": "s", "ms": 3, "zorder": 2}
SHOWN = ("mae_w", "on_mae_w", "sae", "nde", "f1")
SHOWN_OF_SECONDS = ("mae_w", "nde", "f1")


def find_results(cache: ResultCache, trainings: Sequence[StudyTraining]) -> list[Result]:
    """Return the results that are there."""
    results = (training.find(cache) for training in trainings)
    return [result for result in results if result is not None]


def print_appliances() -> None:
    """Print (a): what another appliance's network is worth."""
    rows = []
    for appliance in APPLIANCES:
        if appliance == transfer.A_PARENT:
            continue
        name, results = appliance.replace("_", " "), list[Result]()
        for parent in PARENTS:
            for way, label in WAYS.items():
                of_seeds = [plan_appliance(appliance, seed, parent, way) for seed in ALL_SEEDS]
                if results := find_results(pruning.CACHE, of_seeds):
                    cells = make_metric_cells([r[TEST]["metrics"] for r in results], SHOWN)
                    seconds = make_spread_cell([result["seconds"] for result in results], 0)
                    rows.append([name, parent, label, *cells, seconds, str(len(results))])
        for result in results[:1]:
            for baseline, metrics in result[TEST]["baselines"].items():
                cells = make_metric_cells([metrics], SHOWN)
                rows.append([name, "", f"{baseline} predictor", *cells, "", ""])
    title = (
        f"Another appliance, {A_STEPS['dense']} steps of the dense network and {A_STEPS['small']}"
        " of the small one"
    )
    headings = ["appliance", "network", "learned", *list_headings(SHOWN), "seconds", "seeds"]
    print_table(title, headings, rows, labels=3)


def print_seconds() -> None:
    """Print (c): what one fine-tuning takes, and gives."""
    rows = []
    for parent in PARENTS:
        before = plan_untouched(parent).find(transfer.CACHE)
        for freeze in C_FREEZES:
            of_seeds = [plan_seconds(parent, freeze, seed) for seed in ALL_SEEDS]
            results = find_results(transfer.CACHE, of_seeds)
            if results and before:
                tests = [result[TEST] for result in results]
                cells = make_metric_cells([test["metrics"] for test in tests], SHOWN_OF_SECONDS)
                (as_it_is,) = make_metric_cells([before[TEST]["metrics"]], ["mae_w"])
                (zero,) = make_metric_cells([tests[0]["baselines"]["zero"]], ["mae_w"])
                seconds = make_spread_cell([result["wall_s"] for result in results], 1)
                row = [parent, freeze, seconds, as_it_is, *cells, zero, str(len(results))]
                rows.append(row)
    title = (
        f"Fine-tuning on 7 days at 8 s, 2 threads: {C_STEPS['dense']} steps (dense),"
        f" {C_STEPS['small']} (small)"
    )
    mae, shown = METRICS["mae_w"].heading, list_headings(SHOWN_OF_SECONDS)
    headings = ["network", "frozen", "seconds", f"{mae}, as it is", *shown]
    print_table(title, [*headings, f"zero predictor: {mae}", "seeds"], rows, labels=2)


def print_curves() -> None:
    """Print (b): the table of each curve."""
    for pair, houses in HOUSES.items():
        for appliance in B_APPLIANCES:
            for name, network in NETWORKS.items():
                if curve := report_curve(pair, appliance, name):
                    steps = curve["training"]["steps"]
                    label = appliance.replace("_", " ")
                    print(f"\n{houses}, {label}, {network}, {steps} steps:")
                    print(*curve["markdown"].splitlines()[1:], sep="\n")


def save_picture() -> None:
    """Write error against days of labels, a row for each pair of houses.

    The small network's lines have their range, the others' have none.
    """
    figure = Figure(figsize=(11, 8.4), layout="constrained")
    grid = figure.subplots(len(PAIRS), len(B_APPLIANCES), squeeze=False)
    for row, pair in zip(grid, PAIRS, strict=True):
        for axes, appliance in zip(row, B_APPLIANCES, strict=True):
            draw_pair(axes, pair, appliance)
    for name, look in (("dense", DENSE_LOOK), ("augmented", AUGMENTED_LOOK)):
        grid[0, 0].add_line(Line2D([], [], color="#444444", label=NETWORKS[name], **look))
    add_legend_below(figure, list(grid.flat), columns=4)
    figure.savefig(PICTURE, dpi=110)


def draw_pair(axes: Axes, pair: str, appliance: str) -> None:
    """Draw the curves of a pair of houses and an appliance."""
    axes.set_title(f"{appliance.replace('_', ' ')}, {HOUSES[pair]}", loc="left", fontsize=10.5)
    small = report_curve(pair, appliance, "small")
    if small is None:
        axes.set_axis_off()
        return
    draw_curve(axes, make_panel(small, "mae_w"))
    for network, look in (("dense", DENSE_LOOK), ("augmented", AUGMENTED_LOOK)):
        curve = report_curve(pair, appliance, network)
        lines = make_panel(curve, "mae_w").lines.values() if curve else ()
        for colour, line in zip(LINE_COLOURS, lines, strict=False):
            axes.plot(list(line), [fmean(of) for of in line.values()], color=colour, **look)


def main() -> None:
    """Print the tables and write the picture."""
    print_appliances()
    print_curves()
    print_seconds()
    save_picture()
