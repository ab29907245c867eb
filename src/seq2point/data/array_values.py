"""Numbers in the arrays of other libraries: text, Decimal, masked and nullable values to floats."""

from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.data.file_errors import LONGEST_CELL
from seq2point.errors import DataError

Numbers = npt.NDArray[np.floating[Any]]

EMPTY_CELLS = ("", "nan", "null", "none", "<na>")
MISSING = ("NAType", "NaTType", "MaskedConstant")  # pandas' and NumPy's values for a missing one


def read_numbers(values: Any, name: str) -> Numbers:
    """Return the numbers f[...] in an array, a list, or a series of pandas or Polars.

    Floats keep their width, all else is f64. Numbers may be text or Decimal. A missing or masked
    value, or an empty text, is NaN. `name` is what holds the values, for messages: 'the mains'.
    Raises DataError for other values.
    """
    library = type(values).__module__.partition(".")[0]
    if library == "polars" and isinstance(values, pl.Series):
        return _read_polars(values, name)
    if library == "pandas":
        values = _simplify_pandas(values)
    try:
        array = np.ma.asanyarray(values) if np.ma.isMaskedArray(values) else np.asarray(values)
    except (TypeError, ValueError) as error:  # lists of different lengths, for example
        raise DataError(f"{name} hold values that are not numbers ({error})") from None
    if array.dtype.kind in "biuf":
        numbers = array if array.dtype.kind == "f" else array.astype(np.float64)
        filled: Numbers = np.ma.filled(numbers, np.nan)
        return filled
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind not in "UTO":
        raise DataError(f"{name} hold values that are not numbers ({array.dtype})")
    mask = np.ma.getmaskarray(array).reshape(-1) if np.ma.isMaskedArray(array) else None
    cells = np.ma.getdata(array).reshape(-1)
    return _read_cells(cells, mask, name).reshape(array.shape)


def _simplify_pandas(series: Any) -> Any:
    """Return the values of a pandas Series as an array of NumPy: numbers, or else objects."""
    import pandas as pd

    if isinstance(series.dtype, np.dtype | pd.SparseDtype):
        return series.to_numpy()
    if pd.api.types.is_numeric_dtype(series.dtype) and "decimal" not in str(series.dtype):
        return series.to_numpy(np.float64, na_value=np.nan)
    return series.to_numpy(object)


def _read_polars(series: Any, name: str) -> Numbers:
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if series.dtype == pl.String:
        return _read_texts(series, name)
    if not series.dtype.is_numeric() and series.dtype != pl.Null:
        raise DataError(
            f"{name} hold values that are not numbers (a Polars series of {series.dtype})"
        )
    floats = series if series.dtype.is_float() else series.cast(pl.Float64)
    numbers: Numbers = floats.fill_null(float("nan")).to_numpy()
    return numbers


def _read_cells(cells: Iterable[Any], mask: npt.NDArray[np.bool_] | None, name: str) -> Numbers:
    """Return objects or texts as numbers f64[N]; the masked ones as NaN."""
    numbers, texts = [], []
    for row, cell in enumerate(cells):
        is_text = isinstance(cell, str)
        texts.append(cell if is_text else None)
        if is_text or cell is None or type(cell).__name__ in MISSING:
            numbers.append(np.nan)
        elif isinstance(cell, Real | Decimal | np.bool_):
            numbers.append(_to_float(cell))
        else:
            raise DataError(
                f"{name} hold values that are not numbers ({type(cell).__name__} in row {row + 1})"
            )
    values = np.asarray(numbers, dtype=np.float64)
    if any(text is not None for text in texts):
        column = pl.Series(texts, dtype=pl.String)
        if mask is not None:
            column = column.set(pl.Series(mask), None)
        from_texts = _read_texts(column, name)
        values = np.where(np.isnan(values), from_texts, values)
    if mask is not None:
        values[mask] = np.nan
    return values


def _to_float(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return np.inf
    except ValueError:  # a signalling NaN of Decimal
        return np.nan


def _read_texts(column: Any, name: str) -> Numbers:
    """Return a Polars series of texts as numbers f64[N]; an empty one is NaN."""
    texts = column.str.strip_chars().str.to_lowercase()
    numbers = texts.cast(pl.Float64, strict=False)
    unreadable = numbers.is_null() & texts.is_not_null() & ~texts.is_in(EMPTY_CELLS)
    if unreadable.any():
        row = int(unreadable.arg_max())
        raise DataError(
            f"{name} hold values that are not numbers ('{column[row][:LONGEST_CELL]}' in row"
            f" {row + 1})"
        )
    values: Numbers = numbers.fill_null(float("nan")).to_numpy()
    return values
