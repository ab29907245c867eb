"""Turn NILMTK's frames of readings into recordings, and its windows into series."""

import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data import array_values
from seq2point.data.grid import Grid, Times, find_median_step_s, place_on_grid
from seq2point.data.series import ADVICE, check_mains, make_gaps
from seq2point.data.times.index_times import read_index_s
from seq2point.errors import DataError
from seq2point.recording import Recording, Watts
from seq2point.recording.plausibility import looks_like_counter

HELD_OUT = 0.15
"""Fraction of a chunk that is held out to validate on."""


class Chunk(NamedTuple):
    """A frame's readings on a regular grid.

    `grid` says where the frame's rows fall; it is None for a frame without times.
    """

    recording: Recording
    grid: Grid | None


def read_numbers(frame: Any, house: str, name: str) -> npt.NDArray[np.float32]:
    """Return the values f32[T] of a series, or of a frame with one column, as they stand.

    `house` and `name` say in errors what the frame holds. Raises DataError for several columns, and
    for values that are not numbers.
    """
    try:
        shape = np.shape(frame)
    except ValueError:  # lists of different lengths
        shape = ()
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
        raise DataError(f"{house}: {name}: {_describe(frame, shape)}; give one column of power")
    column = frame.iloc[:, 0] if hasattr(frame, "iloc") and len(shape) == 2 else frame
    numbers = array_values.read_numbers(column, f"{house}: {name}: the readings")
    with np.errstate(over="ignore"):
        return numbers.reshape(-1).astype(np.float32)


def _describe(frame: Any, shape: tuple[int, ...]) -> str:
    """Return what a frame is: its columns, or its type and shape."""
    if not hasattr(frame, "columns"):
        return f"{type(frame).__name__} of shape {shape}"
    names = (" ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in frame.columns)
    return f"columns {', '.join(names) or 'none'}"


def read_mains(frame: Any, house: str) -> Watts:
    """Return the mains f32[T] of a frame in watts, with gaps for unusable readings.

    Warns of each kind of them. Raises DataError as `read_numbers` does, for kilowatts and for a
    counter of energy.
    """
    return check_mains(read_numbers(frame, house, "mains"), house)


def read_appliance(frame: Any, house: str, name: str) -> Watts:
    """Return an appliance's power f32[T] in watts, with gaps for unusable readings.

    Warns of each kind of them. Raises DataError as `read_numbers` does, and for a counter of
    energy.
    """
    values = read_numbers(frame, house, name)
    if looks_like_counter(values):
        raise DataError(
            f"{house}: {name}: the readings never fall: they look like a counter of energy, not"
            f" power; {ADVICE.counter}"
        )
    return make_gaps(values, house, name)


def list_chunks(frames: Any, what: str) -> list[Any]:
    """Return chunks as a list. Raises DataError for a frame alone, and for what is no frame."""
    if get_index(frames) is not None or isinstance(frames, str | np.ndarray | None):
        raise DataError(f"{what} of type {type(frames).__name__}: give a list of frames")
    chunks = list(frames)
    for number, chunk in enumerate(chunks):
        if not hasattr(chunk, "__len__"):
            raise DataError(
                f"chunk {number} of {what} is of type {type(chunk).__name__}: give a frame"
            )
    return chunks


class Pair(NamedTuple):
    """A chunk's number, and its frames of mains and of an appliance."""

    number: int
    mains: Any
    appliance: Any


def pair_chunks(mains: Any, frames: Any, name: str) -> list[Pair]:
    """Return the chunks of mains and of an appliance that have rows; warn of those without.

    Raises DataError for different numbers of chunks, and where none has rows.
    """
    mains, frames = list_chunks(mains, "mains"), list_chunks(frames, f"'{name}'")
    if len(frames) != len(mains):
        raise DataError(f"{len(frames)} chunks of '{name}' for {len(mains)} of the mains")
    pairs = []
    for pair in map(Pair, range(len(mains)), mains, frames):
        if len(pair.mains) and len(pair.appliance):
            pairs.append(pair)
            continue
        empty = f"'{name}'" if len(pair.mains) else "the mains"
        warnings.warn(f"chunk {pair.number} is left out: no rows of {empty}", stacklevel=3)
    if not pairs:
        raise DataError(f"no chunk has rows of the mains and of '{name}'")
    return pairs


def make_chunk(
    mains: Any, appliances_w: dict[str, Any], period_s: float | None, house: str
) -> Chunk:
    """Return a frame of mains, and frames of appliances with the same rows, as a recording.

    Times that an index of times lacks are gaps; short gaps of the mains are filled. Without an
    index of times the rows are `period_s` apart. Raises DataError for frames of different lengths
    or times, for times that go back, and where neither times nor a period are known.
    """
    rows_w = read_mains(mains, house)
    others = {name: read_appliance(frame, house, name) for name, frame in appliances_w.items()}
    for name, power_w in others.items():
        if len(power_w) != len(rows_w):
            raise DataError(
                f"{house}: {len(power_w)} rows of {name} for {len(rows_w)} of the mains"
            )
    times_s = _read_times_s(mains, f"the mains of {house}")
    if times_s is not None and len(times_s) < 2:
        times_s = None  # one time tells no period
    if times_s is None and period_s is None:
        raise DataError(
            f"{house}: the frame has no index of times; give its sampling period as"
            " params['period_s']"
        )
    for name, frame in appliances_w.items():
        _require_same_rows(mains, times_s, frame, house, name)
    if times_s is None:
        assert period_s is not None
        return Chunk(Recording(house, period_s, rows_w, others), None)
    if np.diff(times_s).min() <= 0:
        raise DataError(
            f"{house}: the times of the frame go back or repeat; sort it and drop repeated times"
        )
    period_s = period_s or find_median_step_s(times_s)
    if not period_s:
        raise DataError(f"{house}: the times of the frame are less than a millisecond apart")
    grid = place_on_grid(times_s, period_s)
    on_grid = {name: grid.mean(power_w) for name, power_w in others.items()}
    return Chunk(
        Recording(house, grid.period_s, grid.mean(rows_w), on_grid, grid.start, grid.jumps), grid
    )


def _read_times_s(frame: Any, label: str) -> Times | None:
    index = get_index(frame)
    return None if index is None else read_index_s(index, label)


def get_index(frame: Any) -> Any:
    """Return the index of a frame or series of pandas; None for another type."""
    import pandas as pd

    return frame.index if isinstance(frame, pd.DataFrame | pd.Series) else None


def _require_same_rows(
    mains: Any, times_s: Times | None, frame: Any, house: str, name: str
) -> None:
    """Raise DataError for an appliance's frame whose rows are not those of the mains."""
    own_s = _read_times_s(frame, f"{name} of {house}")
    index, own = get_index(mains), get_index(frame)
    if times_s is not None and own_s is not None:
        same = np.array_equal(times_s, own_s)
    else:
        same = index is None or own is None or index.equals(own)
    if not same:
        raise DataError(
            f"{house}: the rows of {name} have other times than those of the mains; align their"
            " indexes"
        )


def join_windows(windows: Any, length: int) -> npt.NDArray[np.float32]:
    """Return the series f32[T + length - 1] from which T windows f32[T, length] were cut.

    The windows are one sample apart. Raises DataError for windows of another length, and for
    windows that do not overlap so.
    """
    values = array_values.read_numbers(
        windows.to_numpy() if hasattr(windows, "to_numpy") else windows, "the windows"
    ).astype(np.float32)
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
