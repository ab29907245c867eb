"""The picture of a budget search: accuracy against size."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from seq2point.report.plots.style import PREDICTION, TRUTH, add_legend_below, save_figure


class FrontPoint(NamedTuple):
    """A network of a search: its size, how accurate it is, whether it fits, is on the front, and is
    the one that was chosen.
    """

    size_kb: float
    score: float
    fits: bool
    front: bool
    best: bool
    label: str


def save_front_plot(
    points: Sequence[FrontPoint],
    title: str,
    quantity: str,
    limit_kb: float | None,
    path: str | Path,
) -> None:
    """Write the picture of a budget search: see `front_figure`."""
    save_figure(front_figure(points, title, quantity, limit_kb), path)


def front_figure(
    points: Sequence[FrontPoint], title: str, quantity: str, limit_kb: float | None
) -> Figure:
    """Accuracy against size, the front as a line, what does not fit hollow, the chosen one starred
    and named. A front of one point is no line.
    """
    figure = Figure(figsize=(8.4, 5.2), layout="constrained")
    axes = figure.add_subplot()
    front = sorted(point for point in points if point.front)
    if len(front) > 1:
        axes.plot(
            [p.size_kb for p in front],
            [p.score for p in front],
            color=TRUTH,
            lw=1.2,
            alpha=0.6,
            label="front: none smaller is as good",
        )
    for fits, words in ((True, "fits"), (False, "does not fit")):
        some = [p for p in points if p.fits == fits]
        sizes_kb, scores = [p.size_kb for p in some], [p.score for p in some]
        if some:
            face = TRUTH if fits else "white"
            axes.scatter(
                sizes_kb, scores, s=38, color=face, edgecolors=TRUTH, label=words, zorder=3
            )
    for p in points:
        if p.best:
            axes.scatter(
                [p.size_kb],
                [p.score],
                s=190,
                marker="*",
                color=PREDICTION,
                label=f"chosen: {p.label}",
                zorder=4,
            )
    if limit_kb is not None:
        axes.axvline(limit_kb, color="#444444", lw=1.1, dashes=(5, 2), label=f"{limit_kb:,.0f} KB")
    axes.set(xlabel="flash, KB", ylabel=quantity)
    axes.set_title(title, loc="left", fontsize=13, weight="bold")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    add_legend_below(figure, [axes], 3)
    return figure
