"""NILMTK's frames of readings to recordings, and its windows back to series."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import Grid, find_median_step_s, place_on_grid
from seq2point.errors import DataError
from seq2point.limits import remove_absurd
from seq2point.recording import Recording, Watts

HELD_OUT = 0.15


class Chunk(NamedTuple):
    """A frame's readings on a regular grid: `grid` says where its rows fall, None for a frame
    without times.
    """

    recording: Recording
    grid: Grid | None


def read_power(frame: Any, what: str) -> Watts:
    """The readings of a frame with one column of power (or of a series), f32[T] in watts; absurd
    readings become gaps.

    Raises DataError for several columns and for what are no numbers.
    """
    values = np.asarray(frame.to_numpy() if hasattr(frame, "to_numpy") else frame)
    if (
        values.dtype.kind not in "fiu"
        or values.ndim not in (1, 2)
        or (values.ndim == 2 and values.shape[1] != 1)
    ):
        raise DataError(
            f"{what}: {values.dtype} of shape {values.shape}; one column of power is needed"
        )
    with np.errstate(over="ignore"):
        return remove_absurd(np.ascontiguousarray(values.reshape(-1), dtype=np.float32))


def make_chunk(
    mains: Any, appliances_w: dict[str, Any], period_s: float | None, house: str
) -> Chunk:
    """A frame of mains, and of appliances of the same rows, as a recording.

    An index of times is honoured: what it lacks is a gap; the mains' short gaps are filled. Without
    one the rows follow one another `period_s` apart.
    Raises DataError where frames differ in length, for times that go back, and for no times and no
    period.
    """
    rows_w = read_power(mains, f"{house}: mains")
    others = {name: read_power(frame, f"{house}: {name}") for name, frame in appliances_w.items()}
    for name, power_w in others.items():
        if len(power_w) != len(rows_w):
            raise DataError(
                f"{house}: {len(power_w)} rows of {name} for {len(rows_w)} of the mains"
            )
    times_s = _times_s(mains)
    for name, frame in appliances_w.items():
        own_s = _times_s(frame)
        if times_s is not None and own_s is not None and not np.array_equal(times_s, own_s):
            raise DataError(
                f"{house}: the rows of {name} are of other times than those of the mains; align"
                " their indexes"
            )
    if times_s is None or len(times_s) < 2:
        if period_s is None:
            raise DataError(
                f"{house}: the frame has no index of times; say how far apart its rows are:"
                " params['period_s']"
            )
        return Chunk(Recording(house, period_s, rows_w, others), None)
    if np.diff(times_s).min() <= 0:
        raise DataError(
            f"{house}: the times of the frame go back or repeat; sort it and drop repeats"
        )
    grid = place_on_grid(times_s, period_s or find_median_step_s(times_s))
    on_grid = {name: grid.mean(power_w) for name, power_w in others.items()}
    return Chunk(
        Recording(house, grid.period_s, grid.mean(rows_w), on_grid, grid.start, grid.jumps), grid
    )


def _times_s(frame: Any) -> npt.NDArray[np.float64] | None:
    import pandas as pd

    index = getattr(frame, "index", None)
    if not isinstance(index, pd.DatetimeIndex):
        return None
    plain = index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
    return plain.to_numpy("datetime64[us]").astype(np.int64) / 1e6


def join_windows(windows: Any, length: int) -> npt.NDArray[np.float32]:
    """The series f32[T + length - 1] that T windows one sample apart were cut from, f32[T, length].

    Raises DataError for windows of another length, and for windows that do not overlap so.
    """
    values = np.asarray(
        windows.to_numpy() if hasattr(windows, "to_numpy") else windows, dtype=np.float32
    )
    if values.ndim != 2 or values.shape[1] != length or not len(values):
        raise DataError(
            f"preprocessed mains of shape {values.shape}: windows of {length} samples are needed,"
            f" [T, {length}]"
        )
    if not np.array_equal(values[1:, :-1], values[:-1, 1:], equal_nan=True):
        raise DataError(
            "preprocessed mains whose windows are not one sample apart: leave the preprocessing to"
            " partial_fit"
        )
    return np.concatenate((values[0], values[1:, -1]))


def pad_recording(recording: Recording, around: int) -> Recording:
    """A recording with zeros of mains beyond its ends, where its appliances are not known."""
    mains_w = np.pad(recording.mains_w, around)
    others = {
        name: np.pad(power_w, around, constant_values=np.nan)
        for name, power_w in recording.appliances_w.items()
    }
    jumps = tuple(jump._replace(sample=jump.sample + around) for jump in recording.jumps)
    return replace(recording, mains_w=mains_w, appliances_w=others, jumps=jumps)


def split_chunk(chunk: Recording, name: str, window: int) -> tuple[Recording, Recording]:
    """A chunk to train on and the same to validate on: each knows its own targets alone, a window
    apart where there is room.
    """
    power_w = chunk.appliance_w(name)
    targets = np.flatnonzero(~np.isnan(power_w))
    if not len(targets):
        return chunk, chunk
    first = int(targets[min(int(len(targets) * (1 - HELD_OUT)), len(targets) - 1)])
    margin = window if first > 8 * window else 0
    kept_w, held_w = power_w.copy(), power_w.copy()
    kept_w[first - margin :], held_w[:first] = np.nan, np.nan
    return replace(chunk, appliances_w={name: kept_w}), replace(chunk, appliances_w={name: held_w})
