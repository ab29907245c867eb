"""Pieces of a table: some rows, with their numbers in the file."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl


class TablePiece(NamedTuple):
    """Consecutive rows of a table.

    Where the file is text, a column of `frame` is text, stripped and with decimal points, null
    where a cell is empty. In a piece of plain numbers it is Float64 or Float32, NaN where a cell is
    empty. In Parquet and data frames it has its own type. `lines` i64[N] has the number of each
    row for messages, from 1. `size` is the bytes that the piece was read from, `bad_rows` the
    number of rows that `repair` left out.
    """

    frame: pl.DataFrame
    lines: npt.NDArray[np.int64]
    size: int = 0
    bad_rows: int = 0

    def __len__(self) -> int:
        return len(self.lines)


def drop_blank_end(pieces: Iterable[TablePiece]) -> Iterator[TablePiece]:
    """Yield the pieces of a single column of text or numbers without the blank rows at its end.

    Blank rows between others are gaps.
    """
    blank: list[TablePiece] = []
    for piece in pieces:
        known = piece.frame.to_series().is_not_null().to_numpy()
        end = int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0
        if end:
            yield from blank
            blank = []
            yield TablePiece(piece.frame[:end], piece.lines[:end], piece.size, piece.bad_rows)
        if end < len(piece):
            blank.append(TablePiece(piece.frame[end:], piece.lines[end:]))
