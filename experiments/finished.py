"""How soon an end can be told by an appliance's own power, in every home of the data.

    python -m experiments finished      a minute

By the plug alone, the last DAYS days of each home: how often a pause of so many minutes in a
programme is its end, how often heating that ends after half an hour is the last, and how long the
programme goes on then (10, 50 and 90 %). No estimate from the mains tells an end more surely.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.household import HOMES
from experiments.tables import print_table
from seq2point.appliances import APPLIANCES, Appliance
from seq2point.data.table import load_recording
from seq2point.recording import Watts
from seq2point.recording.on_off import Flags, count_samples, find_runs

DAYS = 365
LEAST_MINUTES = 30
"""A shorter programme is none: somebody has opened the door."""
HEATING_W = 800.0
SHORT_MINUTES = 2
PAUSES = (1, 3, 5, 10)

Minutes = npt.NDArray[np.int64]


class Programmes(NamedTuple):
    """The programmes of an appliance: how many, their inner pauses in minutes, how often heating
    ends after half an hour, how often that is the last time, and the minutes from then on.
    """

    number: int
    pauses: Minutes
    heatings: int
    last_heatings: int
    after: Minutes


def measure(power_w: Watts, appliance: Appliance) -> Programmes:
    """Return the programmes in power f32[T] in watts at a minute."""
    on = _join_runs(power_w > appliance.on_power_w, count_samples(appliance.min_off_s, 60.0))
    on = [(first, end) for first, end in on if end - first >= LEAST_MINUTES]
    pauses: list[int] = []
    after: list[int] = []
    heatings = last_heatings = 0
    for first, end in on:
        programme_w = power_w[first:end]
        pauses += find_runs(programme_w <= appliance.on_power_w)[1].tolist()
        ends = [stop for _, stop in _join_runs(programme_w > HEATING_W, SHORT_MINUTES)]
        late = [stop for stop in ends if stop >= LEAST_MINUTES]
        heatings, last_heatings = heatings + len(late), last_heatings + bool(late)
        after += [end - first - stop for stop in ends[-1:]]
    return Programmes(len(on), np.array(pauses), heatings, last_heatings, np.array(after, np.int64))


def _join_runs(flags: Flags, pause: int) -> list[tuple[int, int]]:
    """Return the runs [first, end) of a flag, joined where they are at most `pause` apart."""
    runs: list[tuple[int, int]] = []
    for first, length in zip(*(each.tolist() for each in find_runs(flags)), strict=True):
        if runs and first - runs[-1][1] <= pause:
            runs[-1] = runs[-1][0], first + length
        else:
            runs.append((first, first + length))
    return runs


def main() -> None:
    """Print a row for each appliance and home."""
    headings = ["appliance", "home", "programmes", *(f"quiet for {k} min" for k in PAUSES)]
    headings += ["heating's end is the last", "minutes after the last"]
    rows = []
    for name in ("dishwasher", "washing_machine"):
        appliance = APPLIANCES[name]
        for file, label in HOMES.items():
            path = Path(os.environ["SEQ2POINT_DATA"]) / f"{file}.parquet"
            whole = load_recording(path, period_s=60.0)
            if name not in whole.appliances_w:
                continue
            recording = whole.slice(max(len(whole) - DAYS * 1440, 0), len(whole))
            power_w = np.nan_to_num(recording.appliance_w(name))
            found = measure(power_w, appliance)
            ends = [found.number / (found.number + (found.pauses >= k).sum()) for k in PAUSES]
            ends.append(found.last_heatings / max(found.heatings, 1))
            shares = [f"{each:.0%}" for each in ends]
            low, middle, high = np.percentile(found.after, [10, 50, 90])
            spread = f"{low:.0f}, {middle:.0f}, {high:.0f}"
            rows.append([appliance.label, label, str(found.number), *shares, spread])
    print_table("How often quiet is the end, and minutes after heating", headings, rows, labels=2)
