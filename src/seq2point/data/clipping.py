"""Clipping: the limits that a protocol puts on readings before training and scoring."""

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from seq2point.appliances import Appliance
from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import count_samples, find_stuck


class Clipping(BaseModel):
    """Limits on readings, in watts; none by default. Gaps stay gaps.

    `mains_w` is the highest reading of the mains, `appliance_w` that of an appliance. 'table' takes
    each appliance's maximum from the table of appliances. Readings below `below_w` count as zero,
    those of the mains too. Mains that are stuck for `stuck_s` seconds become a gap: the meter lost
    its connection, and its last reading was repeated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mains_w: PositiveFloat | None = None
    appliance_w: PositiveFloat | Literal["table"] | None = None
    below_w: float = Field(0.0, ge=0)
    stuck_s: PositiveFloat | None = None

    def apply(self, recording: Recording, appliance: Appliance) -> Recording:
        """Return a recording with its mains and one appliance clipped.

        Raises DataError where it lacks the appliance.
        """
        highest_w = appliance.max_power_w if self.appliance_w == "table" else self.appliance_w
        power_w = self._clip(recording.appliance_w(appliance.name), highest_w)
        mains_w = self._remove_stuck(self._clip(recording.mains_w, self.mains_w), recording)
        return replace(
            recording,
            mains_w=mains_w,
            appliances_w={**recording.appliances_w, appliance.name: power_w},
        )

    def _remove_stuck(self, mains_w: Watts, recording: Recording) -> Watts:
        if self.stuck_s is None:
            return mains_w
        result_w = mains_w.copy()
        for begin, end in recording.pieces():
            firsts, lengths = find_stuck(
                recording.mains_w[begin:end], count_samples(self.stuck_s, recording.period_s)
            )
            for first, length in zip(begin + firsts, lengths, strict=True):
                result_w[first : first + length] = np.nan
        return result_w

    def _clip(self, watts: Watts, highest_w: float | None) -> Watts:
        if self.below_w:
            watts = np.where(watts < self.below_w, np.float32(0), watts)
        return watts if highest_w is None else np.minimum(watts, np.float32(highest_w))
