"""The picture of a training: losses, sparsity and costs."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from seq2point.report.costs import make_accuracy_rows, make_total_rows
from seq2point.report.plots.style import MAINS, PREDICTION, TRUTH, save_figure
from seq2point.wording import format_number

REMOVED = "#6aa84f"
ROW_HEIGHT, LINE_LETTERS = 0.2, 140
LOG_FROM = 3
"""Losses that spread by this factor stand on a logarithmic axis; a narrower one would have too few
ticks.
"""


def save_training_plot(
    history: Sequence[dict[str, float]],
    title: str,
    path: str | Path,
    costs: Mapping[str, Any] | None = None,
) -> None:
    """Write the picture of `training_figure`."""
    save_figure(training_figure(history, title, costs), path)


def training_figure(
    history: Sequence[dict[str, float]], title: str, costs: Mapping[str, Any] | None = None
) -> Figure:
    """Training and validation loss against the step, the best validation marked; below it the
    sparsity where there is any.

    With costs, a short table of them stands at the bottom: what the whole models take, not their
    layers.
    """
    final = history[-1]["sparsity"]
    heights = [4.2, *([1.1] if final > 0 else []), *([_costs_height(costs)] if costs else [])]
    figure = Figure(figsize=(9, sum(heights) + 0.8), layout="constrained")
    parts = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    loss = figure.add_subplot(parts[0])
    _draw_losses(loss, history, final)
    loss.set_title(title, loc="left", fontsize=13, weight="bold", pad=24)
    if final > 0:
        removed = figure.add_subplot(parts[1], sharex=loss)
        removed.step(
            [row["step"] for row in history],
            [100 * row["sparsity"] for row in history],
            where="post",
            color=REMOVED,
        )
        removed.set(ylim=(0, 100), ylabel="weights\nremoved, %")
        removed.grid(alpha=0.25)
        loss.tick_params(labelbottom=False)
    figure.axes[-1].set_xlabel("step")
    if costs:
        _draw_costs(figure.add_subplot(parts[-1]), costs)
    return figure


def _draw_losses(axes: Axes, history: Sequence[dict[str, float]], final: float) -> None:
    """Both losses, and the best validation among those at the final sparsity."""
    steps, losses, means = (
        [row[key] for row in history] for key in ("step", "val_loss", "interval_loss")
    )
    mark = "o" if len(steps) < 40 else None
    axes.plot(steps, means, color=MAINS, label="training, mean of the interval", marker=mark, ms=3)
    axes.plot(steps, losses, color=TRUTH, label="validation", marker=mark, ms=4)
    best = min(
        (row for row in history if row["sparsity"] >= final - 1e-6), key=lambda row: row["val_loss"]
    )
    label = f"best validation: {format_number(best['val_loss'])}"
    axes.plot(best["step"], best["val_loss"], "*", color=PREDICTION, ms=14, label=label)
    known = [value for value in (*losses, *means) if value > 0]
    if known and max(known) > LOG_FROM * min(known):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(value)))
    axes.set_ylabel("mean squared error (scaled)")
    axes.grid(alpha=0.25)
    _legend_above(axes)


def _legend_above(axes: Axes, columns: int = 4) -> None:
    """A legend over the axes, where no line can run through it."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        frameon=False,
        fontsize=9,
        borderaxespad=0.2,
    )


def _costs_height(costs: Mapping[str, Any]) -> float:
    return ROW_HEIGHT * (len(make_total_rows(costs)) + len(_accuracy_lines(costs)))


def _draw_costs(axes: Axes, costs: Mapping[str, Any]) -> None:
    """The table of costs, and below it a line for each stage of accuracy."""
    axes.axis("off")
    heading, *rest = make_total_rows(costs)
    below = _accuracy_lines(costs)
    line = 1 / (len(rest) + 1 + len(below))
    table = axes.table(
        cellText=rest,
        colLabels=heading,
        colWidths=[0.25] + [0.75 / (len(heading) - 1)] * (len(heading) - 1),
        bbox=Bbox.from_bounds(0, len(below) * line, 1, 1 - len(below) * line),
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    for (row, column), cell in table.get_celld().items():
        cell.set(edgecolor="#dddddd")
        cell.set_text_props(
            ha="left" if column == 0 else "right", weight="bold" if row == 0 else "normal"
        )
    for i, words in enumerate(below):
        axes.text(0, (len(below) - i - 1) * line, words, fontsize=8, transform=axes.transAxes)


def _accuracy_lines(costs: Mapping[str, Any]) -> list[str]:
    (_, *names), *stages = make_accuracy_rows(costs)
    reached = [
        f"{stage}:"
        f" {', '.join(f'{name} {value}' for name, value in zip(names, values, strict=True))}"
        for stage, *values in stages
    ]
    return [line for text in reached for line in textwrap.wrap(text, LINE_LETTERS)]
