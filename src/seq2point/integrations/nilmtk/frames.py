"""Turn NILMTK's frames of readings into recordings, and its windows into series."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import Grid, find_median_step_s, place_on_grid
from seq2point.errors import DataError
from seq2point.limits import remove_absurd
from seq2point.recording import Recording, Watts

HELD_OUT = 0.15
"""Fraction of a chunk that is held out to validate on."""


class Chunk(NamedTuple):
    """A frame's readings on a regular grid.

    `grid` says where the frame's rows fall; it is None for a frame without times.
    """

    recording: Recording
    grid: Grid | None


def read_power(frame: Any, label: str) -> Watts:
    """Return the readings f32[T] in watts of a series, or of a frame with one column of power.

    Absurd readings become gaps. `label` names the frame in errors. Raises DataError for several
    columns, and for values that are not numbers.
    """
    values = np.asarray(frame.to_numpy() if hasattr(frame, "to_numpy") else frame)
    if (
        values.dtype.kind not in "fiu"
        or values.ndim not in (1, 2)
        or (values.ndim == 2 and values.shape[1] != 1)
    ):
        raise DataError(
            f"{label}: {values.dtype} of shape {values.shape}; give one column of power"
        )
    with np.errstate(over="ignore"):
        return remove_absurd(np.ascontiguousarray(values.reshape(-1), dtype=np.float32))


def make_chunk(
    mains: Any, appliances_w: dict[str, Any], period_s: float | None, house: str
) -> Chunk:
    """Return a frame of mains, and frames of appliances with the same rows, as a recording.

    Times that an index of times lacks are gaps; short gaps of the mains are filled. Without an
    index of times the rows are `period_s` apart. Raises DataError for frames of different lengths
    or times, for times that go back, and where neither times nor a period are known.
    """
    rows_w = read_power(mains, f"{house}: mains")
    others = {name: read_power(frame, f"{house}: {name}") for name, frame in appliances_w.items()}
    for name, power_w in others.items():
        if len(power_w) != len(rows_w):
            raise DataError(
                f"{house}: {len(power_w)} rows of {name} for {len(rows_w)} of the mains"
            )
    times_s = _read_times_s(mains)
    for name, frame in appliances_w.items():
        own_s = _read_times_s(frame)
        if times_s is not None and own_s is not None and not np.array_equal(times_s, own_s):
            raise DataError(
                f"{house}: the rows of {name} have other times than those of the mains; align their"
                " indexes"
            )
    if times_s is None or len(times_s) < 2:
        if period_s is None:
            raise DataError(
                f"{house}: the frame has no index of times; give its sampling period as"
                " params['period_s']"
            )
        return Chunk(Recording(house, period_s, rows_w, others), None)
    if np.diff(times_s).min() <= 0:
        raise DataError(
            f"{house}: the times of the frame go back or repeat; sort it and drop repeated times"
        )
    grid = place_on_grid(times_s, period_s or find_median_step_s(times_s))
    on_grid = {name: grid.mean(power_w) for name, power_w in others.items()}
    return Chunk(
        Recording(house, grid.period_s, grid.mean(rows_w), on_grid, grid.start, grid.jumps), grid
    )


def _read_times_s(frame: Any) -> npt.NDArray[np.float64] | None:
    import pandas as pd

    index = getattr(frame, "index", None)
    if not isinstance(index, pd.DatetimeIndex):
        return None
    plain = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
    return plain.to_numpy("datetime64[us]").astype(np.int64) / 1e6


def join_windows(windows: Any, length: int) -> npt.NDArray[np.float32]:
    """Return the series f32[T + length - 1] from which T windows f32[T, length] were cut.

    The windows are one sample apart. Raises DataError for windows of another length, and for
    windows that do not overlap so.
    """
    values = np.asarray(
        windows.to_numpy() if hasattr(windows, "to_numpy") else windows, dtype=np.float32
    )
    if values.ndim != 2 or values.shape[1] != length or not len(values):
        raise DataError(
            f"preprocessed mains of shape {values.shape}: give windows of {length} samples,"
            f" [T, {length}]"
        )
    if not np.array_equal(values[1:, :-1], values[:-1, 1:], equal_nan=True):
        raise DataError(
            "the windows of the preprocessed mains are not one sample apart: leave the"
            " preprocessing to partial_fit"
        )
    return np.concatenate((values[0], values[1:, -1]))


def pad_recording(recording: Recording, around: int) -> Recording:
    """Return a recording with zeros of mains beyond its ends, where its appliances are unknown."""
    mains_w = np.pad(recording.mains_w, around)
    others = {
        name: np.pad(power_w, around, constant_values=np.nan)
        for name, power_w in recording.appliances_w.items()
    }
    jumps = tuple(jump._replace(sample=jump.sample + around) for jump in recording.jumps)
    return replace(recording, mains_w=mains_w, appliances_w=others, jumps=jumps)


def split_chunk(chunk: Recording, name: str, window: int) -> tuple[Recording, Recording]:
    """Return a chunk to train on, and the same chunk to validate on.

    Each has its own targets alone. They are a window apart where the chunk is long enough.
    """
    power_w = chunk.appliance_w(name)
    targets = np.flatnonzero(~np.isnan(power_w))
    if not len(targets):
        return chunk, chunk
    first = int(targets[min(int(len(targets) * (1 - HELD_OUT)), len(targets) - 1)])
    margin = window if first > 8 * window else 0
    training_w, validation_w = power_w.copy(), power_w.copy()
    training_w[first - margin :] = np.nan
    validation_w[:first] = np.nan
    return (
        replace(chunk, appliances_w={name: training_w}),
        replace(chunk, appliances_w={name: validation_w}),
    )
