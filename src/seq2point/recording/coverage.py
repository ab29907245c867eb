"""Coverage: how much of a recording was predicted, and how much of that was scored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from seq2point.recording.gaps import bridge_gaps
from seq2point.recording.recording import Recording, Watts

LEAST_SHARE = 0.8
"""A report warns below this share of a recording: the part that counts need not be typical."""

DAY_S = 86400.0


@dataclass(frozen=True)
class Coverage:
    """Days of a recording, days that were predicted, and days that were scored.

    `scored_days` is None without a truth. `filled_readings` of the mains were missing and are
    filled. `bridged_readings` of the truth are missing: they are not scored and end no activation.
    """

    days: float
    predicted_days: float
    scored_days: float | None = None
    filled_readings: int = 0
    bridged_readings: int = 0

    @classmethod
    def measure(
        cls, recording: Recording, predictions_w: Watts, truth_w: Watts | None = None
    ) -> Self:
        """Return the coverage of a recording by predictions f32[T] and a truth f32[T], in watts."""
        day = DAY_S / recording.period_s
        predicted = ~np.isnan(predictions_w)
        scored_days, bridged = None, 0
        if truth_w is not None:
            scored = predicted & ~np.isnan(truth_w)
            scored_days = int(scored.sum()) / day
            bridged = sum(
                int((bridge_gaps(scored[a:b], recording.fill) & ~scored[a:b]).sum())
                for a, b in recording.pieces()
            )
        days = int(predicted.sum()) / day
        return cls(recording.days, days, scored_days, recording.filled_count, bridged)

    @classmethod
    def combine(cls, parts: Sequence["Coverage"]) -> "Coverage":
        """Return the coverage of several recordings together."""
        scored = [part.scored_days for part in parts if part.scored_days is not None]
        return cls(
            sum(part.days for part in parts),
            sum(part.predicted_days for part in parts),
            sum(scored) if scored else None,
            sum(part.filled_readings for part in parts),
            sum(part.bridged_readings for part in parts),
        )

    @classmethod
    def parse(cls, report: Mapping[str, Any]) -> Self:
        """Return the coverage that `as_json` wrote into a report."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: report[name] for name in names if name in report})

    @property
    def counted_days(self) -> float:
        """The days that were scored; without a truth, the days that were predicted."""
        return self.predicted_days if self.scored_days is None else self.scored_days

    @property
    def share(self) -> float:
        """The counted days as a share of all days."""
        return self.counted_days / self.days if self.days else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the coverage as JSON: days, shares of them, and counts of readings."""
        shares = {"predicted": self.predicted_days / self.days if self.days else 0.0}
        days = {"days": self.days, "predicted_days": self.predicted_days}
        if self.scored_days is not None:
            days["scored_days"] = self.scored_days
            shares["scored"] = self.share
        return {name: round(value, 4) for name, value in (days | shares).items()} | {
            "filled_readings": self.filled_readings,
            "bridged_readings": self.bridged_readings,
        }

    def __str__(self) -> str:
        action = "predicted" if self.scored_days is None else "scored"
        factor, unit = (1, "days") if self.days >= 2 else (24, "hours")
        parts = [
            f"{self.counted_days * factor:.1f} of {self.days * factor:.1f} {unit} {action}"
            f" ({self.share:.0%})"
        ]
        if self.filled_readings:
            parts.append(f"{self.filled_readings:,} missing readings of the mains filled")
        if self.bridged_readings:
            parts.append(f"{self.bridged_readings:,} missing readings of the appliance bridged")
        return ", ".join(parts)

    @property
    def warning(self) -> str | None:
        """The warning for a report whose recording counts in small part; None for no warning."""
        if self.share >= LEAST_SHARE:
            return None
        return (
            f"only {self.share:.0%} of the recording counts: the rest has no full window of"
            " readings"
            + ("" if self.scored_days is None else " or no reading of the appliance")
            + "; see `seq2point data check`"
        )
