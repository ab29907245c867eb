"""Sampling: ordered readings onto the regular grid that batch reading gives, sample by sample."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import (
    JUMP_S,
    LEAST_KNOWN,
    USUAL_STEPS,
    Times,
    average_samples,
)
from seq2point.recording import Watts

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Samples(NamedTuple):
    """Samples of the mains: times f64[T], watts f32[T] with NaN for gaps, and whether time jumps
    just before each.
    """

    times_s: Times
    watts: Watts
    jumps: Flags

    @classmethod
    def empty(cls) -> "Samples":
        """Return no samples."""
        return cls(np.empty(0), np.empty(0, np.float32), np.empty(0, bool))

    @classmethod
    def concatenate(cls, parts: Sequence["Samples"]) -> "Samples":
        """Return samples one after the other."""
        parts = [cls.empty(), *parts]
        return cls(
            np.concatenate([part.times_s for part in parts]),
            np.concatenate([part.watts for part in parts]),
            np.concatenate([part.jumps for part in parts]),
        )

    def slice(self, first: int, end: int | None = None) -> "Samples":
        """Return the samples [first, end)."""
        return Samples(self.times_s[first:end], self.watts[first:end], self.jumps[first:end])


class Sampler:
    """Places ascending readings on a regular grid as `data.grid.place_on_grid` does.

    A sample is the mean of the readings nearest to its time. Where readings are at most half as far
    apart again as usual (`usual_step_s`), none is missing between them. With `hold_s` a reading
    holds until the next, for so long, and a sample is the mean over its period. More than an hour
    without a reading is a jump: the grid begins anew.
    """

    def __init__(self, period_s: float, usual_step_s: float, hold_s: float | None = None):
        self.period_s, self.usual_step_s, self.hold_s = period_s, usual_step_s, hold_s
        self._origin_s = 0.0
        self._next = 0
        self._jumped = False
        self.is_open = False
        """Whether a piece of the grid goes on: another reading has its place on it."""
        self._last_s = -np.inf
        self._times_s: Times = np.empty(0)
        self._watts: Watts = np.empty(0, np.float32)

    @property
    def jump_s(self) -> float:
        """The longest time without a reading that is no jump."""
        return max(JUMP_S, 2 * self.period_s, self.hold_s or 0.0)

    def feed(self, times_s: Times, watts: Watts) -> Samples:
        """Return the samples that further readings cannot change, in order."""
        if not len(times_s):
            return Samples.empty()
        since = np.append([self._last_s] if self.is_open else [], times_s)
        known = len(since) - len(times_s)
        starts = (np.flatnonzero(np.diff(since) > self.jump_s) + 1 - known).tolist()
        samples = []
        for first, end in pairwise([0, *starts, len(times_s)]):
            if first in starts:
                samples.append(self._end_piece())
            samples.append(self._go_on(times_s[first:end], watts[first:end]))
        return Samples.concatenate(samples)

    def advance(self, until_s: float) -> Samples:
        """Return the samples that no reading after a time can change, although none has come.

        After the longest time without a reading the grid ends.
        """
        silent_s = until_s - self._last_s
        if not self.is_open or (
            self.hold_s is None and silent_s <= USUAL_STEPS * self.usual_step_s
        ):
            return Samples.empty()
        samples = self._make(self._count_places(min(until_s, self._last_s + self.jump_s)))
        if silent_s > self.jump_s:
            self._close()
        return samples

    def flush(self) -> Samples:
        """Return the samples up to the last reading; the next one begins anew."""
        return self._end_piece()

    def _end_piece(self) -> Samples:
        if not self.is_open:
            return Samples.empty()
        samples = self._make(int(self._place(np.array([self._last_s]))[0]) + 1)
        self._close()
        return samples

    def _close(self) -> None:
        self._jumped, self.is_open = True, False
        self._times_s, self._watts = self._times_s[:0], self._watts[:0]

    def _place(self, times_s: Times) -> Places:
        return np.round((times_s - self._origin_s) / self.period_s).astype(np.int64)

    def _go_on(self, times_s: Times, watts: Watts) -> Samples:
        if not len(times_s):
            return Samples.empty()
        if not self.is_open:
            self._origin_s, self._next, self.is_open = float(times_s[0]), 0, True
        self._last_s = float(times_s[-1])
        self._times_s = np.concatenate((self._times_s, times_s))
        self._watts = np.concatenate((self._watts, watts.astype(np.float32)))
        return self._make(self._count_places(self._last_s))

    def _count_places(self, until_s: float) -> int:
        """Return how many samples readings up to a time decide."""
        if self.hold_s is None:
            return int(self._place(np.array([until_s]))[0])
        return int(np.floor((until_s - self._origin_s) / self.period_s))

    def _make(self, end: int) -> Samples:
        """Return the samples up to place `end`, and forget the readings that no other needs."""
        count = end - self._next
        if count <= 0:
            return Samples.empty()
        watts = self._average(count) if self.hold_s is None else self._integrate(count, self.hold_s)
        times_s = (self._origin_s + (self._next + np.arange(count)) * self.period_s).astype(float)
        jumps = np.zeros(count, bool)
        jumps[0], self._jumped = self._jumped, False
        self._next = end
        self._forget()
        return Samples(times_s, watts, jumps)

    def _forget(self) -> None:
        if self.hold_s is None:
            first = int(np.searchsorted(self._place(self._times_s), self._next))
        else:
            begin_s = self._origin_s + self._next * self.period_s
            first = max(int(np.searchsorted(self._times_s, begin_s, side="right")) - 1, 0)
        self._times_s, self._watts = self._times_s[first:], self._watts[first:]

    def _average(self, count: int) -> Watts:
        """Return the next samples as means of the readings nearest to each."""
        places = self._place(self._times_s) - self._next
        here = places < count
        ((mean, _),) = average_samples(places[here], [self._watts[here]], count)
        skips = np.flatnonzero(
            (np.diff(places) > 1) & (np.diff(self._times_s) <= USUAL_STEPS * self.usual_step_s)
        )
        for i in skips:
            mean[places[i] + 1 : places[i + 1]] = mean[places[i]]
        return mean

    def _integrate(self, count: int, hold_s: float) -> Watts:
        """Return the next samples as means over time of readings that hold."""
        known = np.isfinite(self._watts)
        lasts_s = np.append(np.diff(self._times_s), hold_s).clip(max=hold_s) * known
        knots_s = np.column_stack((self._times_s, self._times_s + lasts_s)).ravel()
        begins_s = self._origin_s + (self._next + np.arange(count)) * self.period_s
        ends_s = begins_s + self.period_s
        held_w = np.where(known, self._watts, 0).astype(np.float64)
        total, seconds = (
            np.interp(ends_s, knots_s, integral) - np.interp(begins_s, knots_s, integral)
            for rise in (held_w * lasts_s, lasts_s)
            for integral in [np.column_stack((np.cumsum(rise) - rise, np.cumsum(rise))).ravel()]
        )
        seconds = np.where(seconds >= LEAST_KNOWN * self.period_s, seconds, np.nan)
        mean: Watts = (total / seconds).astype(np.float32)
        return mean

    def as_json(self) -> dict[str, Any]:
        """Return what must be kept for a start in the midst of it, as JSON."""
        return {
            "origin_s": self._origin_s,
            "next": self._next,
            "jumped": self._jumped,
            "is_open": self.is_open,
            "last_s": self._last_s if np.isfinite(self._last_s) else None,
            "times_s": self._times_s.tolist(),
            "watts": [None if np.isnan(w) else float(w) for w in self._watts],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `as_json` returned."""
        self._origin_s, self._next = state["origin_s"], state["next"]
        self._jumped, self.is_open = state["jumped"], state["is_open"]
        self._last_s = -np.inf if state["last_s"] is None else state["last_s"]
        self._times_s = np.array(state["times_s"], np.float64)
        self._watts = np.array([np.nan if w is None else w for w in state["watts"]], np.float32)
