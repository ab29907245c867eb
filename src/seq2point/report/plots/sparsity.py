"""The picture of prunings: errors against the weights that are left."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator

from seq2point.report.plots.style import OFF_SCALE, add_legend_below, note_off_scale, save_figure

METHOD_COLOURS = (
    "#d55e00",
    "#0072b2",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#7a5195",
    "#8c564b",
)
METHOD_MARKERS = "osD^vPX*"
LEAST_SPAN = 4  # so that a tick or two, at 1, 2 and 5, always stand on the axis
TITLE_LETTERS = 42


class SparsityPanel(NamedTuple):
    """Errors of one appliance against the weights left: by name, each line's points with the errors
    of every seed.

    `lines` are of pruning methods, `networks` of what they began from; `constants` are what to
    compare with.
    """

    title: str
    quantity: str
    lines: Mapping[str, Sequence[tuple[float, Sequence[float]]]]
    networks: Mapping[str, Sequence[tuple[float, Sequence[float]]]]
    constants: Mapping[str, float]


def save_sparsity_plot(panels: Sequence[SparsityPanel], title: str, path: str | Path) -> None:
    """Error against weights left, a panel an appliance below one another, as wide as a telephone,
    with one legend.
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    labels = {
        *names,
        *(
            name
            for panel in panels
            for name in (*panel.constants, *(f"unpruned: {n}" for n in panel.networks))
        ),
    }
    columns = 2 if max(map(len, labels)) < 35 else 1
    height = 0.9 + 3.2 * len(panels) + 0.22 * -(-len(labels) // columns)
    figure = Figure(figsize=(5, height), layout="constrained")
    drawn = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axes, panel in zip(drawn, panels, strict=True):
        draw_sparsity(axes, panel, names)
    drawn[-1].set_xlabel("weights left, fewer to the right", fontsize=12)
    figure.align_ylabels(list(drawn))
    figure.suptitle(
        "\n".join(textwrap.wrap(title, TITLE_LETTERS)),
        x=0.02,
        ha="left",
        fontsize=12,
        weight="bold",
    )
    add_legend_below(figure, list(drawn), columns, 10)
    save_figure(figure, path, 200)


def draw_sparsity(axes: Axes, panel: SparsityPanel, names: Sequence[str]) -> None:
    """A panel: the methods' mean errors with the range of their seeds, fewer weights to the right,
    the networks as lines.

    A name's place among `names` decides its colour. What is far above the rest is told in words at
    the top.
    """
    points = [point for line in (*panel.lines.values(), *panel.networks.values()) for point in line]
    errors = [error for _, seeds in points for error in seeds]
    highest = 1.12 * max(*errors, *panel.constants.values())
    if highest > OFF_SCALE * median(errors):
        highest = min(1.25 * max(errors), OFF_SCALE * median(errors))
    for name, line in panel.lines.items():
        place = names.index(name)
        ordered = sorted(line)
        means = [fmean(seeds) for _, seeds in ordered]
        bars = [
            [fmean(seeds) - min(seeds) for _, seeds in ordered],
            [max(seeds) - fmean(seeds) for _, seeds in ordered],
        ]
        colour, marker = (
            METHOD_COLOURS[place % len(METHOD_COLOURS)],
            METHOD_MARKERS[place % len(METHOD_MARKERS)],
        )
        axes.errorbar(
            [left for left, _ in ordered], means, bars, color=colour, marker=marker, ms=7,
            mec="white", mew=0.8, lw=1.8, elinewidth=1.2, capsize=3,
            label=name.replace("_", " "), zorder=3,
        )  # fmt: skip
    for (name, line), style in zip(panel.networks.items(), cycle(("-", "--", "-.", ":"))):
        error = fmean(error for _, seeds in line for error in seeds)
        axes.axhline(error, color="#222222", lw=1.3, ls=style, label=f"unpruned: {name}", zorder=1)
        axes.plot(
            [left for left, _ in line],
            [error] * len(line),
            "*",
            color="#222222",
            ms=12,
            clip_on=False,
            zorder=4,
        )
    for name, constant in panel.constants.items():
        if constant <= highest:
            axes.axhline(constant, color="#8a8f98", lw=1.5, dashes=(4, 2), label=name, zorder=1)
        else:
            note_off_scale(axes, name, constant, panel.quantity, 10)
    most, fewest = max(left for left, _ in points), min(left for left, _ in points)
    axes.set_xscale("log")
    axes.set_xlim(min(0.8 * fewest, most / LEAST_SPAN), 1.25 * most)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.minorticks_off()
    axes.invert_xaxis()
    axes.set(ylim=(0, highest))
    axes.set_ylabel(panel.quantity, fontsize=12)
    axes.set_title("\n".join(textwrap.wrap(panel.title, TITLE_LETTERS)), loc="left", fontsize=12)
    axes.tick_params(labelsize=11)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
