"""The results of `experiments pruning` as tables, and as the picture of docs/lab/pruning.md."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.pruning import (
    CACHE,
    METHODS,
    METHODS_FOR,
    SEED_0_METHODS,
    SEEDS,
    SPARSITIES,
    STAGES,
    TEST,
    plan_method,
    plan_stage,
)
from experiments.tables import list_headings, make_metric_cells, make_spread_cell, print_table
from seq2point.appliances import APPLIANCES
from seq2point.compression.costs import measure_costs
from seq2point.metrics import METRICS
from seq2point.network import Architecture
from seq2point.report.plots import add_legend_below
from seq2point.studies.grids import Result
from seq2point.studies.trainings import StudyTraining

PICTURE = Path("docs/images/pruning.png")
TICKS = (2, 5, 10, 20, 50, 100)
SHOWN = ("mae_w", "on_mae_w", "sae", "f1")
ALL_METHODS = METHODS | SEED_0_METHODS


def find_results(trainings: Sequence[StudyTraining]) -> list[Result]:
    """Return the results that are there."""
    results = (training.find(CACHE) for training in trainings)
    return [result for result in results if result is not None]


def list_stage(appliance: str, stage: str) -> list[StudyTraining]:
    """Return the trainings of a stage that are there, one for each seed."""
    trainings = (plan_stage(appliance, seed, stage) for seed in SEEDS)
    return [training for training in trainings if training.find(CACHE) is not None]


def find_share_left(results: Sequence[Result]) -> float:
    """Return the weights that are left, as a share of the dense network's."""
    return fmean(result["nonzero_parameters"] for result in results) / Architecture().parameters


def find_mae_w(results: Sequence[Result]) -> float:
    """Return the mean error of all seeds."""
    return fmean(result[TEST]["metrics"]["mae_w"] for result in results)


def print_stages() -> None:
    """Print what each stage costs and reaches."""
    rows = []
    for appliance in APPLIANCES:
        for stage in STAGES:
            if trainings := list_stage(appliance, stage):
                rows.append(make_stage_row(appliance, stage, trainings))
        for result in find_results(list_stage(appliance, "dense")[:1]):
            rows += [
                ["", f"{name} predictor", "", "", "", *make_metric_cells([metrics], SHOWN), "", ""]
                for name, metrics in result[TEST]["baselines"].items()
            ]
    headings = ["appliance", "network", "parameters", "file", "batch 1", *list_headings(SHOWN)]
    print_table("", [*headings, "seconds trained", "seeds"], rows, labels=2)


def make_stage_row(appliance: str, stage: str, trainings: Sequence[StudyTraining]) -> list[str]:
    """Return a row; costs are those of the first seed, beside the dense network's."""
    shown = {"dense": plan_stage(appliance, SEEDS[0], "dense"), stage: trainings[0]}
    models = {name: training.load_model(CACHE) for name, training in shown.items()}
    costs = measure_costs(models)["models"]
    own, dense = costs[stage], costs["dense"]
    own_ms, dense_ms = (model["latency_ms"]["1"] for model in (own, dense))
    metrics = [result[TEST]["metrics"] for result in find_results(trainings)]
    return [
        appliance.replace("_", " ") if stage == "dense" else "",
        stage,
        f"{own['parameters']:,} ({own['parameters'] / dense['parameters']:.2%})",
        f"{own['file_bytes'] / 1e6:.2f} MB ({own['file_bytes'] / dense['file_bytes']:.2%})",
        f"{own_ms:.2f} ms ({dense_ms / own_ms:.1f}x)",
        *make_metric_cells(metrics, SHOWN),
        make_spread_cell([training.sum_seconds(CACHE) for training in trainings], 0),
        str(len(trainings)),
    ]


def print_methods() -> None:
    """Print what every method reaches at every sparsity, and what it removed."""
    for appliance in METHODS_FOR:
        rows = [
            [method, *(make_method_cell(appliance, method, share) for share in SPARSITIES)]
            for method in ALL_METHODS
        ]
        mae, f1 = METRICS["mae_w"].heading, METRICS["f1"].label
        print_table(
            f"{appliance}: {mae}, and {f1}, after pruning, and what was removed",
            ["method", *(f"{share:.0%}" for share in SPARSITIES)],
            rows,
        )


def find_method(appliance: str, method: str, sparsity: float) -> list[Result]:
    """Return the results of a method at a sparsity, one for each seed that is there."""
    return find_results([plan_method(appliance, seed, method, sparsity) for seed in SEEDS])


def make_method_cell(appliance: str, method: str, sparsity: float) -> str:
    """Return what a method reached at a sparsity."""
    results = find_method(appliance, method, sparsity)
    if not results:
        return "-"
    metrics = [result[TEST]["metrics"] for result in results]
    mae_w = make_spread_cell([of_seed["mae_w"] for of_seed in metrics], 1)
    f1 = make_spread_cell([of_seed["f1"] for of_seed in metrics], 2)
    return f"{mae_w} W, {f1} ({1 - find_share_left(results):.0%})"


def save_picture() -> None:
    """Write error against the weights that are left: every method, one appliance a panel."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    panels = list(figure.subplots(1, len(METHODS_FOR)))
    for axes, appliance in zip(panels, METHODS_FOR, strict=True):
        draw_appliance(axes, appliance)
    add_legend_below(figure, panels)
    figure.savefig(PICTURE, dpi=110)


def draw_appliance(axes: Axes, appliance: str) -> None:
    """Draw the methods as lines, the stages as marks, and the zero predictor."""
    for i, method in enumerate(ALL_METHODS):
        found = (find_method(appliance, method, sparsity) for sparsity in SPARSITIES)
        points = sorted((find_share_left(of), find_mae_w(of)) for of in found if of)
        if points:
            label = method.replace("_", " ") + (" (one seed)" if method in SEED_0_METHODS else "")
            shares, maes_w = zip(*points, strict=True)
            axes.plot(
                [100 * share for share in shares], maes_w, f"C{i}", marker="o", ms=4, label=label
            )
    for stage, marker in zip(STAGES, "sD*x", strict=True):
        if results := find_results(list_stage(appliance, stage)):
            share, mae_w = find_share_left(results), find_mae_w(results)
            axes.plot(100 * share, mae_w, marker, color="black", ms=8, label=stage)
    for result in find_results(list_stage(appliance, "dense")[:1]):
        zero_w = result[TEST]["baselines"]["zero"]["mae_w"]
        axes.axhline(zero_w, color="grey", lw=0.8, ls=":", label="zero predictor")
    quantity = METRICS["mae_w"].heading
    axes.set(title=appliance, xlabel="weights left, % of the dense network", ylabel=quantity)
    axes.set_xscale("log")
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)


def main() -> None:
    """Print the tables and write the picture."""
    print_stages()
    print_methods()
    save_picture()
