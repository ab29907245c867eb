"""Reports of conversions: counts of what was read, dropped, repaired and left out, by house."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from seq2point.data.grid import JUMP_S, Times

FLAGGED = "issues"
UNREADABLE = "unreadable time"
REPEATED = "repeated"
STEPPED_BACK = "clock stepped back"

STEP_S = 0.01  # steps between times are counted to a hundredth of a second
STEPS_OF_A_PIECE = 4096  # enough for the usual step, and counted in no time


@dataclass
class Tally:
    """The counts of one meter while it is read.

    `dropped` counts rows by the reason. The other counters count readings by column.
    """

    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    glitches: Counter[str] = field(default_factory=Counter)
    below_zero: Counter[str] = field(default_factory=Counter)
    no_number: Counter[str] = field(default_factory=Counter)
    marks: Counter[tuple[str, float]] = field(default_factory=Counter)
    sorted_rows: int = 0
    steps: "np.ndarray[Any, np.dtype[np.int64]]" = field(
        default_factory=lambda: np.zeros(int(JUMP_S / STEP_S) + 1, np.int64)
    )

    def count_steps(self, times_s: Times) -> None:
        """Count the steps between the first times of a piece, f64[N] in seconds."""
        steps = np.diff(times_s[:STEPS_OF_A_PIECE])
        within = steps[(steps > 0) & (steps <= JUMP_S)]
        counts = np.bincount(np.rint(within / STEP_S).astype(np.int64))
        self.steps[: len(counts)] += counts

    @property
    def period_s(self) -> float | None:
        """The median step to a hundredth of a second; None for fewer than two readings."""
        total = int(self.steps.sum())
        if not total:
            return None
        return round(float(np.searchsorted(np.cumsum(self.steps), (total + 1) // 2)) * STEP_S, 2)


@dataclass(frozen=True)
class ConversionReport:
    """The report of one house's conversion.

    Rows are those of all its meters. `filled` and `gaps` count samples by column, `marks` readings
    that mean a missing one, by column and mark. `interpretation` is what was understood of a table,
    as JSON.
    """

    house: str
    file: str
    samples: int
    period_s: float
    days: float
    start: str
    end: str
    jumps: int
    rows_read: int
    rows_kept: int
    dropped: Mapping[str, int]
    sorted_rows: int
    glitches: Mapping[str, int]
    below_zero: Mapping[str, int]
    no_number: Mapping[str, int]
    filled: Mapping[str, int]
    gaps: Mapping[str, int]
    periods_found_s: Mapping[str, float]
    channels: Mapping[str, str]
    remarks: tuple[str, ...]
    marks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    interpretation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def appliances(self) -> list[str]:
        """The appliances of the house."""
        return [name for name in self.channels if name != "mains"]

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return asdict(self)
