"""Series of NumPy, pandas and Polars: to watts f32[T], and predictions back to the same kind."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2point.data.array_values import Numbers, read_numbers
from seq2point.data.grid import Times
from seq2point.data.times.index_times import read_index_s
from seq2point.errors import DataError
from seq2point.recording import Watts
from seq2point.recording.plausibility import (
    UnitAdvice,
    find_missing_marks,
    remove_unusable,
    require_watts,
)

ADVICE = UnitAdvice(
    "multiply them by 1000",
    "give the watts of each step: its difference in Wh, divided by its hours",
)
"""What to do about mains of another unit, where no option says the unit."""


class Mains(NamedTuple):
    """A series of mains: watts f32[T] with gaps for unusable readings, and times where it has any.

    `times_s` f64[T] are seconds since 1970. `restore` turns predictions f32[T, A] and the
    appliances' names into the caller's kind: a series for one appliance, a table for several.
    """

    watts: Watts
    times_s: Times | None
    restore: Callable[[Watts, Sequence[str]], Any]


def open_series(series: Any) -> Mains:
    """Return the mains in a NumPy array, a list, a pandas Series or a Polars Series.

    Warns of readings that become gaps. Raises DataError for another type, for values that are not
    numbers, for kilowatts and counters, and for an index with unreadable times.
    """
    library = type(series).__module__.partition(".")[0]
    if library == "pandas" and type(series).__name__ == "Series":
        return _open_pandas(series)
    if library == "polars" and type(series).__name__ == "Series":
        return Mains(_read_mains(series), None, _restore_polars)
    if not isinstance(series, np.ndarray | list | tuple):
        raise DataError(
            f"mains of type {type(series).__name__}: give a NumPy array, a pandas Series or a"
            " Polars Series"
        )
    restore = _restore_masked if np.ma.isMaskedArray(series) else _restore_array
    return Mains(_read_mains(series), None, restore)


def _read_mains(series: Any) -> Watts:
    numbers = read_numbers(series, "the mains")
    if numbers.ndim != 1:
        raise DataError(
            f"the mains have shape {numbers.shape}: give a series of one dimension, [T]"
        )
    return check_mains(numbers, "the series")


def check_mains(numbers: Numbers, name: str) -> Watts:
    """Return mains f[N] as watts f32[N], with gaps for readings that are unusable.

    Warns of each kind of them. `name` is what holds the mains, for messages. Raises DataError for
    mains in kilowatts and for a counter of energy.
    """
    with np.errstate(over="ignore"):
        values = numbers.astype(np.float32, copy=False)
    marks = find_missing_marks(values)
    known = np.where(marks, np.float32(np.nan), values) if marks.any() else values
    require_watts(known, name, ADVICE)  # a counter may exceed what a house can draw
    watts = make_gaps(values, name, "mains")
    if watts is not values:
        require_watts(watts, name, ADVICE)
    return watts


def make_gaps(values_w: Watts, name: str, column: str) -> Watts:
    """Return readings f32[N] with gaps for unusable ones, and warn of each kind of them."""
    watts, notes = remove_unusable(values_w, column)
    for note in notes:
        warnings.warn(f"{name}: {note}", stacklevel=2)
    return watts


def _restore_array(power_w: Watts, names: Sequence[str]) -> Watts:
    return power_w[:, 0] if len(names) == 1 else power_w


def _restore_masked(power_w: Watts, names: Sequence[str]) -> Any:
    return np.ma.masked_invalid(_restore_array(power_w, names))


def _open_pandas(series: Any) -> Mains:
    import pandas as pd

    def restore(power_w: Watts, names: Sequence[str]) -> Any:
        if len(names) == 1:
            return pd.Series(power_w[:, 0], index=series.index, name=names[0])
        return pd.DataFrame(power_w, index=series.index, columns=list(names))

    return Mains(_read_mains(series), read_index_s(series.index, "the series"), restore)


def _restore_polars(power_w: Watts, names: Sequence[str]) -> Any:
    import polars as pl

    columns = [pl.Series(n, power_w[:, i]).fill_nan(None) for i, n in enumerate(names)]
    return columns[0] if len(names) == 1 else pl.DataFrame(columns)
