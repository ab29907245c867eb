"""Clipping: the limits that a protocol puts on readings before anything is learned from them or
scored on them.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from seq2point.appliances import Appliance
from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import count_samples, find_stuck


class Clipping(BaseModel):
    """What is cut off readings, in watts; nothing by default. Gaps stay gaps.

    `mains_w` is the most that the mains may read, `appliance_w` the most that an appliance may: a
    number for all of them, or 'table' for the maximum in each one's row. Readings below `below_w`
    count as zero, the mains' too. Mains that stand still for `stuck_s` seconds are a lost
    connection, filled forward: gaps.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mains_w: PositiveFloat | None = None
    appliance_w: PositiveFloat | Literal["table"] | None = None
    below_w: float = Field(0.0, ge=0)
    stuck_s: PositiveFloat | None = None

    def apply(self, recording: Recording, appliance: Appliance) -> Recording:
        """A recording with its mains and one appliance clipped; raises DataError where it lacks the
        appliance.
        """
        highest_w = appliance.max_power_w if self.appliance_w == "table" else self.appliance_w
        power_w = self._clipped(recording.appliance_w(appliance.name), highest_w)
        mains_w = self._moving(self._clipped(recording.mains_w, self.mains_w), recording)
        return replace(
            recording,
            mains_w=mains_w,
            appliances_w={**recording.appliances_w, appliance.name: power_w},
        )

    def _moving(self, mains_w: Watts, recording: Recording) -> Watts:
        if self.stuck_s is None:
            return mains_w
        moving_w = mains_w.copy()
        for begin, end in recording.pieces():
            firsts, lengths = find_stuck(
                recording.mains_w[begin:end], count_samples(self.stuck_s, recording.period_s)
            )
            for first, length in zip(begin + firsts, lengths, strict=True):
                moving_w[first : first + length] = np.nan
        return moving_w

    def _clipped(self, watts: Watts, highest_w: float | None) -> Watts:
        if self.below_w:
            watts = np.where(watts < self.below_w, np.float32(0), watts)
        return watts if highest_w is None else np.minimum(watts, np.float32(highest_w))
