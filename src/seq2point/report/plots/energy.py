"""The picture of a home's energy: kWh by day as stacked bars, and the day of most use."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from seq2point.quality.page import COLOURS
from seq2point.recording import Recording, Watts
from seq2point.report.plots.style import MAINS, add_legend_below, save_figure

MOST_BARS = 100
"""With more days a bar is a week, and the mean of its days is drawn."""


def save_energy_plot(
    table: pl.DataFrame,
    recording: Recording,
    power_w: Mapping[str, Watts],
    zone: str,
    path: str | Path,
) -> None:
    """Draw the table of `tabulate_daily_energy`, and the power of the day of most use."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    bars, day = figure.subplots(2, 1)
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(power_w)}
    _draw_bars(bars, table.filter(pl.col("name").is_in([*power_w])), colours)
    _draw_day(day, _find_busiest(table, power_w), recording, power_w, zone, colours)
    add_legend_below(figure, [bars, day])
    save_figure(figure, path)


def _draw_bars(axes: Axes, table: pl.DataFrame, colours: Mapping[str, str]) -> None:
    weekly = table["start"].n_unique() > MOST_BARS
    if weekly:
        table = table.group_by(pl.col("start").dt.truncate("1w"), "name", maintain_order=True).agg(
            pl.col("kwh").mean()
        )
    wide = table.pivot(on="name", index="start", values="kwh").sort("start")
    bottom = np.zeros(len(wide))
    for name, colour in colours.items():
        kwh = wide[name].fill_null(0).to_numpy()
        label = name.replace("_", " ")
        axes.bar(
            wide["start"].to_list(), kwh, 6 if weekly else 0.8, bottom, color=colour, label=label
        )
        bottom = bottom + kwh
    axes.set_ylabel("kWh a day, by week" if weekly else "kWh")
    locator: Any = AutoDateLocator  # matplotlib has no types for either
    formatter: Any = ConciseDateFormatter
    axes.xaxis.set_major_formatter(formatter(locator()))


def _find_busiest(table: pl.DataFrame, power_w: Mapping[str, Watts]) -> object:
    """Return the local date on which the appliances used most."""
    of_appliances = table.filter(pl.col("name").is_in([*power_w]))
    days = of_appliances.group_by("start", maintain_order=True).agg(pl.col("kwh").sum())
    return days["start"][int(days["kwh"].arg_max() or 0)]


def _draw_day(
    axes: Axes,
    date: object,
    recording: Recording,
    power_w: Mapping[str, Watts],
    zone: str,
    colours: Mapping[str, str],
) -> None:
    place = ZoneInfo(zone)
    times_s = recording.times_s()
    noon = datetime.fromisoformat(f"{date}T12:00").replace(tzinfo=place).timestamp()
    near = np.flatnonzero(np.abs(times_s - noon) < 14 * 3600)
    times = [datetime.fromtimestamp(second, place) for second in times_s[near].tolist()]
    inside = [i for i, time in enumerate(times) if time.date() == date]
    samples, hours = near[inside], [_to_hours(times[i]) for i in inside]
    axes.plot(hours, recording.mains_w[samples], color=MAINS, lw=0.8, label="mains")
    for name, colour in colours.items():
        axes.fill_between(hours, power_w[name][samples], color=colour, alpha=0.8, lw=0)
    axes.set_ylabel("W")
    axes.set_xlabel(f"hour of {date} ({zone})")
    axes.set_xlim(0, 24)


def _to_hours(time: datetime) -> float:
    return time.hour + time.minute / 60 + time.second / 3600
