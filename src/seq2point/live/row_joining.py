"""Rows of several streams, of periods and delays of their own, on the samples of one home."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import LEAST_KNOWN, Times
from seq2point.live.mains_parts import average_rows
from seq2point.live.rows import Rows
from seq2point.live.stream import Stream
from seq2point.recording import Watts, is_same_period


class JoinedRows(NamedTuple):
    """The samples that all streams have answered: times f64[N], mains f32[N], the power of each
    appliance f32[N] in watts, and whether time jumps just before a sample.
    """

    times_s: Times
    mains_w: Watts
    power_w: dict[str, Watts]
    jumps: npt.NDArray[np.bool_]


class RowJoiner:
    """Keeps the rows of streams until all of them have answered a sample of the longest period.

    Finer power is averaged.
    """

    def __init__(self, streams: Sequence[Stream], period_s: float):
        self._streams, self._period_s = streams, period_s
        self._pending = [Rows.empty(len(stream.appliances)) for stream in streams]
        self._is_base = [is_same_period(stream.period_s, period_s) for stream in streams]

    def join(self, rows: Sequence[Rows], at_end: bool) -> JoinedRows:
        """Return the samples that are due after further rows of each stream.

        `at_end` says that no stream will tell more of the last samples.
        """
        self._pending = [
            pending.join(new) for pending, new in zip(self._pending, rows, strict=True)
        ]
        first = self._pending[self._is_base.index(True)]
        ready = self._count_ready(at_end)
        times_s, mains_w, jumps = first.times_s[:ready], first.mains_w[:ready], first.jumps[:ready]
        power_w: dict[str, Watts] = {}
        for i, stream in enumerate(self._streams):
            columns_w = self._take(i, times_s).T
            power_w |= {a.name: w for a, w in zip(stream.appliances, columns_w, strict=True)}
        return JoinedRows(times_s, mains_w, power_w, jumps)

    def _count_ready(self, at_end: bool) -> int:
        """Return how many samples all streams have answered."""
        base = [
            pending for pending, is_it in zip(self._pending, self._is_base, strict=True) if is_it
        ]
        ready = min(map(len, base))
        if at_end:
            return ready
        ends_s = base[0].times_s[:ready] + self._period_s
        progress_s = [
            self._find_progress_s(i) for i, is_it in enumerate(self._is_base) if not is_it
        ]
        return int(np.searchsorted(ends_s, min(progress_s, default=np.inf), "right"))

    def _find_progress_s(self, index: int) -> float:
        """Return until when a stream has answered."""
        pending = self._pending[index]
        if not len(pending):
            return -np.inf
        return float(pending.times_s[-1]) + self._streams[index].period_s

    def _take(self, index: int, times_s: Times) -> Watts:
        """Return a stream's power f32[N, A] at samples, and forget what is past them."""
        pending, stream = self._pending[index], self._streams[index]
        if not len(times_s):
            return pending.power_w[:0]
        if self._is_base[index]:
            self._pending[index] = pending.slice(len(times_s))
            return pending.power_w[: len(times_s)]
        power_w = average_rows(
            pending.times_s,
            pending.power_w,
            times_s,
            self._period_s,
            LEAST_KNOWN * self._period_s / stream.period_s,
        )
        past = int(np.searchsorted(pending.times_s, times_s[-1] + self._period_s))
        self._pending[index] = pending.slice(past)
        return power_w

    def as_json(self) -> list[dict[str, Any]]:
        """Return what a later start goes on from, as JSON."""
        return [pending.as_json() for pending in self._pending]

    def restore(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Go on from what `as_json` returned for the same streams."""
        self._pending = [
            Rows.restore(pending, len(stream.appliances))
            for pending, stream in zip(state, self._streams, strict=True)
        ]
