"""Tables of what models cost and reach, from the numbers of compression/costs.py."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seq2point.compression.costs import ACCURACY, BATCHES
from seq2point.metrics import METRICS
from seq2point.recording import shorten_houses
from seq2point.wording import format_number


def make_cost_rows(costs: Mapping[str, Any]) -> list[list[str]]:
    """Return the table of costs: a heading with the models' labels, then a row for each cost.

    Beside a cost stands how many times better it is than the first model's.
    """
    models = list(costs["models"].values())
    return [
        ["", *costs["models"]],
        *_make_shape_rows(models),
        *_make_layer_rows(models),
        *_make_size_and_time_rows(models),
    ]


def make_total_rows(costs: Mapping[str, Any]) -> list[list[str]]:
    """Return the table without the layers: what the whole models take."""
    return [["", *costs["models"]], *_make_size_and_time_rows(list(costs["models"].values()))]


def make_accuracy_rows(costs: Mapping[str, Any]) -> list[list[str]]:
    """Return what was reached at every stage: a heading, then a row for each stage and appliance.

    The heading names the houses.
    """
    houses = f"on {shorten_houses(costs['tested_on'])}" if costs.get("tested_on") else ""
    lines = [[houses, *(METRICS[key].label for key in ACCURACY)]]
    for stage, reached in costs["accuracy"].items():
        by_appliance = {"": reached} if ACCURACY[0] in reached else reached
        for name, metrics in by_appliance.items():
            cells = [METRICS[key].format(metrics[key]) for key in ACCURACY]
            lines.append([", ".join(filter(None, (stage, name))), *cells])
    return lines


def _make_shape_rows(models: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    shapes = [model["architecture"] for model in models]
    ranked = any(shape.get("rank") for shape in shapes)
    return [
        [
            "window, sample predicted",
            *(f"{shape['window']}, {shape['target_index']}" for shape in shapes),
        ],
        ["channels", *(" ".join(map(str, shape["channels"])) for shape in shapes)],
        ["kernels", *(" ".join(map(str, shape["kernels"])) for shape in shapes)],
        ["hidden units", *(f"{shape['hidden']:,}" for shape in shapes)],
        *([["rank", *(str(shape.get("rank") or "full") for shape in shapes)]] if ranked else []),
    ]


def _make_layer_rows(models: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Weights kept of those that are there, and how many are exactly zero."""
    layers = [{layer["name"]: layer for layer in model["layers"]} for model in models]
    names = dict.fromkeys(name for model in sorted(layers, key=len, reverse=True) for name in model)

    def cell(layer: Mapping[str, Any] | None) -> str:
        if layer is None:
            return "-"
        kept = (
            f"{layer['kept']:,}"
            if layer["kept"] == layer["total"]
            else f"{layer['kept']:,} of {layer['total']:,}"
        )
        return f"{kept} ({layer['zeros']:,} zero)" if layer["zeros"] else kept

    return [[name, *(cell(model.get(name)) for model in layers)] for name in names]


def _make_size_and_time_rows(models: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    def row(
        name: str,
        values: Sequence[float],
        show: Callable[[float], str],
        more_is_better: bool = False,
    ) -> list[str]:
        cells, first = [name], values[0]
        for i, value in enumerate(values):
            cell = show(value)
            if i:
                cell += f" ({format_number(value / first if more_is_better else first / value)}x)"
            cells.append(cell)
        return cells

    def format_whole(value: float) -> str:
        return f"{value:,.0f}"

    def format_ms(value: float) -> str:
        return f"{format_number(value)} ms"

    return [
        row("parameters", [m["parameters"] for m in models], format_whole),
        row("not zero", [m["nonzero_parameters"] for m in models], format_whole),
        row("multiply-adds a window", [m["multiply_adds"] for m in models], format_whole),
        row("file, bytes", [m["file_bytes"] for m in models], format_whole),
        row("gzipped, bytes", [m["gzipped_bytes"] for m in models], format_whole),
        *(
            row(f"latency, batch {b}", [m["latency_ms"][str(b)] for m in models], format_ms)
            for b in BATCHES
        ),
        row(
            "sliding, samples/s",
            [m["sliding_samples_per_s"] for m in models],
            format_whole,
            more_is_better=True,
        ),
    ]
