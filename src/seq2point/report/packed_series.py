"""Series of watts as text for a page: quantised, delta coded, compressed and in base64.

elements.js unpacks them. A level is a whole number: 0 is unknown, 1 is 0 W. Up to `FINE_W` a level
is 1 W; above, each is the last one times e^(1/50). So a power is kept within half a watt or 1 %.
"""

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2point.recording import Watts

FINE_W = 50.0
"""Power up to which a level is one watt."""

Levels = npt.NDArray[np.int32]


def pack_series(series_w: Sequence[Watts]) -> str:
    """Return several series f32[T] of one length as text, one behind the other."""
    levels = [np.diff(quantise(power_w), prepend=0) for power_w in series_w]
    return _compress(_to_bytes(np.concatenate([np.zeros(0, np.int32), *levels])))


def pack_json(value: Any) -> str:
    """Return a value as JSON, packed like a series."""
    return _compress(json.dumps(value, separators=(",", ":")).encode())


def quantise(power_w: Watts) -> Levels:
    """Return the level of each power f32[T]; 0 for NaN. A negative power is taken for 0 W."""
    plausible_w = np.maximum(np.nan_to_num(power_w.astype(np.float64)), 0.0)
    coarse = FINE_W * (1 + np.log(np.maximum(plausible_w, FINE_W) / FINE_W))
    levels = 1 + np.rint(np.where(plausible_w <= FINE_W, plausible_w, coarse))
    return np.where(np.isnan(power_w), 0, levels).astype(np.int32)


def restore_watts(levels: Levels) -> Watts:
    """Return the power f32[T] of levels: the inverse of `quantise`, as elements.js has it."""
    steps = levels - 1.0
    power_w = np.where(steps <= FINE_W, steps, FINE_W * np.exp((steps - FINE_W) / FINE_W))
    return np.where(levels == 0, np.nan, power_w).astype(np.float32)


def unpack_series(text: str, count: int) -> list[Watts]:
    """Return `count` series from the text of `pack_series`."""
    code = np.frombuffer(gzip.decompress(base64.b64decode(text)), np.uint8).astype(np.int32)
    begins_long = code >= 128
    is_second = np.concatenate([[False], begins_long])[:-1]
    values = code[~is_second] & 127
    values[begins_long[~is_second]] += code[is_second] << 7
    deltas = (values >> 1) ^ -(values & 1)
    return [restore_watts(np.cumsum(part)) for part in np.split(deltas, count)]


def _to_bytes(deltas: Levels) -> bytes:
    """Return differences as one byte each, or two: signs last, seven bits first."""
    values = np.where(deltas < 0, -2 * deltas - 1, 2 * deltas)
    is_long = values >= 128
    pairs = np.stack([values & 127 | is_long << 7, values >> 7], axis=1)
    keep = np.stack([np.ones_like(is_long), is_long], axis=1)
    return pairs[keep].astype(np.uint8).tobytes()


def _compress(code: bytes) -> str:
    return base64.b64encode(gzip.compress(code, 6, mtime=0)).decode()
