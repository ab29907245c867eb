"""Seq2point CSV: the training files of the published code.

Two columns, the mains and one appliance, both scaled by the published constants, and no times.
"""

from pathlib import Path

import numpy as np

from seq2point.appliances import Appliance
from seq2point.data.checks import Checks
from seq2point.data.columns import TIME_NAMES
from seq2point.data.table_file import open_table_file
from seq2point.errors import DataError
from seq2point.limits import ABSURD_W
from seq2point.recording import Recording
from seq2point.recording.scaling import MAINS_MEAN_W, MAINS_STD_W
from seq2point.wording import format_count

ROUNDING_W = 5.0
"""The files hold few digits: zero watts may come out this little below zero."""


def is_seq2point_csv(path: str | Path) -> bool:
    """Return whether a file is a CSV of two columns, none of them times."""
    file = open_table_file(Path(path))
    is_csv = file.first_line is not None
    return is_csv and len(file.names) == 2 and file.find_first(TIME_NAMES) is None


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
    rows = file.read(file.names)
    checks = Checks(file.path, file.first_line, repair=False)
    watts = []
    for name, mean_w, std_w in zip(
        file.names, (MAINS_MEAN_W, appliance.mean_w), (MAINS_STD_W, appliance.std_w), strict=True
    ):
        scaled = checks.parse_numbers(rows[name])
        power_w = scaled * np.float32(std_w) + np.float32(mean_w)
        invalid = np.flatnonzero((power_w < -ROUNDING_W) | (power_w > ABSURD_W))
        if len(invalid):
            row = int(invalid[0])
            raise DataError(
                f"{file.path}, {checks.describe_row(row)}: '{name}' is {scaled[row]:g}, not a"
                f" scaled power; a seq2point CSV holds (watts - {mean_w:g}) / {std_w:g}"
            )
        watts.append(np.maximum(power_w, 0))
    checks.require_mains(watts[0])
    return Recording(file.path.stem, period_s, watts[0], {appliance.name: watts[1]})
