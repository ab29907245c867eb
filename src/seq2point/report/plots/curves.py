"""The picture of a transfer curve: what is reached against days of labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2point.report.plots.style import OFF_SCALE, add_legend_below, note_off_scale, save_figure

LINE_COLOURS = (
    "#d55e00",
    "#0072b2",
    "#009e73",
    "#7a5195",
)  # told apart by most of the colour-blind
MARKERS = "osD^"


class CurvePanel(NamedTuple):
    """One quantity against days of labels: by name, each line's values of every seed at its days;
    and constants to compare with.

    A line's place decides its colour, so one that is not there is empty. `bounded` is for what lies
    between 0 and 1.
    """

    quantity: str
    lines: Mapping[str, Mapping[float, Sequence[float]]]
    constants: Mapping[str, float]
    bounded: bool = False


def save_curve_plot(
    panels: Sequence["CurvePanel"], title: str, subtitle: str, path: str | Path
) -> None:
    """Panels of what is reached against days of labels, side by side, with one legend below."""
    figure = Figure(figsize=(4.2 + 4.2 * len(panels), 5.2), layout="constrained")
    drawn = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(drawn, panels, strict=True):
        draw_curve(axes, panel)
    figure.suptitle(f"{title}\n", x=0.01, ha="left", fontsize=13, weight="bold")
    figure.text(0.01, 0.935, subtitle, ha="left", va="top", fontsize=9.5, color="#555555")
    add_legend_below(figure, drawn)
    save_figure(figure, path)


def draw_curve(axes: Axes, panel: CurvePanel) -> None:
    """Mean lines with the range of their seeds as a band, over days on a scale that shows zero;
    constants dashed.

    What is far above the rest does not press it together: a constant is told in words at the top, a
    line leaves there.
    """
    all_days = sorted({days for line in panel.lines.values() for days in line})
    values = [value for line in panel.lines.values() for seeds in line.values() for value in seeds]
    least = min(panel.constants.values(), default=0.0)
    highest = (
        1.0
        if panel.bounded
        else min(1.12 * max(*values, least), OFF_SCALE * max(median(values), least))
    )
    clip = max(values) > highest
    for i, (name, line) in enumerate(panel.lines.items()):
        if not line:
            continue
        colour, marker = LINE_COLOURS[i % 4], MARKERS[i % 4]
        days, seeds = list(line), list(line.values())
        (drawn,) = axes.plot(
            days, [fmean(s) for s in seeds], color=colour, marker=marker, label=name, clip_on=clip
        )
        drawn.set(lw=1.8, ms=5.5, mec="white", mew=0.8, zorder=3)
        axes.fill_between(
            days,
            [min(s) for s in seeds],
            [max(s) for s in seeds],
            color=colour,
            alpha=0.14,
            lw=0,
            zorder=2,
        )
    for (name, constant), dashes in zip(
        panel.constants.items(), ((5, 2), (1.5, 1.5)), strict=False
    ):
        if constant <= highest:
            axes.axhline(constant, color="#444444", lw=1.1, dashes=dashes, label=name, zorder=1)
        else:
            note_off_scale(axes, name, constant, panel.quantity, 8.5)
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.set_xticks(all_days, [f"{days:g}" for days in all_days])
    axes.minorticks_off()
    axes.set(
        ylim=(0, highest),
        xlabel="days of labels from the house, 0: the model as it is",
        ylabel=panel.quantity,
    )
    axes.margins(x=0.04)
    axes.grid(axis="y", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
