"""Reports as tables on the terminal and as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from seq2point.wording import format_count

UNITS = {"_wh": "Wh", "_w": "W"}
WORDS = {
    "mae_w": "MAE",
    "on_mae_w": "MAE while on",
    "sae": "SAE, energy error",
    "sae_delta_w": "SAE by the hour",
    "nde": "NDE",
    "energy_per_day_wh": "energy error a day",
    "f1": "F1 of on/off",
    "precision": "precision",
    "recall": "recall",
    "mcc": "MCC",
    "accuracy": "accuracy",
    "event_f1": "F1 of events",
    "event_precision": "precision of events",
    "event_recall": "recall of events",
}


def report(report: dict[str, Any], path: Path | None) -> None:
    """Show metrics beside the baselines, and the pruning, where there are any.

    With a path also write the JSON ('-' writes it to standard output instead).
    """
    console = written(report, path)
    if "metrics" in report:
        metrics, baselines = report["metrics"], report["baselines"]
        several = all(isinstance(value, dict) for value in metrics.values())
        for name in metrics if several else report["model"]["appliances"]:
            chosen = [metrics, baselines["zero"], baselines["mean"]]
            console.print(_metrics_table(name, [m[name] for m in chosen] if several else chosen))
    if report.get("pruning", {}).get("sparsity"):
        console.print(pruning_table(report["pruning"]["layers"]))
    if report.get("costs"):
        show_costs(report["costs"], console)


def written(report: dict[str, Any], path: Path | None) -> Console:
    """Write a report's JSON where a path is given ('-' is standard output), and say where words go: not among the JSON."""
    from seq2point.files import write_json

    if path is not None and str(path) == "-":
        print(json.dumps(report, indent=2))
        return Console(file=sys.stderr)
    if path is not None:
        write_json(report, path)
    return Console()


def show_costs(found: Mapping[str, Any], console: Console) -> None:
    """What the models cost side by side, what each stage reached, and what there is to say about it."""
    from seq2point import costs

    threads = format_count(found["threads"], "thread")
    console.print(table_of(f"costs, measured on {threads}; (nx): n times better than the first", costs.rows(found)))
    if found["accuracy"]:
        console.print(table_of("accuracy", costs.accuracy_rows(found)))
    for note in found["notes"]:
        console.print(note, soft_wrap=True, highlight=False)


def table_of(title: str, lines: Sequence[Sequence[str]]) -> Table:
    """Rows of cells under their heading, the first row."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for i, heading in enumerate(lines[0]):
        table.add_column(heading, justify="right" if i else "left")
    for line in lines[1:]:
        table.add_row(*line)
    return table


def _metrics_table(name: str, columns: Sequence[dict[str, float | None]]) -> Table:
    table = Table(title=name.replace("_", " "), title_justify="left", title_style="bold")
    table.add_column("")
    for heading in ("network", "zero predictor", "mean predictor"):
        table.add_column(heading, justify="right")
    for metric, words in WORDS.items():
        table.add_row(words, *(_shown(metric, column[metric]) for column in columns))
    return table


def _shown(metric: str, value: float | None) -> str:
    if value is None:
        return "-"
    unit = next((unit for ending, unit in UNITS.items() if metric.endswith(ending)), None)
    return f"{value:,.1f} {unit}" if unit else f"{value:.3f}"


def pruning_table(layers: Sequence[dict[str, Any]]) -> Table:
    """Kept weights and zeros by layer, and over all."""
    table = Table(title="pruning", title_justify="left", title_style="bold", show_footer=True)
    total, kept, zeros = (sum(row[key] for row in layers) for key in ("total", "kept", "zeros"))
    table.add_column("weights", footer="all")
    table.add_column("total", justify="right", footer=f"{total:,}")
    table.add_column("kept", justify="right", footer=f"{kept:,}")
    table.add_column("zeros", justify="right", footer=f"{zeros:,}")
    table.add_column("removed", justify="right", footer=f"{1 - kept / total:.1%}")
    for row in layers:
        removed = 1 - row["kept"] / row["total"]
        table.add_row(row["name"], f"{row['total']:,}", f"{row['kept']:,}", f"{row['zeros']:,}", f"{removed:.1%}")
    return table


def files(listed: dict[str, Path], quiet: bool = False) -> None:
    """Where everything lies."""
    console = Console(file=sys.stderr if quiet else sys.stdout, soft_wrap=True, highlight=False)
    width = max(map(len, listed))
    for what, path in listed.items():
        console.print(f"{what:<{width}}  {path}", markup=False)
