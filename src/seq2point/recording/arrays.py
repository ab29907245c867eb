"""Series of NumPy, pandas and Polars: to watts f32[T], and predictions back to the same kind."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.errors import DataError
from seq2point.limits import remove_absurd
from seq2point.recording.recording import Watts


class Mains(NamedTuple):
    """A series of mains: watts f32[T] without absurd readings, and times where it has an index.

    `times_s` f64[T] are seconds since 1970. `restore` turns predictions f32[T, A] and the
    appliances' names into the caller's kind: a series for one appliance, a table for several.
    """

    watts: Watts
    times_s: npt.NDArray[np.float64] | None
    restore: Callable[[Watts, Sequence[str]], Any]


def open_series(series: Any) -> Mains:
    """Return the mains in a NumPy array, a list, a pandas Series or a Polars Series.

    Raises DataError for another type and for values that are not numbers.
    """
    library = type(series).__module__.partition(".")[0]
    if library == "pandas" and type(series).__name__ == "Series":
        return _open_pandas(series)
    if library == "polars" and type(series).__name__ == "Series":
        return _open_polars(series)
    if not isinstance(series, np.ndarray | list | tuple):
        raise DataError(
            f"mains of type {type(series).__name__}: give a NumPy array, a pandas Series or a"
            " Polars Series"
        )
    return Mains(_to_watts(series), None, _restore_array)


def _restore_array(power_w: Watts, names: Sequence[str]) -> Watts:
    return power_w[:, 0] if len(names) == 1 else power_w


def _to_watts(values: Any) -> Watts:
    try:
        array = np.asarray(values)
        text = array.dtype.kind == "O" and any(isinstance(value, str) for value in array.flat)
        if text or array.dtype.kind not in "biufO":
            raise TypeError("text" if text else f"an array of {array.dtype}")
        with np.errstate(over="ignore"):
            watts: Watts = array.astype(np.float32, copy=False)
    except (TypeError, ValueError) as error:
        raise DataError(f"the mains hold values that are not numbers ({error})") from None
    if watts.ndim != 1:
        raise DataError(f"the mains have shape {watts.shape}: give a series of one dimension, [T]")
    return remove_absurd(watts)


def _open_pandas(series: Any) -> Mains:
    import pandas as pd

    times_s = None
    if isinstance(series.index, pd.DatetimeIndex):
        if series.index.hasnans:
            raise DataError("the index of the series lacks a time (NaT): drop that row")
        index = (
            series.index
            if series.index.tz is None
            else series.index.tz_convert("UTC").tz_localize(None)
        )
        times_s = index.to_numpy("datetime64[us]").astype(np.int64) / 1e6

    def restore(power_w: Watts, names: Sequence[str]) -> Any:
        if len(names) == 1:
            return pd.Series(power_w[:, 0], index=series.index, name=names[0])
        return pd.DataFrame(power_w, index=series.index, columns=list(names))

    return Mains(_to_watts(series.to_numpy()), times_s, restore)


def _open_polars(series: Any) -> Mains:
    import polars as pl

    def restore(power_w: Watts, names: Sequence[str]) -> Any:
        columns = [pl.Series(n, power_w[:, i]).fill_nan(None) for i, n in enumerate(names)]
        return columns[0] if len(names) == 1 else pl.DataFrame(columns)

    if not series.dtype.is_numeric():
        raise DataError(
            f"the mains hold values that are not numbers (a Polars series of {series.dtype})"
        )
    return Mains(_to_watts(series.cast(pl.Float32).to_numpy()), None, restore)
