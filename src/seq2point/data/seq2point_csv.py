"""The lineage's training files: two CSV columns, mains and one appliance, both scaled by its
constants, and no times.
"""

from pathlib import Path

import numpy as np

from seq2point.appliances import Appliance
from seq2point.data.checks import Checks
from seq2point.data.table import TIME_NAMES, open_file
from seq2point.errors import DataError
from seq2point.limits import ABSURD_W
from seq2point.recording import Recording
from seq2point.recording.windows import MAINS_MEAN_W, MAINS_STD_W
from seq2point.wording import format_count

ROUNDING_W = 5.0


def is_seq2point_csv(path: str | Path) -> bool:
    """Whether a file is a CSV of two columns without one of times."""
    file = open_file(Path(path))
    return (
        file.first_line is not None and len(file.names) == 2 and file.first_of(TIME_NAMES) is None
    )


def load_seq2point_csv(path: str | Path, appliance: Appliance, period_s: float) -> Recording:
    """A lineage file (`kettle_training_.csv`, with or without a header) as a recording in watts.

    mains = 814 x + 522 and appliance = std y + mean, the lineage's own constants; rounding below
    zero is zero.
    Raises DataError for a file of other than two columns, cells that are not numbers and for values
    that cannot be scaled power.
    """
    file = open_file(Path(path))
    if len(file.names) != 2:
        raise DataError(
            f"{file.path}: {format_count(len(file.names), 'column')}; a lineage file has two, mains"
            f" and {appliance.label}"
        )
    rows = file.read(file.names)
    checks = Checks(file.path, file.first_line, repair=False)
    watts = []
    for name, mean_w, std_w in zip(
        file.names, (MAINS_MEAN_W, appliance.mean_w), (MAINS_STD_W, appliance.std_w), strict=True
    ):
        scaled = checks.numbers(rows[name])
        power_w = scaled * np.float32(std_w) + np.float32(mean_w)
        wrong = np.flatnonzero((power_w < -ROUNDING_W) | (power_w > ABSURD_W))
        if len(wrong):
            row = int(wrong[0])
            raise DataError(
                f"{file.path}, {checks.place(row)}: '{name}' is {scaled[row]:g}, which is no scaled"
                f" power; lineage files hold (watts - {mean_w:g}) / {std_w:g}"
            )
        watts.append(np.maximum(power_w, 0))
    checks.mains_known(watts[0])
    return Recording(file.path.stem, period_s, watts[0], {appliance.name: watts[1]})
