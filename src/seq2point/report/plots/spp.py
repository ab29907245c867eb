"""The picture of SPP: how the pruning probabilities of each layer spread over a training."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from seq2point.compression.pruning.spp import ProbabilityHistory
from seq2point.report.plots.style import save_figure

SPP_WORDS = (
    "p is the probability that a group of weights (a column, a filter or a unit) is dropped for a"
    " step.\nAt 1 the group is pruned for good, at 0 it stays."
)


def save_spp_plot(courses: Mapping[str, ProbabilityHistory], title: str, path: str | Path) -> None:
    """Write the picture of `spp_figure`."""
    save_figure(spp_figure(courses, title), path)


def spp_figure(courses: Mapping[str, ProbabilityHistory], title: str) -> Figure:
    """How the pruning probabilities of each layer spread over a training: the share of its groups
    at each probability.
    """
    figure = Figure(figsize=(9, 2.6 + 1.3 * len(courses)), layout="constrained")
    grid = figure.subplots(len(courses), 1, squeeze=False, sharex=True)[:, 0]
    shade = None
    for axes, (layer, course) in zip(grid, courses.items(), strict=True):
        axes.set(ylim=(0, 1), yticks=(0, 0.5, 1), ylabel="p")
        axes.set_title(layer, loc="left", fontsize=9)
        if course.steps:
            steps = np.array([0, *course.steps])
            levels = np.linspace(0, 1, course.fractions.shape[1] + 1)
            shade = axes.pcolormesh(
                steps, levels, course.fractions.numpy().T, cmap="Blues", norm=PowerNorm(0.4, 0, 1)
            )
    figure.suptitle(f"{title}\n\n", x=0.01, ha="left", fontsize=13, weight="bold")
    figure.text(
        0.01,
        1 - 0.35 / figure.get_figheight(),
        SPP_WORDS,
        ha="left",
        va="top",
        fontsize=9.5,
        color="#555555",
    )
    grid[-1].set_xlabel("step")
    if shade is not None:
        label = "share of the layer's groups at this p"
        figure.colorbar(
            shade,
            ax=list(grid),
            label=label,
            location="bottom",
            shrink=0.5,
            aspect=40,
            ticks=(0, 0.1, 0.3, 0.6, 1),
        )
    return figure
