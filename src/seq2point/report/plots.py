"""Pictures of a training and of a test, written as PNG files; nothing is ever shown on a screen."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from seq2point.compression.costs import make_accuracy_rows, make_total_rows
from seq2point.compression.pruning.spp import ProbabilityHistory
from seq2point.errors import UsageError
from seq2point.model.evaluation import Evaluation
from seq2point.recording import Recording, Watts, format_house
from seq2point.system.atomic_files import atomic_write
from seq2point.wording import format_number

MAINS, TRUTH, PREDICTION = "#8a8f98", "#1f6fb4", "#d9541e"
ACTIVE_HOURS = 3.0
REMOVED = "#6aa84f"
ROW_HEIGHT, LINE_LETTERS = 0.2, 140
LOG_FROM = 3
"""Losses that spread by this factor stand on a logarithmic axis; a narrower one would have too few
ticks.
"""
SPP_WORDS = (
    "p is the probability that a group of weights (a column, a filter or a unit) is dropped for a"
    " step.\nAt 1 the group is pruned for good, at 0 it stays."
)
LINE_COLOURS = (
    "#d55e00",
    "#0072b2",
    "#009e73",
    "#7a5195",
)  # told apart by most of the colour-blind
MARKERS = "osD^"
OFF_SCALE = 2.2
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
ENDINGS = (".png", ".pdf", ".svg")


def check_picture_ending(path: Path) -> None:
    """Refuse a picture of an unknown kind, before anything is computed."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: a picture is written as {', '.join(ENDINGS)}")


def save_training_plot(
    history: Sequence[dict[str, float]],
    title: str,
    path: str | Path,
    costs: Mapping[str, Any] | None = None,
) -> None:
    """Write the picture of `training_figure`."""
    _save(training_figure(history, title, costs), path)


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


def save_test_plot(evaluation: Evaluation, path: str | Path) -> None:
    """Mains, truth and prediction in watts, around the most active hours and over their day; a row
    pair for each appliance.
    """
    names = [a.name for a in evaluation.model.appliances]
    figure = Figure(figsize=(13, 5.6 * len(names)), layout="constrained")
    grid = figure.subplots(
        2 * len(names), 2, squeeze=False, sharex="col", height_ratios=[1, 1.4] * len(names)
    )
    for i, appliance in enumerate(evaluation.model.appliances):
        recording, prediction = _find_most_used(evaluation, appliance.name, i)
        hours = _find_busiest(recording, appliance.name, prediction, ACTIVE_HOURS)
        day = _find_busiest(recording, appliance.name, prediction, 24.0)
        metrics = evaluation.metrics[appliance.name]
        for column, (first, end), what in (
            (0, hours, "most active hours"),
            (1, day, "most active day"),
        ):
            _draw_panel(
                grid[2 * i, column],
                grid[2 * i + 1, column],
                recording,
                appliance.name,
                prediction,
                first,
                end,
            )
            title = f"{appliance.label}, {format_house(recording.house)}: {what}"
            grid[2 * i, column].set_title(title, loc="left", fontsize=11)
        zero = evaluation.baselines["zero"][appliance.name]["mae_w"]
        text = f"MAE {metrics['mae_w']:.1f} W (zero predictor {zero:.1f} W)"
        if metrics["f1"] is not None:
            text += f", F1 {metrics['f1']:.2f}"
        grid[2 * i + 1, 0].set_title(text, fontsize=10, loc="left")
    _save(figure, path)


def save_spp_plot(courses: Mapping[str, ProbabilityHistory], title: str, path: str | Path) -> None:
    """Write the picture of `spp_figure`."""
    _save(spp_figure(courses, title), path)


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
    _save(figure, path)


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
            text = (
                f"{name}: {format_number(constant)} {panel.quantity.rpartition(', ')[2]}, off the"
                " scale"
            )
            axes.text(
                0.985,
                0.985,
                text,
                transform=axes.transAxes,
                ha="right",
                va="top",
                fontsize=8.5,
                color="#444444",
            )
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
    """Accuracy against size, the front as a line, what does not fit hollow, the chosen one starred
    and named.
    """
    figure = Figure(figsize=(8.4, 5.2), layout="constrained")
    axes = figure.add_subplot()
    front = sorted(point for point in points if point.front)
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
    _save(figure, path)


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
    _save(figure, path, 200)


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
            [left for left, _ in ordered], means, bars, color=colour, marker=marker, ms=7, mec="white", mew=0.8, lw=1.8,
            elinewidth=1.2, capsize=3, label=name.replace("_", " "), zorder=3,
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
            said = f"{name}: {constant:,.0f} {panel.quantity.rpartition(', ')[2]}, off the scale"
            axes.text(
                0.985,
                0.985,
                said,
                transform=axes.transAxes,
                ha="right",
                va="top",
                fontsize=10,
                color="#555555",
            )
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


def add_legend_below(
    figure: Figure, drawn: Sequence[Axes], columns: int = 6, size: float = 9.5
) -> None:
    """One legend below all panels, each name once."""
    handles = {
        label: handle
        for axes in drawn
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    columns = min(len(handles), columns)
    figure.legend(
        handles.values(),
        handles,
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=size,
    )


def _find_most_used(evaluation: Evaluation, name: str, column: int) -> tuple[Recording, Watts]:
    pairs = zip(evaluation.recordings, evaluation.predictions_w, strict=True)
    recording, prediction = max(pairs, key=lambda pair: float(np.nansum(pair[0].appliance_w(name))))
    return recording, prediction[:, column]


def _find_busiest(
    recording: Recording, name: str, prediction_w: Watts, hours: float
) -> tuple[int, int]:
    """The span of so many hours in which the appliance used most, among samples with a prediction."""
    length = min(max(int(hours * 3600 / recording.period_s), 1), len(recording))
    power = np.where(np.isnan(prediction_w), 0, np.nan_to_num(recording.appliance_w(name))).astype(
        np.float64
    )
    total = np.concatenate(([0.0], np.cumsum(power)))
    step = max(length // 50, 1)
    sums = total[length::step] - total[: len(total) - length : step]
    first = int(np.argmax(sums)) * step
    return first, first + length


def _draw_panel(
    top: Axes,
    bottom: Axes,
    recording: Recording,
    name: str,
    prediction_w: Watts,
    first: int,
    end: int,
) -> None:
    span = slice(first, end)
    times: Any
    if recording.start is None:
        times = np.arange(first, end) * recording.period_s / 3600
        bottom.set_xlabel("hours from the start")
    else:
        times = [datetime.fromtimestamp(t, UTC) for t in recording.times_s()[span]]
    top.plot(times, recording.mains_w[span], color=MAINS, lw=0.9, label="mains")
    bottom.plot(times, recording.appliance_w(name)[span], color=TRUTH, lw=1.4, label="measured")
    bottom.plot(times, prediction_w[span], color=PREDICTION, lw=1.1, label="predicted", alpha=0.9)
    if recording.start is not None:
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        bottom.xaxis.set_major_locator(locator)
        bottom.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    for axes in (top, bottom):
        axes.set_ylabel("W")
        axes.set_ylim(0, axes.get_ylim()[1])
        axes.grid(alpha=0.25)
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=2,
            frameon=False,
            fontsize=9,
            borderaxespad=0.2,
            handlelength=1.5,
        )


def _save(figure: Figure, path: str | Path, dpi: int = 110) -> None:
    with atomic_write(path) as beside:
        figure.savefig(beside, dpi=dpi)
