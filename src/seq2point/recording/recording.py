"""Recording: a house's mains and appliances on one regular grid, with its gaps."""

import hashlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from seq2point.configuration.columns import FILL
from seq2point.errors import DataError
from seq2point.limits import remove_absurd
from seq2point.recording.gaps import fill_forward

Watts = npt.NDArray[np.float32]

SAME_PERIOD = 0.01
"""Periods that differ by this share are the same: a meter's clock runs a little fast or slow."""


def is_same_period(period_s: float, other_s: float) -> bool:
    """Return whether two sampling periods are the same but for the clocks' inaccuracy."""
    return abs(period_s / other_s - 1) <= SAME_PERIOD


def format_house(house: str) -> str:
    """Return a house in words: 'house 2' for a number, a name unchanged."""
    return f"house {house}" if house[:1].isdigit() else house


def shorten_houses(houses: Sequence[str]) -> str:
    """Return up to two houses by name, or the first of more and how many others there are."""
    return ", ".join(houses) if len(houses) < 3 else f"{houses[0]} and {len(houses) - 1} more"


class Jump(NamedTuple):
    """A jump of the clock just before a sample, taken at `time`. No window spans it."""

    sample: int
    time: datetime


@dataclass(frozen=True, eq=False)
class Recording:
    """Power readings of one house at one sampling period; NaN is a gap.

    `mains_w` and each of `appliances_w` are f32[T] in watts. A reading that is infinite or that no
    house can draw (`limits.ABSURD_W`) becomes a gap: in a Fourier transform such a number spoils
    the predictions of its neighbours.
    `start` is the time of the first sample in UTC, or None where the file has no times. `jumps` are
    the places where time jumps, such as between two fortnights in one file. The grid is regular
    between them.
    `resampled_from_s` is the sampling period in the file, where it was another. `interpretation`
    says how the file was read, as JSON. `fill` is how many missing readings of the mains in a row
    are filled with the reading before them.
    Raises DataError for lengths that differ, a period that is not positive and jumps out of order.
    """

    house: str
    period_s: float
    mains_w: Watts
    appliances_w: Mapping[str, Watts] = field(default_factory=dict)
    start: datetime | None = None
    jumps: tuple[Jump, ...] = ()
    resampled_from_s: float | None = None
    fill: int = FILL
    interpretation: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.period_s > 0:
            raise DataError(
                f"{self.house}: the sampling period is {self.period_s} s; it must be positive"
            )
        for name, power_w in self.appliances_w.items():
            if power_w.shape != self.mains_w.shape:
                raise DataError(
                    f"{self.house}: {name} has {len(power_w)} samples, the mains"
                    f" {len(self.mains_w)}"
                )
        object.__setattr__(self, "mains_w", remove_absurd(self.mains_w))
        plausible_w = {name: remove_absurd(power_w) for name, power_w in self.appliances_w.items()}
        object.__setattr__(self, "appliances_w", plausible_w)
        indices = [jump.sample for jump in self.jumps]
        if indices != sorted(set(indices)) or any(not 0 < i < len(self) for i in indices):
            raise DataError(
                f"{self.house}: the time jumps at samples {indices} are not in order inside the"
                " recording"
            )

    def __len__(self) -> int:
        return len(self.mains_w)

    @property
    def days(self) -> float:
        """The days of samples, gaps included."""
        return len(self) * self.period_s / 86400

    @cached_property
    def filled_mains_w(self) -> Watts:
        """The mains f32[T] that a network reads: gaps filled forward for up to `fill` samples."""
        return self.fill_gaps(self.mains_w)

    def fill_gaps(self, power_w: Watts) -> Watts:
        """Return a series f32[T] with gaps filled forward for up to `fill` samples.

        No gap is filled across a time jump.
        """
        missing = np.isnan(power_w)
        if self.fill == 0 or not missing.any():
            return power_w
        filled_w = power_w.copy()
        for first, end in self.pieces():
            fill_forward(filled_w[first:end], missing[first:end], self.fill)
        return filled_w

    @property
    def filled_count(self) -> int:
        """The number of samples of the mains that are filled."""
        return int(np.isnan(self.mains_w).sum() - np.isnan(self.filled_mains_w).sum())

    def appliance_w(self, name: str) -> Watts:
        """Return the power of one appliance, f32[T] in watts.

        Raises DataError for one that the house lacks, with those that it has.
        """
        try:
            return self.appliances_w[name]
        except KeyError:
            names = ", ".join(self.appliances_w) or "none"
            raise DataError(
                f"{self.house}: has no column for '{name}' (appliances here: {names})"
            ) from None

    def pieces(self) -> list[tuple[int, int]]:
        """Return the spans [first, end) between time jumps, in order. They cover all samples."""
        edges = [0, *(jump.sample for jump in self.jumps), len(self)]
        return list(pairwise(edges))

    def time_s(self, sample: int) -> float:
        """Return the time of a sample in seconds since 1970, UTC; from 0 without times."""
        passed = bisect_right(self.jumps, sample, key=lambda jump: jump.sample)
        first, start = self.jumps[passed - 1] if passed else (0, self.start)
        return (start.timestamp() if start else 0.0) + (sample - first) * self.period_s

    def times_s(self) -> npt.NDArray[np.float64]:
        """Return the times of all samples f64[T] in seconds since 1970, UTC; from 0 without
        times.
        """
        times = np.empty(len(self))
        starts = [self.start, *(jump.time for jump in self.jumps)]
        for (first, end), start in zip(self.pieces(), starts, strict=True):
            start_s = start.timestamp() if start else 0.0
            times[first:end] = start_s + np.arange(end - first) * self.period_s
        return times

    def slice(self, first: int, end: int) -> "Recording":
        """Return samples [first, end) as a recording, without copying."""
        first, end, _ = slice(first, end).indices(len(self))
        end = max(end, first)
        inside = tuple(Jump(j.sample - first, j.time) for j in self.jumps if first < j.sample < end)
        start = self.start
        before = [Jump(0, start)] if start else []
        before += [j for j in self.jumps if j.sample <= first]
        if before:
            start = before[-1].time + timedelta(seconds=(first - before[-1].sample) * self.period_s)
        return replace(
            self,
            mains_w=self.mains_w[first:end],
            appliances_w={name: power_w[first:end] for name, power_w in self.appliances_w.items()},
            start=start,
            jumps=inside,
        )

    def count_days(self, name: str) -> float:
        """Return the days for which both the mains and an appliance are known."""
        return int(np.count_nonzero(self._flag_known(name))) * self.period_s / 86400

    def take_days(self, days: float, name: str, skip: float = 0.0) -> "Recording":
        """Return the first stretch with so many days of the mains and an appliance.

        The stretch begins after `skip` such days. It is shorter where the recording ends.
        """
        before, count = (round(span * 86400 / self.period_s) for span in (skip, days))
        known_until = np.cumsum(self._flag_known(name))
        first, last = np.searchsorted(known_until, (before + 1, before + count))
        return self.slice(int(first), int(last) + (count > 0))

    def _flag_known(self, name: str) -> npt.NDArray[np.bool_]:
        known: npt.NDArray[np.bool_] = ~(np.isnan(self.mains_w) | np.isnan(self.appliance_w(name)))
        return known

    def fingerprint(self, name: str) -> dict[str, Any]:
        """Return what identifies the mains and an appliance, as JSON: house, span and hash."""
        digest = hashlib.sha256(np.ascontiguousarray(self.mains_w).data)
        digest.update(np.ascontiguousarray(self.appliance_w(name)).data)
        return {
            "house": self.house,
            "start": self.start.isoformat() if self.start else None,
            "samples": len(self),
            "period_s": self.period_s,
            "fill": self.fill,
            "sha256": digest.hexdigest(),
        } | ({} if self.resampled_from_s is None else {"resampled_from_s": self.resampled_from_s})

    def hold_out(self, fraction: float, margin: int) -> tuple["Recording", "Recording"]:
        """Return the recording without its last `fraction`, and that fraction alone.

        `margin` samples between the two are left out. With a margin of a window, no training window
        shares a sample with the held-out block.
        """
        first = len(self) - int(len(self) * fraction)
        return self.slice(0, max(first - margin, 0)), self.slice(first, len(self))


class Frame(Protocol):
    """A data frame of pandas or Polars (eager or lazy), for `data.frame.recording_from_frame`."""

    @property
    def columns(self) -> Any:
        """The names of the columns."""


RecordingLike = Recording | Frame
RecordingsLike = RecordingLike | Sequence[RecordingLike]
