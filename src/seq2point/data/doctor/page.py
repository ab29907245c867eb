"""The doctor's page: one picture of a recording, to see with one's own eyes what the findings say."""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2point.appliances import known
from seq2point.data.doctor.report import Report
from seq2point.errors import UsageError
from seq2point.files import written_whole
from seq2point.recording import Recording, Watts, house_label
from seq2point.wording import format_seconds

ENDINGS = (".png", ".pdf", ".svg")
MAINS, GAP = "#8a8f98", "#ffffff"
COLOURS = ("#1f6fb4", "#d9541e", "#6aa84f", "#8e5ea2", "#c9a227", "#3aa6a0", "#c2578b", "#7a5c3e", "#4d6fa8", "#9aa83a")
CELLS, BARS, HALF_SPAN_H = 400, 120, 1.0
COLUMNS, LETTERS = 5, 150

Rows = npt.NDArray[np.float64]


def check_ending(path: Path) -> None:
    """Refuse a page of an unknown kind, before anything is computed."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: a page is written as {', '.join(ENDINGS)}")


def draw(report: Report, recording: Recording, path: str | Path) -> None:
    """Write the page of a recording.

    Power and gaps over all days; energy and lags over them; for each channel its powers and a use of it, with the mains behind;
    and the findings in words.
    """
    channels = {name: power_w for name, power_w in recording.appliances_w.items() if not np.isnan(power_w).all()}
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(channels)}
    lines = [line for text in _words(report) for line in textwrap.wrap(text, LETTERS, subsequent_indent="    ")]
    rows, columns = -(-len(channels) // COLUMNS), min(max(len(channels), 1), COLUMNS)
    heights = [0.9 + 0.28 * (len(channels) + 1), 2.6, *[1.9] * (2 * rows), 0.3 + 0.17 * len(lines)]
    figure = Figure(figsize=(13.5, sum(heights) + 1.1), layout="constrained")
    parts = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    top = figure.add_subplot(parts[0])
    energy, lags = parts[1].subgridspec(1, 2).subplots(squeeze=False)[0]
    _strips(top, recording, channels)
    _energy(energy, recording, channels, colours)
    _lags(lags, report, recording, colours)
    names = list(channels)
    for row in range(rows):
        powers = parts[2 + 2 * row].subgridspec(1, columns).subplots(squeeze=False)[0]
        used = parts[3 + 2 * row].subgridspec(1, columns).subplots(squeeze=False)[0]
        for i in range(columns):
            if row * COLUMNS + i >= len(names):
                powers[i].axis("off")
                used[i].axis("off")
                continue
            name = names[row * COLUMNS + i]
            _powers(powers[i], name, channels[name], colours[name])
            _a_use(used[i], recording, channels[name], colours[name], first=i == 0)
    below = figure.add_subplot(parts[-1])
    below.axis("off")
    below.text(0, 1, "\n".join(lines), va="top", fontsize=9, transform=below.transAxes, linespacing=1.35)
    what = f"{report.dataset} " if report.dataset else ""
    figure.suptitle(
        f"{what}{house_label(report.house)}: {Path(report.file).name}, {report.days:,.1f} days, "
        f"a reading every {format_seconds(report.period_s)}"
    )
    with written_whole(path) as beside:
        figure.savefig(beside, dpi=100)


def _words(report: Report) -> list[str]:
    grave = [f for f in report.findings if f.severity != "info"]
    if not grave:
        return ["No errors and no warnings."]
    return [
        f"{f.severity.upper()}  {f.channel.replace('_', ' ') + ': ' if f.channel else ''}{f.figure}. {f.advice}." for f in grave
    ]


def _days(recording: Recording) -> Rows:
    """Days from the start of every sample; time jumps are closed up."""
    return np.arange(len(recording)) * recording.period_s / 86400


def _folded(power_w: Watts, cells: int) -> Rows:
    """The mean of each of so many equal stretches, NaN where more than half of one is missing."""
    edges = np.linspace(0, len(power_w), cells + 1).astype(np.int64)
    known = ~np.isnan(power_w)
    total = np.concatenate(([0.0], np.cumsum(np.where(known, power_w, 0), dtype=np.float64)))
    count = np.concatenate(([0], np.cumsum(known)))
    enough = np.diff(count[edges]) * 2 >= np.diff(edges)
    return np.where(enough, np.diff(total[edges]) / np.maximum(np.diff(count[edges]), 1), np.nan)


def _strips(axes: Axes, recording: Recording, channels: dict[str, Watts]) -> None:
    series = {"mains": recording.mains_w, **channels}
    cells = min(CELLS, max(len(recording) // 10, 1))
    rows = np.stack([_folded(power_w, cells) for power_w in series.values()])
    rows /= np.maximum(np.nanpercentile(rows, 98, axis=1, keepdims=True), 1e-9)
    axes.set_facecolor("#f3d9cf")
    days = recording.days
    axes.imshow(rows**0.5, aspect="auto", extent=(0, days, len(series), 0), cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    axes.set_yticks(np.arange(len(series)) + 0.5, [name.replace("_", " ") for name in series])
    for jump in recording.jumps:
        axes.axvline(jump.sample * recording.period_s / 86400, color="black", lw=1, ls=":")
    start = f" from {recording.start:%Y-%m-%d}" if recording.start else ""
    axes.set(xlabel=f"days{start}")
    axes.set_title(
        "mean power over the days, from white to each channel's highest; missing readings are red; a jump in time is dotted",
        fontsize=9,
    )


def _energy(axes: Axes, recording: Recording, channels: dict[str, Watts], colours: dict[str, str]) -> None:
    bars = int(min(max(recording.days, 1), BARS))
    width = recording.days / bars
    middle = (np.arange(bars) + 0.5) * width
    below = np.zeros(bars)
    for name, power_w in channels.items():
        kwh = np.nan_to_num(_folded(power_w, bars)) * 0.024
        axes.bar(middle, kwh, width, bottom=below, color=colours[name], label=name.replace("_", " "))
        below += kwh
    axes.step(middle, _folded(recording.mains_w, bars) * 0.024, where="mid", color="black", lw=1, label="mains")
    axes.set(ylabel="kWh a day", xlabel="days", xlim=(0, recording.days), title="energy")
    axes.set_ylim(0, 1.4 * axes.get_ylim()[1])
    axes.legend(fontsize=8, frameon=False, ncols=3, loc="upper left")


def _lags(axes: Axes, report: Report, recording: Recording, colours: dict[str, str]) -> None:
    axes.axhspan(-recording.period_s, recording.period_s, color="#dddddd", label="a sample")
    for name, lags in report.lags.items():
        axes.plot(
            [lag.day for lag in lags], [lag.late_s for lag in lags], "o", ms=3, color=colours[name], label=name.replace("_", " ")
        )
    axes.set(xlim=(0, recording.days), xlabel="days", ylabel="s", title="how late the clocks are behind that of the mains")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.5 * (high - low))
    axes.legend(fontsize=8, frameon=False, ncols=3, loc="upper left")
    axes.grid(alpha=0.25)


def _powers(axes: Axes, name: str, power_w: Watts, colour: str) -> None:
    high = power_w[power_w > 5]
    if len(high):
        axes.hist(high, bins=60, color=colour, log=True, histtype="stepfilled")
        axes.minorticks_off()
    if row := known(name):
        axes.axvline(row.on_power_w, color="black", lw=1, ls="--")
        axes.axvline(row.max_power_w, color="black", lw=1, ls=":")
    axes.set_title(name.replace("_", " "), fontsize=10)
    axes.set_xlabel("W" + (", on -- and highest ·· of the table" if row else ""), fontsize=8)
    axes.tick_params(labelsize=8)


def _a_use(axes: Axes, recording: Recording, power_w: Watts, colour: str, first: bool) -> None:
    """Two hours around a high use of the channel, with the mains behind."""
    half = max(int(HALF_SPAN_H * 3600 / recording.period_s), 5)
    before = np.concatenate(([0.0], np.cumsum(np.nan_to_num(power_w), dtype=np.float64)))
    length = min(half, len(power_w))
    used = before[length:] - before[:-length]
    ranked = np.argsort(used)[-max(len(used) // 200, 1)]
    middle = int(ranked) + length // 2
    span = slice(max(middle - half, 0), min(middle + half, len(power_w)))
    hours = (np.arange(span.start, span.stop) - span.start) * recording.period_s / 3600
    axes.fill_between(hours, recording.mains_w[span], color=MAINS, alpha=0.45, lw=0, step="mid", label="mains")
    axes.step(hours, power_w[span], where="mid", color=colour, lw=1.2)
    shown: Any = np.concatenate((power_w[span], recording.mains_w[span]))
    axes.set(ylim=(0, max(float(np.nanmax(np.nan_to_num(shown))) * 1.05, 1)))
    axes.set_xlabel(f"h, from day {span.start * recording.period_s / 86400:.1f}", fontsize=8)
    axes.tick_params(labelsize=8)
    if first:
        axes.set_ylabel("W")
        axes.legend(fontsize=8, frameon=False, loc="upper right")
