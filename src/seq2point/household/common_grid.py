"""One regular grid for all of a home's power, whatever the periods of its models are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import Flags

if TYPE_CHECKING:
    from seq2point.household.mains import HomeMains

MINUTE_S = 60.0
"""The grid is of whole minutes of UTC. Local days, half-hours of tariffs and the minutes in which
people read a clock all begin on one, and a year of it fits a page. Finer power is averaged: it
counts in the energy all the same."""

COARSER_S = (90.0, 100.0, 150.0, 180.0, 225.0, 300.0, 450.0, 900.0)
"""Grids for readings further apart. All divide a quarter of an hour, as zones' offsets do. Readings
further apart than that are repeated."""

TOLERANCE = 1.02
Places = npt.NDArray[np.int64]

LEAST_KNOWN = 0.5
"""The share of a sample's readings that must be known."""


class CommonGrid(NamedTuple):
    """A regular grid of `size` samples from `start_s` on, in seconds since 1970, UTC."""

    start_s: float
    period_s: float
    size: int

    @classmethod
    def under(cls, mains: "HomeMains") -> "CommonGrid":
        """Return the grid under a home's readings: of minutes, or coarser where these are."""
        step_s = mains.period_s if mains.hold_s is None else MINUTE_S
        periods_s = (MINUTE_S, *COARSER_S)
        period_s = next((p for p in periods_s if step_s <= TOLERANCE * p), periods_s[-1])
        start_s = float(np.floor(mains.times_s[0] / period_s)) * period_s
        end_s = mains.times_s[-1] + mains.period_s
        return cls(start_s, period_s, max(round((end_s - start_s) / period_s), 1))

    def place_mains(self, mains: "HomeMains") -> Watts:
        """Return a home's mains on the grid, f32[size] in watts."""
        near = self.period_s / TOLERANCE <= mains.period_s <= TOLERANCE * self.period_s
        at_grid = mains.hold_s is not None or near
        recording = mains.to_recording(self.period_s if at_grid else mains.period_s)
        return self.place(recording, [recording.mains_w])[0]

    def place(self, recording: Recording, powers_w: Sequence[Watts]) -> list[Watts]:
        """Return series of power f32[T] at a recording's samples on the grid, each f32[size]; NaN
        is a gap.

        Finer samples are averaged where half of them are known, coarser ones are repeated. Samples
        of the grid's own period move to the nearest place, so that peaks stay what they are.
        """
        times_s, period_s = recording.times_s(), recording.period_s
        if period_s > TOLERANCE * self.period_s:
            middles_s = self.start_s + self.period_s * (np.arange(self.size) + 0.5)
            row = np.searchsorted(times_s, middles_s, side="right") - 1
            within = (row >= 0) & (middles_s < times_s[row] + period_s)
            return [self._repeat(within, row, power_w) for power_w in powers_w]
        if period_s == self.period_s:
            place = np.round((times_s - self.start_s) / self.period_s).astype(np.int64)
            inside = (place >= 0) & (place < self.size)
            return [self._move(inside, place, power_w) for power_w in powers_w]
        place = np.floor((times_s + period_s / 2 - self.start_s) / self.period_s).astype(np.int64)
        inside = (place >= 0) & (place < self.size)
        if not inside.all():
            place, powers_w = place[inside], [power_w[inside] for power_w in powers_w]
        counts = np.bincount(place, minlength=self.size)
        least = max(LEAST_KNOWN * self.period_s / period_s, 1)
        return [self._average(place, counts, power_w, least) for power_w in powers_w]

    def _repeat(self, within: Flags, row: Places, power_w: Watts) -> Watts:
        placed = np.full(self.size, np.nan, np.float32)
        placed[within] = power_w[row[within]]
        return placed

    def _move(self, inside: Flags, place: Places, power_w: Watts) -> Watts:
        placed = np.full(self.size, np.nan, np.float32)
        placed[place[inside]] = power_w[inside]
        return placed

    def _average(self, place: Places, counts: Places, power_w: Watts, least: float) -> Watts:
        placed = np.full(self.size, np.nan, np.float32)
        gaps = np.isnan(power_w)
        counts = counts - np.bincount(place[gaps], minlength=self.size)
        sums = np.bincount(place, np.where(gaps, np.float32(0), power_w), self.size)
        enough = counts >= least
        placed[enough] = sums[enough] / counts[enough]
        return placed
