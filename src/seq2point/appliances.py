"""The one table of appliances: names and aliases, thresholds, durations and scaling constants."""

import re

from pydantic import BaseModel, ConfigDict, Field

from seq2point.errors import UsageError


class Appliance(BaseModel):
    """What the methods need to know about one appliance; a model carries its own copy in its file.

    Thresholds and durations decide when the appliance counts as on (Kelly and Knottenbelt 2015, 'Neural NILM', table 4);
    `mean_w` and `std_w` are the scaling constants of the seq2point lineage (Zhang et al. 2018).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    max_power_w: float = Field(gt=0)
    on_power_w: float = Field(gt=0)
    min_on_s: float = Field(ge=0)
    min_off_s: float = Field(ge=0)
    mean_w: float
    std_w: float = Field(gt=0)

    @property
    def label(self) -> str:
        """The name as people write it: 'washing machine'."""
        return self.name.replace("_", " ")


def _row(name: str, max_w: float, on_w: float, on_s: float, off_s: float, mean_w: float, std_w: float) -> Appliance:
    return Appliance(name=name, max_power_w=max_w, on_power_w=on_w, min_on_s=on_s, min_off_s=off_s, mean_w=mean_w, std_w=std_w)


APPLIANCES: dict[str, Appliance] = {
    row.name: row
    for row in (
        _row("kettle", 3100, 2000, 12, 0, 700, 1000),
        _row("fridge", 300, 50, 60, 12, 200, 400),
        _row("washing_machine", 2500, 20, 1800, 160, 400, 700),
        _row("microwave", 3000, 200, 12, 30, 500, 800),
        _row("dishwasher", 2500, 10, 1800, 1800, 700, 1000),
    )
}

ALIASES = {
    "fridge_freezer": "fridge",
    "refrigerator": "fridge",
    "dish_washer": "dishwasher",
    "washingmachine": "washing_machine",
    "washer": "washing_machine",
    "clothes_washer": "washing_machine",
    "washer_dryer": "washing_machine",
}


def canonical(name: str) -> str:
    """The column name of an appliance however it was written: 'Washing Machine' is 'washing_machine'."""
    plain = re.sub(r"[\s\-]+", "_", name.strip().lower())
    return ALIASES.get(plain, plain)


def find(name: str) -> Appliance:
    """The table's row for a name or alias.

    Raises UsageError for a name the table lacks, with the names it has.
    """
    try:
        return APPLIANCES[canonical(name)]
    except KeyError:
        raise UsageError(f"unknown appliance '{name}': choose one of {', '.join(APPLIANCES)}") from None
