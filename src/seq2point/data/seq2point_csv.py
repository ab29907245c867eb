"""Seq2point CSV: the training files of the published code.

Two columns, the mains and one appliance, both scaled by the published constants, and no times.
"""

from pathlib import Path

import numpy as np
import polars as pl

from seq2point.appliances import Appliance
from seq2point.data.file_errors import LONGEST_CELL
from seq2point.data.interpretation.sample import parse_numbers
from seq2point.data.interpretation.time_columns import is_time_name
from seq2point.data.table_file import describe_place, open_table_file
from seq2point.errors import DataError
from seq2point.limits import ABSURD_W
from seq2point.recording import Recording
from seq2point.recording.scaling import MAINS_MEAN_W, MAINS_STD_W
from seq2point.wording import format_count

FIRST = "column_1"  # the first column of a file without a heading
ROUNDING_W = 5.0
"""The files hold few digits: zero watts may come out this little below zero."""


def is_seq2point_csv(path: str | Path) -> bool:
    """Return whether a file is a CSV of two columns, none of them times."""
    file = open_table_file(Path(path))
    timeless = not any(is_time_name(name) and name != FIRST for name in file.names)
    return bool(file.dialect_json) and len(file.names) == 2 and timeless


def load_seq2point_csv(path: str | Path, appliance: Appliance, period_s: float) -> Recording:
    """Return the recording in watts of a seq2point CSV such as `kettle_training_.csv`.

    mains = 814 x + 522, appliance = std y + mean. A little below zero is rounding and becomes zero.
    The file may have a header.
    Raises DataError for another number of columns, for cells that are not numbers and for values
    that cannot be scaled power.
    """
    file = open_table_file(Path(path))
    if len(file.names) != 2:
        raise DataError(
            f"{file.path}: has {format_count(len(file.names), 'column')}; a seq2point CSV has two,"
            f" mains and {appliance.label}"
        )
    pieces = list(file.read_pieces(file.names))
    lines = np.concatenate([piece.lines for piece in pieces]) if pieces else np.empty(0)
    if not len(lines):
        raise DataError(f"{file.path}: holds no rows")
    watts = []
    for name, mean_w, std_w in zip(
        file.names, (MAINS_MEAN_W, appliance.mean_w), (MAINS_STD_W, appliance.std_w), strict=True
    ):
        cells = [parse_numbers(piece.frame[name]) for piece in pieces]
        scaled = np.concatenate([values for values, _ in cells])
        words = np.flatnonzero(np.concatenate([is_word for _, is_word in cells]))
        if len(words):
            place = describe_place(file, int(lines[words[0]]))
            cell = pl.concat([piece.frame[name] for piece in pieces])[int(words[0])]
            raise DataError(f"{place}: '{name}' is '{cell[:LONGEST_CELL]}', not a number; mend it")
        power_w = (scaled * std_w + mean_w).astype(np.float32)
        invalid = np.flatnonzero((power_w < -ROUNDING_W) | (power_w > ABSURD_W))
        if len(invalid):
            row = int(invalid[0])
            raise DataError(
                f"{describe_place(file, int(lines[row]))}: '{name}' is {scaled[row]:g}, not a"
                f" scaled power; a seq2point CSV holds (watts - {mean_w:g}) / {std_w:g}"
            )
        watts.append(np.maximum(power_w, 0))
    if np.isnan(watts[0]).all():
        raise DataError(f"{file.path}: the mains hold no reading at all, only gaps")
    return Recording(file.path.stem, period_s, watts[0], {appliance.name: watts[1]})
