"""The options of reading a table."""

from collections.abc import Mapping
from typing import Annotated, get_args

from annotated_types import Ge

from seq2point.choices import DateOrder, Measure, TableFormat, Unit
from seq2point.configuration.declare import Config, option

FILL = 10
"""Missing readings in a row that are filled by default. With one reading in ten missing, every
window is whole again (72 to 91 % of them where readings go in bursts of six). The error grows by at
most a tenth (experiments/fill.py, docs/lab/missing_readings.md)."""

FOUND = "found in the file"


class ColumnsConfig(Config):
    """How to read a table: which column holds what, in which unit, and what to do with bad rows.

    What is not named is found by the names and the contents of the columns. `appliances` has
    columns by appliance. Wherever a column is named, its unit may follow ('power[kW]'), columns may
    be added ('a+b+c') or subtracted ('import-export'), and the name of a sensor may stand.
    """

    format: TableFormat | None = option(
        None,
        f"What wrote the file: {', '.join(get_args(TableFormat))}.",
        unset="by its columns",
    )
    time: str | None = option(
        None, "Column of times, where its name is unusual; Date+Time for two.", unset=FOUND
    )
    mains: str | None = option(
        None,
        "Column of the mains, where its name is unusual. Add its unit, as power[kW], or several"
        " columns, as a+b+c.",
        unset=FOUND,
    )
    appliances: Mapping[str, str] = option(
        {}, "Column of the appliance, where its name is unusual."
    )
    sensor: str | None = option(
        None, "Sensor of the mains, in a file with several below one another."
    )
    solar: str | None = option(
        None, "Column of a solar inverter's production, to add to the mains."
    )
    unit: Unit | None = option(None, "Unit of the columns that do not say theirs.", unset="W")
    measures: Measure | None = option(
        None,
        "What the mains are: power, the energy of each interval, or a counter of energy.",
        unset=FOUND,
    )
    dates: DateOrder | None = option(None, "Order of days and months in dates.", unset=FOUND)
    zone: str | None = option(
        None,
        "The home's time zone, of times that do not say theirs and of its days: Europe/London.",
        unset="UTC",
    )
    encoding: str | None = option(None, "Encoding of the text: latin-1.", unset=FOUND)
    separator: str | None = option(None, "What separates the cells: ';'.", unset=FOUND)
    decimal: str | None = option(None, "The decimal mark: ','.", unset=FOUND)
    repair: bool = option(
        False, "Sort rows, drop repeats and make bad readings gaps, instead of refusing the file."
    )
    fill: Annotated[int, Ge(0)] = option(
        FILL, "Missing readings of the mains in a row to fill with the one before them."
    )
    hold_s: Annotated[float, Ge(0)] | None = option(
        None,
        "How long a reading holds where a meter reports changes alone.",
        unset="by its own pace",
    )


DEFAULT_COLUMNS = ColumnsConfig()
