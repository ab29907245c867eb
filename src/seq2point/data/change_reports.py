"""Meters that report changes alone: what shows them, and how long one of their readings holds."""

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import JUMP_S, USUAL_STEPS, Times, find_median_step_s, is_regular

FEWEST_READINGS = 8  # so few show no pace, but to who knows that they are changes
FEWEST_BETWEEN = 8  # shorter steps, and fewer say nothing of what comes between heartbeats
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


def reports_changes(
    times_s: Times, values: npt.NDArray[np.float64], *, on_change: bool = False
) -> bool:
    """Return whether ascending readings are changes alone: at irregular times, and nearly none
    equal to the one before, unless `on_change` is known.

    A meter may repeat its reading after a certain time without a change.
    """
    if len(times_s) < (2 if on_change else FEWEST_READINGS):
        return on_change
    if is_steady(times_s) or (_jitters(times_s) and not on_change):
        return False
    equal, steps = np.diff(values) == 0, np.diff(times_s)
    between = steps < HEARTBEAT * np.quantile(steps, LATEST)
    if between.sum() >= max(FEWEST_BETWEEN, SHARE_BETWEEN * len(steps)):
        equal = equal[between]
    return on_change or float(equal.mean()) <= REPEATED


def is_steady(times_s: Times) -> bool:
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
