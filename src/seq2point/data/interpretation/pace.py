"""The pace of a meter: readings at regular times, or on change alone."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import (
    JUMP_S,
    USUAL_STEPS,
    Times,
    drop_repeats,
    find_median_step_s,
    is_regular,
)
from seq2point.data.interpretation.interpretation import SeriesReading, TimeReading
from seq2point.data.interpretation.sample import Sample
from seq2point.data.interpretation.sensor_key import Key, find_rows
from seq2point.data.interpretation.time_columns import find_times_s

FEWEST_READINGS = 8  # so few show no pace, but to who knows that they are changes
FEWEST_BETWEEN = 8  # shorter steps, and fewer say nothing of what comes between heartbeats
OFTEN_KNOWN = 0.5  # rows of regular times hold a reading, where a meter reports at regular times
JITTER = 1.5  # steps of a clock that jitters are this many times longer or shorter than usual,
OFTEN = 0.1  # but for such a share at either end
REPEATED = 0.02  # readings that equal the one before, where a meter reports changes alone
HEARTBEAT = 0.75  # a step shorter than this share of the longest is no heartbeat
SHARE_BETWEEN = 0.1  # the share of shorter steps, by which changes between heartbeats show
OFTEN_LONGER = 0.2  # steps longer than usual, where a meter does not report at regular times
LATEST = 0.95  # the share of steps that a hold covers,
HOLD_STEPS = 3.0  # three times over
LONGEST_HOLD_S = 6 * 3600.0
SHORTEST_HOLD_S = 60.0
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
    if known.mean() >= OFTEN_KNOWN and _is_regular(rows_s):
        return Pace(step_s, None)
    if mains.measures != "power" or not reports_changes(times_s, values, on_change=on_change):
        return Pace(step_s, None)
    return Pace(step_s, suggest_hold_s(times_s))


def reports_changes(
    times_s: Times, values: npt.NDArray[np.float64], *, on_change: bool = False
) -> bool:
    """Return whether ascending readings are changes alone: at irregular times, and nearly none
    equal to the one before, unless `on_change` is known.

    A meter may repeat its reading after a certain time without a change.
    """
    if len(times_s) < (2 if on_change else FEWEST_READINGS):
        return on_change
    if _is_regular(times_s) or (_jitters(times_s) and not on_change):
        return False
    equal, steps = np.diff(values) == 0, np.diff(times_s)
    between = steps < HEARTBEAT * np.quantile(steps, LATEST)
    if between.sum() >= max(FEWEST_BETWEEN, SHARE_BETWEEN * len(steps)):
        equal = equal[between]
    return on_change or float(equal.mean()) <= REPEATED


def _is_regular(times_s: Times) -> bool:
    """Return whether ascending times are regular, and few of them missing."""
    step_s = find_median_step_s(times_s)
    if not step_s:
        return True
    longer = float((np.diff(times_s) > USUAL_STEPS * step_s).mean())
    return is_regular(times_s, step_s) and longer < OFTEN_LONGER


def _jitters(times_s: Times) -> bool:
    """Return whether the steps of ascending times are those of one clock, none of them long."""
    steps, step_s = np.diff(times_s), find_median_step_s(times_s)
    short_s, long_s = np.quantile(steps, [OFTEN, 1 - OFTEN])
    is_even = step_s / JITTER <= short_s and long_s <= JITTER * step_s
    return is_even and float((steps > USUAL_STEPS * step_s).mean()) <= REPEATED


def suggest_hold_s(times_s: Times) -> float:
    """Return how long a reading holds by the meter's own steps: three times what nearly all of
    them take, from a minute to six hours.
    """
    steps = np.diff(times_s)
    steps = steps[steps <= max(LONGEST_HOLD_S, JUMP_S)]
    usual_s = float(np.quantile(steps, LATEST)) if len(steps) else SHORTEST_HOLD_S
    return float(np.ceil(np.clip(HOLD_STEPS * usual_s, SHORTEST_HOLD_S, LONGEST_HOLD_S)))
