"""The choices that callers and the command line name by words."""

import difflib
from collections.abc import Sequence
from typing import Literal

Device = Literal["auto", "cpu", "cuda"]
Engine = Literal["sliding", "windows"]
Edges = Literal["empty", "repeat", "zeros"]
LearningRateSchedule = Literal["linear", "cosine", "constant"]
RawLayout = Literal["refit", "ukdale", "redd", "nilmtk", "table"]
Scaling = Literal["lineage", "fitted"]
Freeze = Literal["none", "convolutions", "all-but-output"]
Rescale = Literal["keep", "refit"]
Unit = Literal["W", "kW"]
Criterion = Literal["nde", "mae_w", "on_mae_w", "f1"]

FILL = 10
"""Missing readings in a row that are filled. Where one reading in ten is missing, all windows are
whole again (72 to 91 % where they go in bursts of six), and the error grows by at most a tenth
(experiments/fill.py, docs/lab/missing_readings.md)."""


def find_nearest(name: str, choices: Sequence[str]) -> str | None:
    """The choice that a name was perhaps meant for, None where none is near."""
    written = name.strip("-").replace("-", "_").lower()
    return next(iter(difflib.get_close_matches(written, choices, n=1)), None)
