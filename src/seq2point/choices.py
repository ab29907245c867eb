"""Settings that are one of a few words, for the command line and for Python."""

import difflib
from collections.abc import Sequence
from typing import Literal

Device = Literal["auto", "cpu", "cuda"]
Engine = Literal["sliding", "windows"]
Edges = Literal["empty", "repeat", "zeros"]
LearningRateSchedule = Literal["linear", "cosine", "constant"]
RawLayout = Literal["refit", "ukdale", "redd", "nilmtk", "table"]
Scaling = Literal["published", "lineage", "fitted"]
"""'published' is the constants of the table of appliances; 'lineage' is the older word for it."""
Freeze = Literal["none", "convolutions", "all-but-output"]
Rescale = Literal["keep", "refit"]
Unit = Literal["W", "kW", "Wh", "kWh"]
Measure = Literal["power", "energy", "counter"]
"""What readings are: power, the energy of an interval each, or energy counted since some day."""
DateOrder = Literal["day-first", "month-first", "year-first"]
TableFormat = Literal[
    "home-assistant",
    "shelly",
    "emporia",
    "p1",
    "green-button",
    "influx",
    "emoncms",
    "refit",
    "ukdale",
    "redd",
    "nilmtk",
]
SourceName = Literal["mqtt", "homeassistant", "stdin", "replay"]
SinkName = Literal["mqtt", "homeassistant", "page", "jsonl"]
MqttVersion = Literal["5", "3.1.1"]
Criterion = Literal["nde", "mae_w", "on_mae_w", "f1"]


def find_nearest(name: str, choices: Sequence[str]) -> str | None:
    """Return the choice that is spelled most like a name; None where none is near."""
    written = name.strip("-").replace("-", "_").lower()
    return next(iter(difflib.get_close_matches(written, choices, n=1)), None)
