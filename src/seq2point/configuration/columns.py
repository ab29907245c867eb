"""The options of reading a table."""

from collections.abc import Mapping
from typing import Annotated

from annotated_types import Ge

from seq2point.choices import Unit
from seq2point.configuration.declare import Config, option

FILL = 10
"""Missing readings in a row that are filled by default. With one reading in ten missing, every
window is whole again (72 to 91 % of them where readings go in bursts of six). The error grows by at
most a tenth (experiments/fill.py, docs/lab/missing_readings.md)."""


class ColumnsConfig(Config):
    """Which columns of a table hold what, and what to do with bad rows and gaps.

    A column that is not named is found by the usual names. `appliances` names columns by appliance.
    """

    time: str | None = option(None, "Column of times, where its name is unusual.")
    mains: str | None = option(None, "Column of the mains, where its name is unusual.")
    appliances: Mapping[str, str] = option(
        {}, "Column of the appliance, where its name is unusual."
    )
    unit: Unit = option("W", "Unit of the readings.")
    repair: bool = option(
        False, "Sort rows, drop repeats and make bad readings gaps, instead of refusing the file."
    )
    fill: Annotated[int, Ge(0)] = option(
        FILL, "Missing readings of the mains in a row to fill with the one before them."
    )
