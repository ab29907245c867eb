"""Counters of energy: which readings are one, and the power between its readings."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.metrics import HOUR_S

Numbers = npt.NDArray[np.float64]

FEWEST_READINGS = 4  # so few may rise by chance
RESETS = 0.001  # a counter falls in at most this share of its steps, when it is reset,
RESET_TO = 0.1  # to at most this share of what it counted
ABSURD_WH = 100_000.0  # no interval of a home has more
LARGE_RISE = 1.5  # of the smallest rises: one of a single digit is smaller
STILL_W = 5.0  # a counter that stands still shows that less than this was drawn
MOST_DIGITS = 6  # after the point: a thousandth of a Wh in kWh
ROUNDING = 1e-4  # of a digit, or of the smallest rise


class Counting(NamedTuple):
    """How a counter counts: the least that it shows, in its own unit, and the usual time between
    larger rises in seconds, None where there are none.
    """

    least_rise: float
    refresh_s: float | None

    def scale(self, factor: float) -> "Counting":
        """Return the same in another unit."""
        return Counting(self.least_rise * factor, self.refresh_s)


def rises_alone(values: Numbers, factor_wh: float) -> bool:
    """Return whether readings of energy f[N] are a counter rather than the energy of intervals.

    A counter never falls but when it is reset. Zeros alone are intervals without energy.
    `factor_wh` is how many Wh a reading of 1 is.
    """
    known = values[np.isfinite(values)]
    steps = np.diff(known)
    if len(known) < FEWEST_READINGS or not known.any():
        return False
    falls = np.flatnonzero(steps < 0)
    resets = len(falls) <= max(RESETS * len(steps), float((steps > 0).mean() > 0.5))
    if len(falls) and not (resets and (known[falls + 1] <= RESET_TO * known[falls]).all()):
        return False
    small = float(known.max()) * factor_wh < ABSURD_WH and not steps.any()
    return not small


def measure_counting(values: Numbers, times_s: Numbers) -> Counting | None:
    """Return how a counter counts, by readings f64[N] at times; None for one that never rises."""
    known = np.isfinite(values) & np.isfinite(times_s)
    values, times_s = values[known], times_s[known]
    changes = np.flatnonzero(np.diff(values) != 0) + 1
    rises = np.diff(values)[changes - 1]
    if not (rises > 0).any():
        return None
    least = _find_least_rise(values, rises[rises > 0])
    spans_s = np.diff(times_s[changes])
    large = rises[1:] > LARGE_RISE * least
    refresh_s = float(np.median(spans_s[large])) if large.any() else None
    return Counting(least, refresh_s)


def _find_least_rise(values: Numbers, rises: Numbers) -> float:
    """Return the least that a counter shows: the rise that all rises are multiples of, or its last
    digit.
    """
    least = float(rises.min())
    times = rises / least
    if times.max() > LARGE_RISE and (np.abs(times - np.round(times)) < ROUNDING * times).all():
        return least
    for digits in range(MOST_DIGITS):
        scaled = values * 10.0**digits
        if (np.abs(scaled - np.round(scaled)) < ROUNDING).all():
            return min(least, 10.0**-digits)
    return min(least, 10.0**-MOST_DIGITS)


def find_counted_power(
    energy_wh: Numbers,
    times_s: Numbers,
    longest_step_s: float,
    counting: Counting | None = None,
) -> Numbers:
    """Return the mean power f64[N] from each row of a counter in Wh until its next change.

    A counter of few digits stands still between its rises: the energy of a rise of one digit is
    spread over the time since the one before. A larger one is of the last refreshment alone, since
    the counter would have shown it before: `counting` says both, in Wh. Where the counter falls (it
    was reset), where rows are missing, and after the last rise the power is unknown, NaN, unless
    the counter stands still for so long that next to nothing can have been drawn.
    """
    power_w = np.full(len(energy_wh), np.nan)
    known = np.flatnonzero(np.isfinite(energy_wh) & np.isfinite(times_s))
    if len(known) < 2:
        return power_w
    energy_wh, times_s = energy_wh[known], times_s[known]
    steps_s, rises_wh = np.diff(times_s), np.diff(energy_wh)
    missing = (steps_s > longest_step_s) | (steps_s <= 0)
    edges = np.concatenate(([0], np.flatnonzero(rises_wh != 0) + 1))
    mean_w = np.full(len(steps_s), np.nan)
    if len(edges) > 1:
        run = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        end = edges[1:][run]
        since_s = times_s[edges[1:]] - times_s[edges[:-1]]
        if counting is not None and counting.refresh_s is not None:
            large = rises_wh[edges[1:] - 1] > LARGE_RISE * counting.least_rise
            since_s = np.where(large, np.minimum(since_s, counting.refresh_s), since_s)
            last_s = steps_s[edges[1:] - 1]
            since_s = np.maximum(since_s, last_s)
        inside = times_s[end] - times_s[: edges[-1]] <= since_s[run] * (1 + 1e-9)
        count_s = np.bincount(run, steps_s[: edges[-1]] * inside)
        run_w = rises_wh[edges[1:] - 1] * HOUR_S / np.where(count_s > 0, count_s, np.nan)
        lost = np.bincount(run, missing[: edges[-1]]) > 0
        run_w[lost | (run_w < 0)] = np.nan
        mean_w[: edges[-1]] = np.where(
            inside, run_w[run], np.where(np.isnan(run_w[run]), np.nan, 0)
        )
    if counting is not None:
        still_s = times_s[-1] - times_s[edges[-1]]
        if counting.least_rise * HOUR_S <= STILL_W * still_s:
            mean_w[edges[-1] :] = np.where(missing[edges[-1] :], np.nan, 0)
    power_w[known[:-1]] = mean_w
    return power_w
