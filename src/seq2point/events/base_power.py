"""The base of the mains: what always runs, as a low quantile of the power about each sample."""

import numpy as np

from seq2point.recording import Watts

QUANTILE = 0.3
SPAN_S = 3600.0
SPACING_S = 60.0
"""The samples that the quantile is of are this far apart, whatever the sampling period."""
CHUNK = 1 << 12
"""Samples whose hours are in memory at once, about: 1 MB of them."""
GROUP = 8
"""Hours, each `SPACING_S` after the last, whose common samples are put in order once."""


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
    chunk = _round_down(CHUNK, GROUP * stride) or CHUNK
    for first in range(since, len(mains_w), chunk):
        end = min(first + chunk, len(mains_w))
        base_w[first - since : end - since] = _find_quantile(
            hours_w[first + ahead : end + ahead], stride
        )
    return base_w


def _round_down(count: int, step: int) -> int:
    return count // step * step


def _find_quantile(values: Watts, stride: int) -> Watts:
    """Return the quantile of each row f32[N, K] without its NaN; NaN for a row of none.

    Row t + `stride` is row t moved on by one.
    """
    if not np.isnan(values).any():
        place = int(QUANTILE * (values.shape[1] - 1))
        grouped = _round_down(len(values), GROUP * stride) if place >= GROUP - 1 else 0
        rest: Watts = np.partition(values[grouped:], place, axis=1)[:, place]
        if not grouped:
            return rest
        return np.concatenate([_find_in_groups(values[:grouped], stride, place), rest])
    in_order = np.sort(values, axis=1)  # NaN comes last
    known = values.shape[1] - np.isnan(values).sum(axis=1)
    place = np.floor(QUANTILE * np.maximum(known - 1, 0)).astype(np.int64)
    lowest: Watts = in_order[np.arange(len(values)), place]
    return lowest


def _find_in_groups(values: Watts, stride: int, place: int) -> Watts:
    """Return the value at a place in the order of each row f32[N, K], for rows that overlap.

    The rows of a group have all but GROUP - 1 samples in common. The value at a place in the order
    of both, the common ones and a row's own, is the least over j of the larger of two: the common
    value at `place` - j and the own value at j - 1.
    """
    size = values.shape[1]
    groups = values.reshape(-1, GROUP, stride, size)
    common = np.sort(groups[:, 0, :, GROUP - 1 :], axis=-1)
    own = np.empty((*groups.shape[:3], GROUP - 1), np.float32)
    for row in range(GROUP):
        before = GROUP - 1 - row
        own[:, row, :, :before] = groups[:, row, :, :before]
        own[:, row, :, before:] = groups[:, row, :, size - row :]
    own.sort(axis=-1)
    lowest = np.broadcast_to(common[:, None, :, place], groups.shape[:3]).copy()
    for j in range(1, GROUP):
        larger = np.maximum(common[:, None, :, place - j], own[..., j - 1])
        np.minimum(lowest, larger, out=lowest)
    return lowest.reshape(-1)
