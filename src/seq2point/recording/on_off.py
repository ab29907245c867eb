"""The on state of an appliance, and runs of a condition over a series."""

import numpy as np
import numpy.typing as npt

from seq2point.appliances import Appliance

Flags = npt.NDArray[np.bool_]

ROUNDING = 1e-9
"""Floating point makes 0.3 / 0.1 a little less or more than 3: this much more is still 3."""


def find_runs(flags: Flags) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first positions and the lengths of the runs of True, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return edges[::2], edges[1::2] - edges[::2]


def find_stuck(
    values: npt.NDArray[np.float32], least: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first positions and the lengths of stretches of one repeated value.

    A stretch has at least `least` samples; NaN is no value.
    """
    first, lengths = find_runs(np.concatenate((values[1:] == values[:-1], [False])))
    long = lengths + 1 >= max(least, 2)
    return first[long], lengths[long] + 1


def count_samples(seconds: float, period_s: float) -> int:
    """Return a duration as a number of samples, rounded up."""
    return int(np.ceil(seconds / period_s - ROUNDING))


def is_on(power_w: npt.NDArray[np.float32], appliance: Appliance, period_s: float) -> Flags:
    """Return whether an appliance is on at each sample of a gapless stretch, bool[T].

    It is on above its threshold. Then pauses shorter than `min_off_s` between two runs count as on,
    then runs shorter than `min_on_s` count as off (Kelly and Knottenbelt 2015).
    """
    above = np.asarray(power_w > appliance.on_power_w)
    first, lengths = find_runs(above)
    end = first + lengths
    if len(first) == 0:
        return above
    apart = first[1:] - end[:-1] >= count_samples(appliance.min_off_s, period_s)
    first, end = first[np.concatenate(([True], apart))], end[np.concatenate((apart, [True]))]
    long_enough = end - first >= count_samples(appliance.min_on_s, period_s)
    change = np.zeros(len(above) + 1, dtype=np.int8)
    change[first[long_enough]] += 1
    change[end[long_enough]] -= 1
    return np.cumsum(change[:-1], dtype=np.int8).astype(bool)
