"""Scaling: watts to network units and back, with published or fitted constants."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from seq2point.appliances import Appliance, Definition
from seq2point.errors import DataError
from seq2point.recording.recording import Recording, Watts
from seq2point.wording import format_count, format_watts

MAINS_MEAN_W, MAINS_STD_W = 522.0, 814.0
"""The published constants of the mains (Zhang et al. 2018)."""

SMALLEST_STD_W = 1.0
"""The least deviation that is fitted: a constant series would divide by zero."""


class Scale(BaseModel):
    """The constants of (power - mean) / std, for the mains and for each appliance in order."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mains_mean_w: float = MAINS_MEAN_W
    mains_std_w: float = Field(MAINS_STD_W, gt=0)
    appliance_mean_w: tuple[float, ...]
    appliance_std_w: tuple[PositiveFloat, ...]

    @classmethod
    def published(cls, appliances: Sequence[Appliance]) -> Self:
        """Return the published constants of the mains, and those of the appliances."""
        return cls(
            appliance_mean_w=tuple(a.mean_w for a in appliances),
            appliance_std_w=tuple(a.std_w for a in appliances),
        )

    @classmethod
    def fit(cls, appliances: Sequence[Appliance], recordings: Sequence[Recording]) -> Self:
        """Return the mean and standard deviation of recordings: the training houses alone.

        Raises DataError for an appliance that a house lacks, and where there is no reading.
        """
        mains = _collect_known(recordings, "mains", [r.mains_w for r in recordings])
        mains_mean_w, mains_std_w = _measure_moments(mains)
        moments_w = [
            _measure_moments(
                _collect_known(recordings, a.name, [r.appliance_w(a.name) for r in recordings])
            )
            for a in appliances
        ]
        return cls(
            mains_mean_w=mains_mean_w,
            mains_std_w=mains_std_w,
            appliance_mean_w=tuple(mean_w for mean_w, _ in moments_w),
            appliance_std_w=tuple(std_w for _, std_w in moments_w),
        )


def find_output_mismatch(appliances: Sequence[Appliance], scale: Scale, outputs: int) -> str | None:
    """Return which field of a model does not fit its outputs, and why; None where all fit."""
    names = [appliance.name for appliance in appliances]
    counts = {
        "appliances": len(names),
        "scale.appliance_mean_w": len(scale.appliance_mean_w),
        "scale.appliance_std_w": len(scale.appliance_std_w),
    }
    for field, count in counts.items():
        if count != outputs:
            return (
                f"{field}: has {format_count(count, 'entry', 'entries')} for a network of"
                f" {format_count(outputs, 'output')}"
            )
    repeated = next((name for name in names if names.count(name) > 1), None)
    return f"appliances: '{repeated}' is listed twice" if repeated else None


def define_from_recordings(definition: Definition, recordings: Sequence[Recording]) -> Appliance:
    """Return the appliance of a definition, its scaling fitted on recordings.

    The recordings are the training houses alone. `mean_w` and `std_w` are of all readings of the
    appliance. Its `max_power_w` is the highest reading where the definition has none.
    Raises DataError for a house without the appliance, for no reading, and for readings that never
    exceed `on_power_w`.
    """
    known = _collect_known(
        recordings, definition.name, [r.appliance_w(definition.name) for r in recordings]
    )
    highest_w = float(known.max())
    if highest_w <= definition.on_power_w:
        houses = ", ".join(r.house for r in recordings)
        raise DataError(
            f"{houses}: '{definition.name}' never exceeds {format_watts(definition.on_power_w)},"
            f" its highest reading is {format_watts(highest_w)}; lower `on_power_w`"
        )
    mean_w, std_w = _measure_moments(known)
    values = definition.model_dump() | {"mean_w": mean_w, "std_w": std_w}
    return Appliance.model_validate(values | {"max_power_w": definition.max_power_w or highest_w})


def _collect_known(recordings: Sequence[Recording], name: str, series: Sequence[Watts]) -> Watts:
    """Return all readings of several recordings' series; raises DataError for none."""
    known = np.concatenate([power_w[~np.isnan(power_w)] for power_w in series])
    if len(known) == 0:
        raise DataError(
            f"{', '.join(r.house for r in recordings)}: no reading of '{name}' to fit a scale to"
        )
    return known


def _measure_moments(known: Watts) -> tuple[float, float]:
    std_w = float(known.std(dtype=np.float64))
    return float(known.mean(dtype=np.float64)), max(std_w, SMALLEST_STD_W)
