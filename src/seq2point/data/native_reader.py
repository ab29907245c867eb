"""Readings out of text and onto a grid in C (readings.c), where there is a compiler; the same
elsewhere without it.
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
NO_ROOM = -2
LINE_BYTES = 4096


@cache
def load_functions() -> ctypes.CDLL | None:
    """The compiled functions; None where they cannot be had."""
    found = c_library.load_library(
        SOURCE, "conversion runs on Polars and NumPy alone, at half of the speed"
    )
    if found:
        found.s2p_rows.restype = ctypes.c_int64
        found.s2p_means.restype = None
    return found


def parse_rows(
    text: memoryview, separator: str, kinds: npt.NDArray[np.int32]
) -> dict[int, npt.NDArray[Any]] | None:
    """The columns of rows of plain decimals, by their number: f64[N] where `kinds` says DOUBLE,
    f32[N] where it says FLOAT.

    An empty cell is NaN. None where the text holds anything else, or rows of other lengths. Its
    every line ends in a newline.
    """
    c = load_functions()
    if c is None:
        return None
    shortest, first = len(kinds), bytes(text[:LINE_BYTES]).find(b"\n") + 1
    for line in (
        max(first // 2, shortest),
        shortest,
    ):  # room for twice as many rows as the first line lets expect, or for all
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
        pointers = _pointers(columns.values())
        count = c.s2p_rows(
            start, *sizes, ctypes.c_void_p(kinds.ctypes.data), pointers, ctypes.c_int64(room)
        )
        if count != NO_ROOM:
            break
    return None if count < 0 else {i: column[:count] for i, column in columns.items()}


def average_columns(
    sample: npt.NDArray[np.int64], columns: Sequence[npt.NDArray[np.float32]], size: int
) -> list[tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]] | None:
    """What `grid.average_samples` gives for each of the columns; the samples i64[N] must not
    descend.
    """
    c = load_functions()
    if c is None:
        return None
    sample, columns = (
        np.ascontiguousarray(sample, np.int64),
        [np.ascontiguousarray(values, np.float32) for values in columns],
    )
    found = [(np.empty(size, np.float32), np.empty(size, bool)) for _ in columns]
    given, mean, absent = map(_pointers, (columns, [m for m, _ in found], [a for _, a in found]))
    count, width = ctypes.c_int64(len(sample)), ctypes.c_int32(len(columns))
    c.s2p_means(
        ctypes.c_void_p(sample.ctypes.data), count, width, given, ctypes.c_int64(size), mean, absent
    )
    return found


def _pointers(arrays: Iterable[npt.NDArray[Any]]) -> ctypes.Array[ctypes.c_void_p]:
    addresses = [array.ctypes.data for array in arrays]
    return (ctypes.c_void_p * len(addresses))(*addresses)
