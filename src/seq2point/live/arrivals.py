"""Readings in the order of their times: late ones wait for, repeated and too late ones left out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seq2point.data.grid import Times
from seq2point.live.readings import EARLIEST_S, LATEST_S
from seq2point.recording import Watts

LEAP_S = 86_400.0
"""A reading this far ahead of all others counts only once the next one agrees with it."""

NEAR_S = 3600.0
"""The next reading agrees with one that leaps ahead, where it is this near to it."""


@dataclass
class ArrivalCounts:
    """How many readings were left out: too late, with a time that had come, and with a time far
    ahead that no other reading agrees with.
    """

    late: int = 0
    repeated: int = 0
    stray: int = 0


@dataclass
class Arrivals:
    """Puts readings in order. A reading may come up to `late_s` after one of a later time.

    Which readings are taken follows from their order alone, not from the batches they come in. Of
    two with one time the first counts. The times that go out always ascend.
    """

    late_s: float = 0.0
    counts: ArrivalCounts = field(default_factory=ArrivalCounts)

    def __post_init__(self) -> None:
        self.newest_s = self._closed_s = -np.inf
        self._times_s: Times = np.empty(0)
        self._watts: Watts = np.empty(0, np.float32)
        self._leap: tuple[float, float] | None = None

    def feed(self, times_s: Times, watts: Watts) -> tuple[Times, Watts]:
        """Return the readings that no later one can precede, with ascending times."""
        keep = np.isfinite(times_s)
        times_s, watts = self._leave_out_strays(times_s[keep], watts[keep])
        newest_s = np.maximum.accumulate(np.append(self.newest_s, times_s))
        in_time = times_s > np.maximum(newest_s[:-1] - self.late_s, self._closed_s)
        is_newest = times_s[~in_time] == newest_s[:-1][~in_time]
        self.counts.repeated += int(is_newest.sum())
        self.counts.late += int((~is_newest).sum())
        self.newest_s = float(newest_s[-1])
        self._join(times_s[in_time], watts[in_time])
        return self._release(self.newest_s - self.late_s)

    def advance(self, until_s: float) -> tuple[Times, Watts]:
        """Return the readings up to a time. One that comes after this must be of a later time."""
        self._closed_s = max(self._closed_s, until_s)
        return self._release(until_s)

    def flush(self) -> tuple[Times, Watts]:
        """Return all readings that wait."""
        if self._leap is not None:
            times_s, watts = (np.array([value]) for value in self._leap)
            self._leap = None
            self._join(times_s, watts)
        return self._release(np.inf)

    def _leave_out_strays(self, times_s: Times, watts: Watts) -> tuple[Times, Watts]:
        """Return the readings without those that leap ahead alone. The last may wait."""
        ahead_s = np.maximum.accumulate(np.append(self.newest_s, times_s))
        ahead_s = ahead_s[np.isfinite(ahead_s)]
        if self._leap is None and not (np.diff(ahead_s) > LEAP_S).any():
            return times_s, watts
        kept: list[tuple[float, float]] = []
        newest_s = self.newest_s
        for time_s, power_w in zip(times_s.tolist(), watts.tolist(), strict=True):
            if self._leap is not None:
                if time_s == self._leap[0]:
                    self.counts.repeated += 1
                    continue
                if abs(time_s - self._leap[0]) <= NEAR_S:
                    kept.append(self._leap)
                    newest_s = max(newest_s, self._leap[0])
                else:
                    self.counts.stray += 1
                self._leap = None
            if np.isfinite(newest_s) and time_s - newest_s > LEAP_S:
                self._leap = (time_s, power_w)
                continue
            kept.append((time_s, power_w))
            newest_s = max(newest_s, time_s)
        table = np.array(kept).reshape(-1, 2)
        return table[:, 0], table[:, 1].astype(np.float32)

    def _join(self, times_s: Times, watts: Watts) -> None:
        """Add readings to those that wait, in order, of each time the first."""
        times_s = np.concatenate((self._times_s, times_s))
        watts = np.concatenate((self._watts, watts.astype(np.float32)))
        unique_s, first = np.unique(times_s, return_index=True)
        self.counts.repeated += len(times_s) - len(unique_s)
        self._times_s, self._watts = unique_s, watts[first]

    def _release(self, until_s: float) -> tuple[Times, Watts]:
        count = int(np.searchsorted(self._times_s, until_s, side="right"))
        released = self._times_s[:count], self._watts[:count]
        self._times_s, self._watts = self._times_s[count:], self._watts[count:]
        return released

    def as_json(self) -> dict[str, Any]:
        """Return what must be kept for a start in the midst of it, as JSON."""
        return {
            "leap": None if self._leap is None or np.isnan(self._leap[1]) else self._leap,
            "newest_s": self.newest_s if np.isfinite(self.newest_s) else None,
            "closed_s": self._closed_s if np.isfinite(self._closed_s) else None,
            "times_s": self._times_s.tolist(),
            "watts": [None if np.isnan(w) else float(w) for w in self._watts],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `as_json` returned; raises ValueError for times that cannot be."""
        newest_s, closed_s, leap = state["newest_s"], state["closed_s"], state["leap"]
        if newest_s is not None and not EARLIEST_S <= newest_s < LATEST_S:
            raise ValueError(f"no reading can be at {newest_s:g} s since 1970")
        self._leap = None if leap is None else (leap[0], leap[1])
        self.newest_s = -np.inf if newest_s is None else newest_s
        self._closed_s = -np.inf if closed_s is None else closed_s
        self._times_s = np.array(state["times_s"], np.float64)
        self._watts = np.array([np.nan if w is None else w for w in state["watts"]], np.float32)
