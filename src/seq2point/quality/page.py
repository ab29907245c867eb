"""The page of a quality report: one picture of a recording, with the findings below."""

import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from seq2point.appliances import look_up_appliance
from seq2point.errors import UsageError
from seq2point.quality.channels import format_time
from seq2point.quality.quality_report import QualityReport
from seq2point.recording import Recording, Watts, format_house
from seq2point.system.atomic_files import atomic_write
from seq2point.wording import format_seconds

ENDINGS = (".png", ".pdf", ".svg")
MAINS, GAP = "#8a8f98", "#ffffff"
COLOURS = (
    "#0072b2",
    "#d17d00",
    "#009e73",
    "#c96fae",
    "#c84a00",
    "#2f97d6",
    "#43297f",
    "#565800",
)
"""Those of a home's page on a light ground, in its order."""
CELLS = 400  # stretches in a strip of mean power
BARS = 120  # bars of energy at most
HALF_SPAN_H = 1.0  # an activation is drawn with so many hours before and after
COLUMNS = 5  # channels beside one another
LETTERS = 150  # of a line of findings
JUMPING_TICKS = 5
"""Dates on the time axis of a recording with time jumps; each is written in full."""

Rows = npt.NDArray[np.float64]


def check_page_ending(path: Path) -> None:
    """Raise UsageError for a page of an unknown format, before anything is computed."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(f"{path}: unknown format of a page: choose one of {', '.join(ENDINGS)}")


def save_page(report: QualityReport, recording: Recording, path: str | Path) -> None:
    """Write the page of a recording."""
    figure = draw_page(report, recording)
    with atomic_write(path) as beside:
        figure.savefig(beside, dpi=100)


def draw_page(report: QualityReport, recording: Recording) -> Figure:
    """Return the page of a recording as a figure.

    It shows power and gaps over all days, energy and the clocks' lags, for each channel its powers
    and an activation with the mains behind, and the findings in words. Without lags, as for mains
    alone, it shows the powers of the mains and their hours of the day.
    """
    channels = {
        name: power_w
        for name, power_w in recording.appliances_w.items()
        if not np.isnan(power_w).all()
    }
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(channels)}
    lines = [
        line
        for text in _describe_report(report)
        for line in textwrap.wrap(text, LETTERS, subsequent_indent="    ")
    ]
    rows, columns = -(-len(channels) // COLUMNS), min(max(len(channels), 1), COLUMNS)
    heights = [0.9 + 0.28 * (len(channels) + 1), 2.6, *[1.9] * (2 * rows), 0.1 + 0.19 * len(lines)]
    figure = Figure(figsize=(13.5, sum(heights) + 1.1), layout="constrained")
    parts = figure.add_gridspec(len(heights), 1, height_ratios=heights)
    _draw_strips(figure.add_subplot(parts[0]), recording, channels)
    lagged = any(report.lags.values())
    ratios = [1, 1] if lagged else [2, 1, 1]
    energy, *others = (
        parts[1].subgridspec(1, len(ratios), width_ratios=ratios).subplots(squeeze=False)[0]
    )
    _draw_energy(energy, recording, channels, colours)
    if lagged:
        _draw_lags(others[0], report, recording, colours)
    else:
        _draw_hours(others[0], recording)
        _draw_powers(others[1], "mains", recording.mains_w, MAINS)
        others[1].set_title("powers of the mains", loc="left", fontsize=10)
    names = list(channels)
    for row in range(rows):
        powers = parts[2 + 2 * row].subgridspec(1, columns).subplots(squeeze=False)[0]
        activations = parts[3 + 2 * row].subgridspec(1, columns).subplots(squeeze=False)[0]
        for i in range(columns):
            if row * COLUMNS + i >= len(names):
                powers[i].axis("off")
                activations[i].axis("off")
                continue
            name = names[row * COLUMNS + i]
            _draw_powers(powers[i], name, channels[name], colours[name])
            _draw_activation(activations[i], recording, channels[name], colours[name], first=i == 0)
        powers[0].set_ylabel("readings", fontsize=8)
    below = figure.add_subplot(parts[-1])
    below.axis("off")
    below.text(
        0, 1, "\n".join(lines), va="top", fontsize=9, transform=below.transAxes, linespacing=1.35
    )
    dataset = f"{report.dataset} " if report.dataset else ""
    figure.suptitle(
        f"{dataset}{format_house(report.house)}: {Path(report.file).name}, {report.days:,.1f} days,"
        f" a reading every {format_seconds(report.period_s)}",
        x=0.01,
        ha="left",
        fontsize=13,
        weight="bold",
    )
    return figure


def _describe_report(report: QualityReport) -> list[str]:
    serious = [finding for finding in report.findings if finding.severity != "info"]
    if not serious:
        return ["No errors and no warnings."]
    lines = []
    for finding in serious:
        channel = f"{finding.channel.replace('_', ' ')}: " if finding.channel else ""
        text = f"{channel}{finding.figure}; {finding.advice}"
        lines.append(f"{finding.severity.upper()}  {text}")
    return lines


def _label_time_axis(axes: Axes, recording: Recording) -> None:
    """Label the days from the start with dates, where the file has times. Jumps take no space."""
    axes.set_xlim(0, recording.days)
    if recording.start is None:
        axes.set_xlabel("days from the start")
        return
    times_s = recording.times_s()
    first, last = (
        datetime.fromtimestamp(time_s, UTC)
        for time_s in (times_s[0], times_s[-1] + recording.period_s)
    )
    if recording.jumps:
        days = np.arange(0, recording.days, max(-(-recording.days // JUMPING_TICKS), 1))
        samples = (days * 86400 / recording.period_s).astype(np.int64)
        axes.set_xticks(
            days, [f"{datetime.fromtimestamp(times_s[sample], UTC):%Y-%m-%d}" for sample in samples]
        )
    else:
        locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
        ticks = locator.tick_values(first, last)  # type: ignore[no-untyped-call]
        dates = [date for date in ticks if times_s[0] <= 86400 * date <= times_s[-1]]
        labels = ConciseDateFormatter(locator).format_ticks(dates)  # type: ignore[no-untyped-call]
        axes.set_xticks([date - times_s[0] / 86400 for date in dates], labels)
    axes.set_xlabel(
        " to ".join(dict.fromkeys(f"{date:%Y-%m-%d}" for date in (first, last))), fontsize=9
    )


def _average_cells(power_w: Watts, cells: int) -> Rows:
    """Return the mean of each of `cells` equal stretches, NaN where more than half is missing."""
    edges = np.linspace(0, len(power_w), cells + 1).astype(np.int64)
    known = ~np.isnan(power_w)
    total = np.concatenate(([0.0], np.cumsum(np.where(known, power_w, 0), dtype=np.float64)))
    count = np.concatenate(([0], np.cumsum(known)))
    enough = np.diff(count[edges]) * 2 >= np.diff(edges)
    return np.where(enough, np.diff(total[edges]) / np.maximum(np.diff(count[edges]), 1), np.nan)


def _draw_strips(axes: Axes, recording: Recording, channels: dict[str, Watts]) -> None:
    series = {"mains": recording.mains_w, **channels}
    cells = min(CELLS, max(len(recording) // 10, 1))
    rows = np.stack([_average_cells(power_w, cells) for power_w in series.values()])
    rows /= np.maximum(np.nanpercentile(rows, 98, axis=1, keepdims=True), 1e-9)
    axes.set_facecolor("#f3d9cf")
    days = recording.days
    axes.imshow(
        rows**0.5,
        aspect="auto",
        extent=(0, days, len(series), 0),
        cmap="Blues",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    axes.set_yticks(np.arange(len(series)) + 0.5, [name.replace("_", " ") for name in series])
    for jump in recording.jumps:
        axes.axvline(jump.sample * recording.period_s / 86400, color="black", lw=1, ls=":")
    _label_time_axis(axes, recording)
    axes.set_title(
        "mean power, from white to each channel's highest; missing readings are red"
        + ("; a jump in time is dotted" if recording.jumps else ""),
        loc="left",
        fontsize=10,
    )


def _draw_energy(
    axes: Axes, recording: Recording, channels: dict[str, Watts], colours: dict[str, str]
) -> None:
    bars = int(min(max(recording.days, 1), BARS))
    width = recording.days / bars
    middle = (np.arange(bars) + 0.5) * width
    below = np.zeros(bars)
    for name, power_w in channels.items():
        kwh = np.nan_to_num(_average_cells(power_w, bars)) * 0.024
        axes.bar(
            middle, kwh, width, bottom=below, color=colours[name], label=name.replace("_", " ")
        )
        below += kwh
    edges = np.linspace(0, recording.days, bars + 1)
    axes.stairs(
        _average_cells(recording.mains_w, bars) * 0.024,
        edges,
        baseline=None,
        color="black",
        lw=1,
        label="mains",
    )
    _label_time_axis(axes, recording)
    axes.set_ylabel("kWh a day")
    axes.set_title("energy", loc="left", fontsize=10)
    axes.set_ylim(0, (1.4 if channels else 1.1) * axes.get_ylim()[1])
    if channels:
        axes.legend(fontsize=8, frameon=False, ncols=3, loc="upper left")


def _draw_lags(
    axes: Axes, report: QualityReport, recording: Recording, colours: dict[str, str]
) -> None:
    axes.axhspan(-recording.period_s, recording.period_s, color="#dddddd", label="a sample")
    for name, lags in report.lags.items():
        axes.plot(
            [lag.day for lag in lags],
            [lag.late_s for lag in lags],
            "o",
            ms=3,
            color=colours[name],
            label=name.replace("_", " "),
        )
    _label_time_axis(axes, recording)
    axes.set_ylabel("s")
    axes.set_title("delay of the clocks behind that of the mains", loc="left", fontsize=10)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.5 * (high - low))
    axes.legend(fontsize=8, frameon=False, ncols=3, loc="upper left")
    axes.grid(alpha=0.25)


def _draw_hours(axes: Axes, recording: Recording) -> None:
    """Draw the mains by hour of the day: the median, and the range of four days in five."""
    hours = (recording.times_s() % 86400 / 3600).astype(np.int64)
    by_hour = [
        recording.mains_w[(hours == hour) & ~np.isnan(recording.mains_w)] for hour in range(24)
    ]
    low, middle, high = (
        [float(np.percentile(powers_w, share)) if len(powers_w) else np.nan for powers_w in by_hour]
        for share in (10, 50, 90)
    )
    axes.fill_between(
        range(24), low, high, color=MAINS, alpha=0.3, lw=0, step="mid", label="10 to 90 %"
    )
    axes.step(range(24), middle, where="mid", color="black", lw=1, label="median")
    axes.set(xlim=(-0.5, 23.5), xticks=range(0, 24, 6), ylabel="W")
    axes.set_ylim(0, 1.3 * axes.get_ylim()[1])
    axes.set_xlabel(
        "hour of the day, UTC" if recording.start else "hours from the start, modulo a day",
        fontsize=8,
    )
    axes.set_title("mains by the hour", loc="left", fontsize=10)
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="upper left")
    axes.tick_params(labelsize=8)


def _draw_powers(axes: Axes, name: str, power_w: Watts, colour: str) -> None:
    high = power_w[power_w > 5]
    if len(high):
        axes.hist(high, bins=60, color=colour, log=True, histtype="stepfilled")
        axes.minorticks_off()
    if row := look_up_appliance(name):
        axes.axvline(row.on_power_w, color="black", lw=1, ls="--")
        axes.axvline(row.max_power_w, color="black", lw=1, ls=":")
    axes.set_title(name.replace("_", " "), loc="left", fontsize=10)
    axes.set_xlabel("W" + (", on -- and highest ·· of the table" if row else ""), fontsize=8)
    axes.tick_params(labelsize=8)


def _draw_activation(
    axes: Axes, recording: Recording, power_w: Watts, colour: str, first: bool
) -> None:
    """Draw two hours around a strong activation of the channel, with the mains behind."""
    half = max(int(HALF_SPAN_H * 3600 / recording.period_s), 5)
    before = np.concatenate(([0.0], np.cumsum(np.nan_to_num(power_w), dtype=np.float64)))
    length = min(half, len(power_w))
    energy = before[length:] - before[:-length]
    # half a percent of the stretches have more energy: the very strongest is no typical one
    strong = np.argsort(energy)[-max(len(energy) // 200, 1)]
    middle = int(strong) + length // 2
    span = slice(max(middle - half, 0), min(middle + half, len(power_w)))
    hours = (np.arange(span.start, span.stop) - span.start) * recording.period_s / 3600
    axes.fill_between(
        hours, recording.mains_w[span], color=MAINS, alpha=0.45, lw=0, step="mid", label="mains"
    )
    axes.step(hours, power_w[span], where="mid", color=colour, lw=1.2)
    powers_w: Any = np.concatenate((power_w[span], recording.mains_w[span]))
    axes.set(ylim=(0, max(float(np.nanmax(np.nan_to_num(powers_w))) * 1.05, 1)))
    axes.set_xlabel(f"h, from {format_time(recording, span.start)}", fontsize=8)
    axes.tick_params(labelsize=8)
    if first:
        axes.set_ylabel("W")
        axes.legend(fontsize=8, frameon=False, loc="upper right")
