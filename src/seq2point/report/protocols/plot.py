"""The picture of a protocol's report: errors against the weights that are left."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2point.metrics import METRICS
from seq2point.report.plots import SparsityPanel, save_sparsity_plot
from seq2point.report.protocols.wording import format_houses, format_name, list_tables


def save_plot(report: Mapping[str, Any], path: Path) -> bool:
    """Write the picture of a report, MAE against weights left; False where nothing was pruned."""
    panels = [
        _make_panel(name, tested)
        for name, tested, _ in list_tables(report)
        if any(row["method"] for row in tested["rows"].values())
    ]
    if panels:
        save_sparsity_plot(panels, report["title"], path)
    return bool(panels)


def _make_panel(name: str, tested: Mapping[str, Any]) -> SparsityPanel:
    """The MAE against the weights left: a line for each method under each network."""
    lines: dict[str, list[tuple[float, Sequence[float]]]] = {}
    networks: dict[str, list[tuple[float, Sequence[float]]]] = {}
    for row in tested["rows"].values():
        point = (row["weights_left"]["mean"], row["metrics"]["mae_w"]["values"])
        (lines if row["method"] else networks).setdefault(row["line"], []).append(point)
    title = f"{name[:1].upper()}{format_name(name)[1:]}, {format_houses(tested)}"
    constants = {
        f"{baseline} predictor": values["mae_w"]
        for baseline, values in tested["baselines"].items()
        if baseline == "zero"
    }
    return SparsityPanel(title, METRICS["mae_w"].heading, lines, networks, constants)
