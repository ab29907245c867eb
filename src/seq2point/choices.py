"""The choices that callers and the command line name by words."""

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
