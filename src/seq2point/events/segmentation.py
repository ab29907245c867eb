"""The mains as events: the steps between plateaus, paired into loads that switch on and off."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from seq2point.recording import Watts
from seq2point.recording.on_off import find_runs

STEP_W = 200.0
"""The smallest step of the mains that starts or ends an event: drums and pumps make smaller ones
by the minute."""
NEAR_STEP = 3
"""Samples on either side of a step whose median is the level there: a plateau may drift. A step
lasts as many samples at most."""
LOOK_AHEAD = 2 * NEAR_STEP
"""Samples after a step within which its level is known."""
SAME_POWER = 0.2
"""A step down that differs by at most this share from a step up ends the same load."""


class HasHeight(Protocol):
    """What has switched on, with its step up in watts."""

    height_w: float


LoadT = TypeVar("LoadT", bound=HasHeight)


class Event(NamedTuple):
    """A load that is on in samples [first, end), and its power there, f32[end - first] in watts."""

    first: int
    end: int
    power_w: Watts

    @property
    def span(self) -> slice:
        """The event's samples."""
        return slice(self.first, self.end)

    @property
    def level_w(self) -> float:
        """The power of its plateau in watts, whatever part of a sample the load was on."""
        return find_upper_quartile_w(self.power_w)


def find_upper_quartile_w(power_w: Watts) -> float:
    """Return the least of f32[T] without NaN that a quarter of the samples at most is above.

    `np.quantile(power_w, 0.75, method="higher")` gives the same in 0.15 ms, and a home of a month
    has hundreds of events.
    """
    place = -(-3 * (len(power_w) - 1) // 4)
    return float(np.partition(power_w, place)[place])


class Steps(NamedTuple):
    """The steps of a gapless stretch: their samples, and the levels before and after in watts.

    A rise that lasts some samples is one step, at its first sample; a fall is at its last.
    """

    sample: npt.NDArray[np.int64]
    before_w: Watts
    after_w: Watts


@dataclass(eq=False)
class _Load:
    """A load that is on: its first sample, its step up, and its power in pieces."""

    first: int
    height_w: float
    pieces: list[Watts] = field(default_factory=list)

    def split(self, drop_w: float) -> "_Load":
        """Take from it a load of `drop_w`, which was on top of the rest, and return that."""
        rest_w = np.float32(self.height_w - drop_w)
        top = _Load(self.first, drop_w, [np.maximum(piece - rest_w, 0) for piece in self.pieces])
        self.pieces = [np.minimum(piece, rest_w) for piece in self.pieces]
        self.height_w -= drop_w
        return top


def find_steps(mains_w: Watts, least_w: float) -> Steps:
    """Return the steps of at least `least_w` in a gapless stretch of mains, f32[T] in watts."""
    change_w = np.diff(mains_w)
    edges = np.flatnonzero(np.abs(change_w) >= least_w) + 1
    if not len(edges):
        return Steps(edges, np.empty(0, np.float32), np.empty(0, np.float32))
    rises = change_w[edges - 1] > 0
    parts = (np.diff(edges) > 1) | (rises[1:] != rises[:-1])
    ramp = np.concatenate(([0], np.flatnonzero(parts) + 1))
    place = np.arange(len(edges)) - np.repeat(ramp, np.diff(np.append(ramp, len(edges))))
    parts |= place[1:] % NEAR_STEP == 0
    first = edges[np.concatenate(([True], parts))]
    last = edges[np.concatenate((parts, [True]))]
    up = rises[np.concatenate(([True], parts))]
    starts, ends = np.concatenate(([0], last)), np.concatenate((first, [len(mains_w)]))
    before_w = _find_medians_w(mains_w, np.maximum(starts, ends - NEAR_STEP)[:-1], ends[:-1])
    after_w = _find_medians_w(mains_w, starts[1:], np.minimum(ends, starts + NEAR_STEP)[1:])
    return Steps(np.where(up, first, last), before_w, after_w)


def _find_medians_w(
    mains_w: Watts, firsts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> Watts:
    """Return the medians of stretches [first, end) of one to NEAR_STEP samples, which are three."""
    a, b, c = (mains_w[np.minimum(firsts + i, ends - 1)] for i in range(NEAR_STEP))
    middle = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    return np.where(ends - firsts == 2, (a + b) / np.float32(2), middle)


def find_events(mains_w: Watts, base_w: Watts, least_w: float) -> list[Event]:
    """Return the loads of at least `least_w` that switch on and off, in the order of their start.

    `mains_w` and `base_w` are f32[T]; no event spans a gap. A step down ends the load that stepped
    up by as much, else the latest ones, else a part of one: two loads switched on together. Where
    the mains come back to the base every load ends. At no sample do the events' powers exceed the
    mains above the base.
    """
    events: list[Event] = []
    runs = find_runs(~(np.isnan(mains_w) | np.isnan(base_w)))
    steps = np.append(0, np.cumsum(np.abs(np.diff(mains_w)) >= least_w))
    for first, length in zip(*(each.tolist() for each in runs), strict=True):
        end = first + length
        if steps[end - 1] > steps[first]:
            events += [
                Event(event.first + first, event.end + first, event.power_w)
                for event in _pair_steps(mains_w[first:end], base_w[first:end], least_w)
            ]
    return sorted(events, key=lambda event: (event.first, -event.end))


def _pair_steps(mains_w: Watts, base_w: Watts, least_w: float) -> Iterator[Event]:
    steps = find_steps(mains_w, least_w)
    excess_w = np.maximum(mains_w - base_w, 0)
    loads: list[_Load] = []
    ends = np.append(steps.sample, len(mains_w))[1:]
    for sample, end, before_w, after_w in zip(
        steps.sample, ends, steps.before_w, steps.after_w, strict=True
    ):
        if after_w > before_w:
            loads.append(_Load(int(sample), float(after_w - before_w)))
        else:
            low = after_w < base_w[sample] + least_w / 2
            ended = loads if low else _switch_off(loads, before_w - after_w, least_w)
            yield from (_end_load(load) for load in ended)
            loads = [load for load in loads if load not in ended]
        _share_power(loads, excess_w[sample:end])
    yield from (_end_load(load) for load in loads)


def _switch_off(loads: list[_Load], drop_w: float, least_w: float) -> list[_Load]:
    """Return the loads that a step down ends; a part of a load that it ends is split off."""
    ended, part, rest_w = choose_ended(loads, drop_w, least_w)
    return ended if part is None else [*ended, part.split(rest_w)]


def choose_ended(
    loads: Sequence[LoadT], drop_w: float, least_w: float
) -> tuple[list[LoadT], LoadT | None, float]:
    """Return the loads that a step down ends, and the load of which it ends a part, with its watts.

    `loads` are those that are on, in the order of their start.
    """
    same = [
        load
        for load in loads
        if abs(load.height_w - drop_w) <= SAME_POWER * max(load.height_w, drop_w)
    ]
    if same:
        return [min(same, key=lambda load: abs(load.height_w - drop_w))], None, 0.0
    ended: list[LoadT] = []
    for load in reversed(loads):
        if drop_w < least_w:
            break
        if load.height_w - drop_w >= least_w:
            return ended, load, drop_w
        ended.append(load)
        drop_w -= load.height_w
    return ended, None, 0.0


def _share_power(loads: list[_Load], excess_w: Watts) -> None:
    """Give each load what is left above the base, up to its step up, in the order of their start.

    Measured, a load that may draw more than its step gains nothing: the rest is other loads.
    """
    for load in loads:
        power_w = np.minimum(excess_w, np.float32(load.height_w))
        load.pieces.append(power_w)
        excess_w = excess_w - power_w


def _end_load(load: _Load) -> Event:
    power_w = np.concatenate(load.pieces)
    return Event(load.first, load.first + len(power_w), power_w)
