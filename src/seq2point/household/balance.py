"""Balance: the parts of the mains, which add up to them at every sample."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.recording import Watts

ALWAYS_ON, OTHER, MAINS = "always_on", "other", "mains"
"""The parts of a home that are no appliance, and their sum."""

STEPS_PER_WATT = 64
"""Power is counted in these parts of a watt. Below 262,144 W such numbers add up in single
precision without any rounding, in whatever order."""

Doubles = npt.NDArray[np.float64]


class Balance(NamedTuple):
    """The mains and their parts f32[T] in watts, NaN where the mains are unknown.

    `parts_w` and `other_w` are from 0 on and add up to `mains_w` exactly.
    """

    mains_w: Watts
    parts_w: dict[str, Watts]
    other_w: Watts


def balance(mains_w: Watts, power_w: Mapping[str, Watts], error_w: Mapping[str, float]) -> Balance:
    """Return parts of the mains that never exceed what is predicted, and the rest as other.

    Where the predictions f32[T] of `power_w` are more than the mains f32[T], each gives way by its
    own uncertainty `error_w`: the squares of the changes over those of the errors are least. A
    prediction that is NaN counts as none: what it would have told apart is in other.
    """
    known = ~np.isnan(mains_w)
    limit_w = np.round(np.maximum(mains_w[known], 0).astype(np.float64) * STEPS_PER_WATT)
    claims = np.array(
        [np.maximum(np.nan_to_num(each[known]), 0) for each in power_w.values()], np.float64
    ).reshape(len(power_w), len(limit_w))
    weights = np.array([error_w[name] ** 2 for name in power_w], np.float64)
    steps = np.floor(cap(claims * STEPS_PER_WATT, limit_w, weights))
    other = limit_w - steps.sum(axis=0)

    def spread(counts: Doubles) -> Watts:
        watts = np.full(len(mains_w), np.nan, np.float32)
        watts[known] = counts / STEPS_PER_WATT
        return watts

    parts_w = {name: spread(counts) for name, counts in zip(power_w, steps, strict=True)}
    return Balance(spread(limit_w), parts_w, spread(other))


def cap(claims: Doubles, limit: Doubles, weights: Doubles) -> Doubles:
    """Return claims f64[N, T] from 0 on, reduced so that their sum is at most the limit f64[T].

    Reduced are sums above the limit alone: x minimises sum((claim - x)^2 / weight) with x from 0 to
    the claim. So each gives way in proportion to its weight f64[N], and none goes below 0.
    """
    excess = np.flatnonzero(claims.sum(axis=0) > limit)
    if not len(excess):
        return claims
    capped, high = claims.copy(), claims[:, excess]
    # x = max(claim - weight * pressure, 0): the least of claim over weight is the first at 0
    ends = high / weights[:, None]
    ordered = np.argsort(ends, axis=0, kind="stable")
    claim = np.take_along_axis(high, ordered, axis=0)[::-1].cumsum(axis=0)[::-1]
    weight = weights[ordered][::-1].cumsum(axis=0)[::-1]
    pressures = (claim - limit[excess]) / weight
    # with the first k at 0 the pressure is pressures[k]; the largest is the one that fits
    pressure = np.maximum(pressures.max(axis=0), 0)
    capped[:, excess] = np.maximum(high - weights[:, None] * pressure, 0)
    total = capped[:, excess].sum(axis=0)
    over = total > limit[excess]
    capped[:, excess[over]] *= limit[excess][over] / total[over]
    return capped
