"""The picture of a home's energy: kWh by day as stacked bars, and the day of most use."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seq2point.quality.page import COLOURS
from seq2point.recording import Recording, Watts
from seq2point.report.plots.style import MAINS, add_legend_below, save_figure

MOST_BARS = 100
"""With more days a bar is a week, and the mean of its days is drawn."""
MOST_DATES = 10
HEADROOM = 1.05
"""The axis goes so far beyond the tallest bar."""
FEWEST_PLACES = 7
"""With fewer days the bars stay as narrow as for so many."""


def save_energy_plot(
    table: pl.DataFrame,
    recording: Recording,
    power_w: Mapping[str, Watts],
    zone: str,
    path: str | Path,
) -> None:
    """Write the picture of a home's energy: see `energy_figure`."""
    save_figure(energy_figure(table, recording, power_w, zone), path)


def energy_figure(
    table: pl.DataFrame, recording: Recording, power_w: Mapping[str, Watts], zone: str
) -> Figure:
    """Draw the table of `tabulate_daily_energy`, and the power of the day of most use."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    bars, day = figure.subplots(2, 1)
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(power_w)}
    _draw_bars(bars, table.filter(pl.col("name").is_in([*power_w])), colours)
    _draw_day(day, _find_busiest(table, power_w), recording, power_w, zone, colours)
    add_legend_below(figure, [bars, day])
    return figure


def _draw_bars(axes: Axes, table: pl.DataFrame, colours: Mapping[str, str]) -> None:
    weekly = table["start"].n_unique() > MOST_BARS
    if weekly:
        table = table.group_by(pl.col("start").dt.truncate("1w"), "name", maintain_order=True).agg(
            pl.col("kwh").mean()
        )
    wide = table.pivot(on="name", index="start", values="kwh").sort("start")
    starts = wide["start"].to_list()
    places = np.arange(len(starts))
    bottom = np.zeros(len(wide))
    for name, colour in colours.items():
        kwh = wide[name].fill_null(0).to_numpy()
        axes.bar(places, kwh, 0.8, bottom, color=colour, label=name.replace("_", " "))
        bottom = bottom + kwh
    axes.set_ylabel("kWh a day, by week" if weekly else "kWh a day")
    axes.set_ylim(0, float(bottom.max()) * HEADROOM or None)
    axes.set_xlim(-0.6, max(len(starts), FEWEST_PLACES) - 0.4)
    _name_days(axes, starts, 7 if weekly else 1)


def _name_days(axes: Axes, starts: Sequence[date], step: int) -> None:
    """Write dates below bars that stand side by side; a line is where days are left out."""
    breaks = [i for i, (a, b) in enumerate(pairwise(starts), 1) if (b - a).days > step]
    for place in breaks:
        axes.axvline(place - 0.5, color=MAINS, lw=1, ls=":")
    every = -(-len(starts) // MOST_DATES)
    shown = sorted({*breaks, *range(0, len(starts), every)})
    shown = [i for i in shown if i in breaks or not any(0 < abs(i - j) < every for j in breaks)]
    years = {starts[i].year for i in shown}
    names = [f"{starts[i].day} {starts[i]:%b}" for i in shown]
    if len(years) > 1:
        names = [f"{name}\n{starts[i].year}" for name, i in zip(names, shown, strict=True)]
    axes.set_xticks(shown, names)


def _find_busiest(table: pl.DataFrame, power_w: Mapping[str, Watts]) -> date:
    """Return the local date on which the appliances used most."""
    of_appliances = table.filter(pl.col("name").is_in([*power_w]))
    days = of_appliances.group_by("start", maintain_order=True).agg(pl.col("kwh").sum())
    busiest: date = days["start"][int(days["kwh"].arg_max() or 0)]
    return busiest


def _draw_day(
    axes: Axes,
    day: date,
    recording: Recording,
    power_w: Mapping[str, Watts],
    zone: str,
    colours: Mapping[str, str],
) -> None:
    place = ZoneInfo(zone)
    times_s = recording.times_s()
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=place).timestamp()
    near = np.flatnonzero(np.abs(times_s - noon) < 14 * 3600)
    times = [datetime.fromtimestamp(second, place) for second in times_s[near].tolist()]
    inside = [i for i, time in enumerate(times) if time.date() == day]
    samples, hours = near[inside], [_to_hours(times[i]) for i in inside]
    axes.plot(hours, recording.mains_w[samples] / 1000, color=MAINS, lw=0.8, label="mains")
    for name, colour in colours.items():
        axes.fill_between(hours, power_w[name][samples] / 1000, color=colour, alpha=0.8, lw=0)
    axes.set_ylabel("kW")
    axes.set_xlabel(f"{day:%A} {day.day} {day:%B} {day.year}, the day of most use ({zone})")
    axes.set_xlim(0, 24)
    axes.set_ylim(bottom=0)
    axes.set_xticks(range(0, 25, 3), [f"{hour}:00" for hour in range(0, 25, 3)])


def _to_hours(time: datetime) -> float:
    return time.hour + time.minute / 60 + time.second / 3600
