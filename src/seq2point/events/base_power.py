"""The base of the mains: what always runs, as a low quantile of the power about each sample."""

import numpy as np

from seq2point.recording import Watts

QUANTILE = 0.3
SPAN_S = 3600.0
SPACING_S = 60.0
"""The samples that the quantile is of are this far apart, whatever the sampling period."""
CHUNK = 1 << 12
"""Samples whose hours are in memory at once, 2 MB of them in minutes."""


def count_reach(period_s: float) -> int:
    """Return how many samples before one the causal base of it looks at."""
    stride, count = _space(period_s)
    return stride * count


def _space(period_s: float) -> tuple[int, int]:
    """Return how many samples apart those of the quantile are, and how many follow the first."""
    stride = max(round(SPACING_S / period_s), 1)
    return stride, max(round(SPAN_S / (stride * period_s)), 1)


def find_base_w(mains_w: Watts, period_s: float, causal: bool = False, since: int = 0) -> Watts:
    """Return the base of the mains in watts: the 0.3 quantile of an hour about each sample.

    It is f32[T - since], for the samples from `since` on. Causal, it is that of the hour before.
    NaN where that hour has no reading.
    """
    stride, count = _space(period_s)
    reach = stride * count
    ahead = 0 if causal else stride * (count - count // 2)
    padded = np.concatenate(
        [np.full(reach, np.nan), mains_w, np.full(reach, np.nan)], dtype=np.float32
    )
    # row t has the samples that are `stride` apart up to t
    hours_w = np.lib.stride_tricks.sliding_window_view(padded, reach + 1)[:, ::stride]
    base_w = np.empty(len(mains_w) - since, np.float32)
    for first in range(since, len(mains_w), CHUNK):
        end = min(first + CHUNK, len(mains_w))
        base_w[first - since : end - since] = _find_quantile(hours_w[first + ahead : end + ahead])
    return base_w


def _find_quantile(values: Watts) -> Watts:
    """Return the quantile of each row f32[N, K] without its NaN; NaN for a row of none."""
    if not np.isnan(values).any():
        lowest_place = int(QUANTILE * (values.shape[1] - 1))
        return np.partition(values, lowest_place, axis=1)[:, lowest_place]
    in_order = np.sort(values, axis=1)  # NaN comes last
    known = values.shape[1] - np.isnan(values).sum(axis=1)
    place = np.floor(QUANTILE * np.maximum(known - 1, 0)).astype(np.int64)
    lowest: Watts = in_order[np.arange(len(values)), place]
    return lowest
