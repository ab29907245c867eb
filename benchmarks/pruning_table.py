"""The pieces of `benchmarks pruning` as tables and as the picture of docs/lab/pruning.md."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from matplotlib.figure import Figure

from benchmarks.pruning import FOLDER, METHODS, METHODS_FOR, SEED_0_METHODS, SEEDS, SPARSITIES
from seq2point.appliances import APPLIANCES
from seq2point.compression.costs import measure_costs
from seq2point.model.model_file import Model

PICTURE = Path("docs/images/pruning.png")
TICKS = (2, 5, 10, 20, 50, 100)
STAGES = ("dense", "longer", "small", "scratch")


def found(name: str) -> list[dict[str, Any]]:
    """The pieces of a name, one for every seed that is there."""
    paths = [FOLDER / f"{name.format(seed=seed)}.json" for seed in SEEDS]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def spread(
    pieces: list[dict[str, Any]], value: Callable[[dict[str, Any]], float], form: str
) -> str:
    """Mean and standard deviation over the seeds; the value alone where there is one."""
    values = [value(piece) for piece in pieces]
    if not values:
        return "-"
    deviation = f" ± {format(stdev(values), form)}" if len(values) > 1 else ""
    return format(mean(values), form) + deviation


def small_table() -> None:
    print(
        "| appliance | network | parameters | file | batch 1 | MAE W | on-MAE W | SAE | F1 |"
        " seconds trained | seeds |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for appliance in APPLIANCES:
        for stage in STAGES:
            pieces = found(f"{appliance}-{{seed}}-{stage}")
            if not pieces:
                continue
            of = "dense" if stage == "longer" else stage
            models = {
                s: Model.load(FOLDER / f"{appliance}-{SEEDS[0]}-{s}.safetensors")
                for s in dict.fromkeys(("dense", of))
            }
            costs = measure_costs(models)["models"]
            own, first = costs[of], costs["dense"]
            metrics = [
                spread(pieces, lambda p, m=m: p["metrics"][m], f)
                for m, f in (("mae_w", ".2f"), ("on_mae_w", ".0f"))
            ]
            metrics += [
                spread(pieces, lambda p, m=m: p["metrics"][m], ".3f") for m in ("sae", "f1")
            ]
            cells = [
                appliance.replace("_", " ") if stage == "dense" else "",
                stage,
                f"{own['parameters']:,} ({own['parameters'] / first['parameters']:.2%})",
                f"{own['file_bytes'] / 1e6:.2f} MB ({own['file_bytes'] / first['file_bytes']:.2%})",
                (
                    f"{own['latency_ms']['1']:.2f} ms"
                    f" ({first['latency_ms']['1'] / own['latency_ms']['1']:.1f}x)"
                ),
                *metrics,
                spread(pieces, lambda p: p["seconds"], ".0f"),
                str(len(pieces)),
            ]
            print(f"| {' | '.join(cells)} |")
        for name in ("zero", "mean"):
            for piece in found(f"{appliance}-{{seed}}-dense")[:1]:
                b = piece["baselines"][name]
                shown = [
                    f"{b['mae_w']:.2f}",
                    f"{b['on_mae_w']:.0f}",
                    f"{b['sae']:.3f}",
                    f"{b['f1'] or 0:.3f}",
                ]
                print(f"| | {name} predictor | | | | {' | '.join(shown)} | | |")


def methods_table() -> None:
    for appliance in METHODS_FOR:
        print(f"\n{appliance}: MAE in watts, and F1, after pruning\n")
        print(f"| method | {' | '.join(f'{s:.0%}' for s in SPARSITIES)} |")
        print("|---" * (len(SPARSITIES) + 1) + "|")
        for method in METHODS | SEED_0_METHODS:
            cells = []
            for sparsity in SPARSITIES:
                pieces = found(f"{appliance}-{{seed}}-{method}-{sparsity:g}")
                mae, f1, removed = (
                    spread(pieces, value, form)
                    for value, form in (
                        (lambda p: p["metrics"]["mae_w"], ".1f"),
                        (lambda p: p["metrics"]["f1"], ".2f"),
                        (lambda p: p["removed"], ".0%"),
                    )
                )
                cells.append(f"{mae} W, {f1} ({removed})" if pieces else "-")
            print(f"| {method} | {' | '.join(cells)} |")


def picture() -> None:
    """Error against the weights that are left, every method, one appliance a panel."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    for axes, appliance in zip(figure.subplots(1, len(METHODS_FOR)), METHODS_FOR, strict=True):
        for i, method in enumerate(METHODS | SEED_0_METHODS):
            points = []
            for sparsity in SPARSITIES:
                pieces = found(f"{appliance}-{{seed}}-{method}-{sparsity:g}")
                if pieces:
                    points.append(
                        (
                            1 - mean(p["removed"] for p in pieces),
                            mean(p["metrics"]["mae_w"] for p in pieces),
                        )
                    )
            if points:
                left, mae_w = zip(*sorted(points), strict=True)
                label = method.replace("_", " ") + (
                    " (one seed)" if method in SEED_0_METHODS else ""
                )
                axes.plot(
                    [100 * share for share in left],
                    mae_w,
                    f"C{i}",
                    marker="o",
                    markersize=4,
                    label=label,
                )
        for stage, marker in zip(STAGES, "sD*x", strict=True):
            pieces = found(f"{appliance}-{{seed}}-{stage}")
            if pieces:
                left = 100 * mean(1 - p["removed"] for p in pieces)
                axes.plot(
                    left,
                    mean(p["metrics"]["mae_w"] for p in pieces),
                    marker,
                    color="black",
                    markersize=8,
                    label=stage,
                )
        for piece in found(f"{appliance}-{{seed}}-dense")[:1]:
            axes.axhline(
                piece["baselines"]["zero"]["mae_w"],
                color="grey",
                linewidth=0.8,
                linestyle=":",
                label="zero predictor",
            )
        axes.set(
            title=appliance,
            xlabel="weights left, % of the dense network",
            ylabel="MAE, W",
            xscale="log",
        )
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
    handles = {
        label: handle
        for a in figure.axes
        for handle, label in zip(*a.get_legend_handles_labels(), strict=True)
    }
    axes.legend(
        handles.values(), handles, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False
    )
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    small_table()
    methods_table()
    picture()
