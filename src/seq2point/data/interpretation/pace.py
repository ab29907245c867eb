"""The pace of a meter: readings at regular times, or on change alone."""

from typing import NamedTuple

import numpy as np

from seq2point.data.change_reports import is_steady, reports_changes, suggest_hold_s
from seq2point.data.grid import drop_repeats, find_median_step_s
from seq2point.data.interpretation.interpretation import SeriesReading, TimeReading
from seq2point.data.interpretation.sample import Sample
from seq2point.data.interpretation.sensor_key import Key, find_rows
from seq2point.data.interpretation.time_columns import find_times_s

OFTEN_KNOWN = 0.5  # rows of regular times hold a reading, where a meter reports at regular times
PLUG_HOLD_S = 86_400.0
"""How long a plug's reading holds: it says nothing while its appliance is off."""


class Pace(NamedTuple):
    """The usual time between readings, None without times, and how long a reading holds, None for
    a meter that reports at regular times.
    """

    step_s: float | None
    hold_s: float | None


def measure_pace(
    sample: Sample,
    time: TimeReading | None,
    mains: SeriesReading,
    key: Key,
    hold_s: float | None = None,
    *,
    on_change: bool = False,
) -> Pace:
    """Return the pace of the mains in a sample. `hold_s` is what the user says, 0 for no hold.

    `on_change` says that the format writes changes alone, at whatever times they come.
    """
    times_s = find_times_s(sample, time)
    if times_s is None:
        return Pace(None, None)
    values = sample.add_up(mains.columns, mains.signs)
    here = np.isfinite(times_s) & find_rows(sample, key, mains.sensor)
    order = np.argsort(times_s[here], kind="stable")
    times_s, values = times_s[here][order], values[here][order]
    known = np.isfinite(values)
    rows_s, times_s, values = times_s, times_s[known], values[known]
    step_s = find_median_step_s(drop_repeats(times_s)) or None
    if hold_s is not None:
        return Pace(step_s, hold_s or None)
    if "period_s" in sample.file.metadata:
        return Pace(step_s, None)
    if known.mean() >= OFTEN_KNOWN and is_steady(rows_s):
        return Pace(step_s, None)
    if mains.measures != "power" or not reports_changes(times_s, values, on_change=on_change):
        return Pace(step_s, None)
    return Pace(step_s, suggest_hold_s(times_s))
