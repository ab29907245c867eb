"""Readings parsed from text and placed on a grid in C (readings.c).

Every function returns None without the C library (`system.c_library`). Its caller then does the
same in Python.
"""

import ctypes
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seq2point.system import c_library

SOURCE = Path(__file__).with_name("readings.c")
SKIPPED, DOUBLE, FLOAT = range(3)
"""What readings.c does with a column."""

NO_ROOM = -2
"""What readings.c returns where the text has more rows than the arrays."""

LINE_BYTES = 4096
"""The first line of a piece is looked for in so many bytes."""


@cache
def load_functions() -> ctypes.CDLL | None:
    """Return the functions in C, prebuilt or built; None where there are none."""
    library = c_library.load_library(
        SOURCE, "conversion runs on Polars and NumPy alone, at half of the speed"
    )
    if library:
        library.s2p_rows.restype = ctypes.c_int64
        library.s2p_means.restype = None
    return library


def parse_rows(
    text: memoryview, separator: str, kinds: npt.NDArray[np.int32]
) -> dict[int, npt.NDArray[Any]] | None:
    """Return the columns of rows of plain decimals, by number: f64[N] for DOUBLE, f32[N] for FLOAT.

    An empty cell is NaN. Every line of `text` ends in a newline.
    Returns None where the text holds anything else or rows of other lengths.
    """
    c = load_functions()
    if c is None:
        return None
    shortest, first = len(kinds), bytes(text[:LINE_BYTES]).find(b"\n") + 1
    # first room for twice the rows that the first line lets expect, then for all possible rows
    for line in (max(first // 2, shortest), shortest):
        room = len(text) // line + 1
        columns = {
            int(i): np.empty(room, np.float64 if kinds[i] == DOUBLE else np.float32)
            for i in np.flatnonzero(kinds)
        }
        start = ctypes.byref((ctypes.c_char * len(text)).from_buffer(text))
        sizes = (
            ctypes.c_int64(len(text)),
            ctypes.c_char(separator.encode()),
            ctypes.c_int32(len(kinds)),
        )
        pointers = _make_pointers(columns.values())
        count = c.s2p_rows(
            start, *sizes, ctypes.c_void_p(kinds.ctypes.data), pointers, ctypes.c_int64(room)
        )
        if count != NO_ROOM:
            break
    return None if count < 0 else {i: column[:count] for i, column in columns.items()}


def average_columns(
    sample: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[np.float32]], size: int
) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]] | None:
    """Return what `grid.average_samples` returns. The samples i64[N] must not descend."""
    c = load_functions()
    if c is None:
        return None
    sample = np.ascontiguousarray(sample, np.int64)
    columns = [np.ascontiguousarray(values, np.float32) for values in columns]
    means = [np.empty(size, np.float32) for _ in columns]
    absences = [np.empty(size, bool) for _ in columns]
    c.s2p_means(
        ctypes.c_void_p(sample.ctypes.data),
        ctypes.c_int64(len(sample)),
        ctypes.c_int32(len(columns)),
        _make_pointers(columns),
        ctypes.c_int64(size),
        _make_pointers(means),
        _make_pointers(absences),
    )
    return list(zip(means, absences, strict=True))


def _make_pointers(arrays: Iterable[npt.NDArray[Any]]) -> ctypes.Array[ctypes.c_void_p]:
    addresses = [array.ctypes.data for array in arrays]
    return (ctypes.c_void_p * len(addresses))(*addresses)
