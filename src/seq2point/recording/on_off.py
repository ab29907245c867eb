"""When an appliance is on: runs of a condition over a series, and the on state with its shortest
durations.
"""

import numpy as np
import numpy.typing as npt

from seq2point.appliances import Appliance

Flags = npt.NDArray[np.bool_]


def find_runs(flags: Flags) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First positions and lengths of the runs of True, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return edges[::2], edges[1::2] - edges[::2]


def find_stuck(
    values: npt.NDArray[np.float32], least: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First positions and lengths of the stretches that repeat one value for at least `least`
    samples; NaN is no value.
    """
    first, lengths = find_runs(np.concatenate((values[1:] == values[:-1], [False])))
    long = lengths + 1 >= max(least, 2)
    return first[long], lengths[long] + 1


def count_samples(seconds: float, period_s: float) -> int:
    """A duration as a number of samples, rounded up."""
    return int(np.ceil(seconds / period_s - 1e-9))


def is_on(power_w: npt.NDArray[np.float32], appliance: Appliance, period_s: float) -> Flags:
    """Whether the appliance is on at each sample of a gapless stretch, bool[T] (Kelly and
    Knottenbelt 2015).

    Above the on-power threshold; then gaps shorter than `min_off_s` between two runs are filled,
    then runs shorter than `min_on_s` are dropped.
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
