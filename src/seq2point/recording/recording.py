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

from seq2point.choices import FILL
from seq2point.errors import DataError
from seq2point.limits import remove_absurd
from seq2point.recording.gaps import fill_forward

Watts = npt.NDArray[np.float32]


SAME_PERIOD = 0.01


def is_same_period(one_s: float, other_s: float) -> bool:
    """Whether two sampling periods are one: clocks differ a little, and so does what they are found
    to be.
    """
    return abs(one_s / other_s - 1) <= SAME_PERIOD


def format_house(house: str) -> str:
    """A house in words: 'house 2' for a number; a name is as it is."""
    return f"house {house}" if house[:1].isdigit() else house


class Jump(NamedTuple):
    """The clock jumps just before a sample, which was taken at `time`: no window may span it."""

    sample: int
    time: datetime


@dataclass(frozen=True, eq=False)
class Recording:
    """Power readings of one house at one sampling period; NaN is a gap.

    A reading that no house can draw (`limits.ABSURD_W`), or that is infinite, becomes a gap: one
    such number in a Fourier transform spoils the answers of its neighbours.

    mains_w and each of appliances_w are f32[T] in watts. `start` is the UTC time of the first
    sample, or None where the carrier kept no times. Where time jumps (two fortnights in one file),
    `jumps` says so and the samples simply follow one another: the grid is regular between jumps.
    `resampled_from_s` is the period that the readings had in their file, where that was another.
    `fill` is how many missing readings of the mains in a row are filled with the reading before
    them.
    Raises DataError when lengths differ, the period is not positive or the jumps are not in order.
    """

    house: str
    period_s: float
    mains_w: Watts
    appliances_w: Mapping[str, Watts] = field(default_factory=dict)
    start: datetime | None = None
    jumps: tuple[Jump, ...] = ()
    resampled_from_s: float | None = None
    fill: int = FILL

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
                f"{self.house}: time jumps at samples {indices}, which are not in order inside the"
                " recording"
            )

    def __len__(self) -> int:
        return len(self.mains_w)

    @property
    def days(self) -> float:
        """Days of samples, gaps included."""
        return len(self) * self.period_s / 86400

    @cached_property
    def filled_mains_w(self) -> Watts:
        """The mains f32[T] with gaps filled forward for up to `fill` samples: what a network reads."""
        return self.filled_w(self.mains_w)

    def filled_w(self, power_w: Watts) -> Watts:
        """A series f32[T] of the recording with gaps filled forward for up to `fill` samples, never
        across a jump.
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
        """Samples of the mains that are filled."""
        return int(np.isnan(self.mains_w).sum() - np.isnan(self.filled_mains_w).sum())

    def appliance_w(self, name: str) -> Watts:
        """The power of one appliance, f32[T]; DataError names the appliances that the house has."""
        try:
            return self.appliances_w[name]
        except KeyError:
            has = ", ".join(self.appliances_w) or "none"
            raise DataError(
                f"{self.house}: has no column for '{name}' (appliances here: {has})"
            ) from None

    def pieces(self) -> list[tuple[int, int]]:
        """Spans [first, end) between time jumps, in order; together they are all samples."""
        edges = [0, *(jump.sample for jump in self.jumps), len(self)]
        return list(pairwise(edges))

    def time_s(self, sample: int) -> float:
        """Seconds since 1970 (UTC) of one sample; from zero where the carrier kept no times."""
        passed = bisect_right(self.jumps, sample, key=lambda jump: jump.sample)
        first, start = self.jumps[passed - 1] if passed else (0, self.start)
        return (start.timestamp() if start else 0.0) + (sample - first) * self.period_s

    def times_s(self) -> npt.NDArray[np.float64]:
        """Seconds since 1970 (UTC) of every sample, f64[T]; from zero where the carrier kept no
        times.
        """
        times = np.empty(len(self))
        starts = [self.start, *(jump.time for jump in self.jumps)]
        for (first, end), start in zip(self.pieces(), starts, strict=True):
            times[first:end] = (start.timestamp() if start else 0.0) + np.arange(
                end - first
            ) * self.period_s
        return times

    def slice(self, first: int, end: int) -> "Recording":
        """Samples [first, end) as a recording of its own, without copying."""
        first, end, _ = slice(first, end).indices(len(self))
        end = max(end, first)
        inside = tuple(Jump(j.sample - first, j.time) for j in self.jumps if first < j.sample < end)
        start = self.start
        before = [Jump(0, start)] if start else []
        before += [j for j in self.jumps if j.sample <= first]
        if before:
            start = before[-1].time + timedelta(seconds=(first - before[-1].sample) * self.period_s)
        cut = {name: power_w[first:end] for name, power_w in self.appliances_w.items()}
        return replace(
            self, mains_w=self.mains_w[first:end], appliances_w=cut, start=start, jumps=inside
        )

    def days_of_readings(self, name: str) -> float:
        """Days for which the mains and an appliance are both known, gaps left out."""
        return int(np.count_nonzero(self._known(name))) * self.period_s / 86400

    def first_days(self, days: float, name: str, skip: float = 0.0) -> "Recording":
        """The first stretch that holds so many days of readings of the mains and an appliance,
        after `skip` such days.

        All that is left where the recording holds fewer.
        """
        before, wanted = (round(span * 86400 / self.period_s) for span in (skip, days))
        first, last = np.searchsorted(np.cumsum(self._known(name)), (before + 1, before + wanted))
        return self.slice(int(first), int(last) + (wanted > 0))

    def _known(self, name: str) -> npt.NDArray[np.bool_]:
        known: npt.NDArray[np.bool_] = ~(np.isnan(self.mains_w) | np.isnan(self.appliance_w(name)))
        return known

    def fingerprint(self, name: str) -> dict[str, Any]:
        """What identifies the readings of the mains and an appliance, as JSON: house, span and a
        hash.
        """
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
        """The recording without, and with only, its last `fraction`, `margin` samples between them
        left out.

        With a margin of a window no training window shares a sample with the held-out block.
        """
        first = len(self) - int(len(self) * fraction)
        return self.slice(0, max(first - margin, 0)), self.slice(first, len(self))


class Frame(Protocol):
    """A data frame of pandas or Polars (eager or lazy), as `data.frame.recording_from_frame` reads
    it.
    """

    @property
    def columns(self) -> Any:
        """The names of its columns."""


RecordingLike = Recording | Frame
RecordingsLike = RecordingLike | Sequence[RecordingLike]
