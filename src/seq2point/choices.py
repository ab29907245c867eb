"""The choices that callers and the command line name by words."""

from typing import Literal

Device = Literal["auto", "cpu", "cuda"]
Engine = Literal["sliding", "windows"]
Edges = Literal["empty", "repeat", "zeros"]
LearningRateSchedule = Literal["linear", "cosine", "constant"]
Scaling = Literal["lineage", "fitted"]
Unit = Literal["W", "kW"]
