"""Windows of a recording: their lengths, their midpoint, and where they fit between gaps."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from seq2point.choices import Edges
from seq2point.recording.on_off import find_runs
from seq2point.recording.recording import Recording, Watts

DEFAULT_WINDOWS = {
    6.0: 599,
    8.0: 599,
    30.0: 511,
    60.0: 255,
}
"""Samples in a window by sampling period: an hour at 6 s, four hours at 30 s and 60 s."""


def choose_window(period_s: float) -> int:
    """Return the default window in samples: that of the nearest sampling period by ratio."""
    nearest_s = min(DEFAULT_WINDOWS, key=lambda known_s: abs(math.log(known_s / period_s)))
    return DEFAULT_WINDOWS[nearest_s]


def find_midpoint(window: int) -> int:
    """Return the sample of a window that is predicted: 299 of 599 (Zhang et al. 2018)."""
    return window // 2


def find_target_index(window: int, target_point: float) -> int:
    """Return the sample of a window at a point of it, from 0 for its first to 1 for its last."""
    return round(target_point * (window - 1))


@dataclass(frozen=True)
class WindowRuns:
    """The usable windows of a recording, as runs of neighbouring start positions.

    `first` i64[R] and `count` i64[R]: the windows of run r start at first[r] to first[r] + count[r]
    - 1. A year of windows takes a few bytes, and window k is found without a list of all starts.
    """

    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]

    @property
    def total(self) -> int:
        """Number of windows."""
        return int(self.count.sum())

    def starts(self, numbers: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        """Return the start positions of windows by number, 0 to total - 1 in order of time."""
        end = np.cumsum(self.count)
        run = np.searchsorted(end, numbers, side="right")
        return self.first[run] + (numbers - (end - self.count)[run])

    def flags(self, first: int, length: int) -> npt.NDArray[np.bool_]:
        """Return bool[length]: is the window that starts at first + i usable?"""
        usable = np.zeros(length, dtype=bool)
        begin = int(np.searchsorted(self._ends, first, side="right"))
        end = int(np.searchsorted(self.first, first + length))
        for run in range(begin, end):
            usable[max(int(self.first[run]) - first, 0) : int(self._ends[run]) - first] = True
        return usable

    @cached_property
    def _ends(self) -> npt.NDArray[np.int64]:
        """The starts behind each run's last one."""
        return self.first + self.count

    def count_within(self, first: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.int64]:
        """Return how many of the `length` windows from each `first` on are usable, as i64."""
        before = np.concatenate(([0], np.cumsum(self.count)))

        def usable_before(start: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            run = np.searchsorted(self.first, start, side="right")
            inside = np.zeros_like(start)
            known = run > 0
            inside[known] = np.minimum(
                start[known] - self.first[run[known] - 1], self.count[run[known] - 1]
            )
            return before[np.maximum(run - 1, 0)] + inside

        return usable_before(first + length) - usable_before(first)


def find_gapless_spans(recording: Recording) -> list[tuple[int, int]]:
    """Return the spans [first, end) of filled mains without a gap or a time jump, in order."""
    spans = []
    for first, end in recording.pieces():
        begins, lengths = find_runs(~np.isnan(recording.filled_mains_w[first:end]))
        spans += [
            (first + int(b), first + int(b + n)) for b, n in zip(begins, lengths, strict=True)
        ]
    return spans


def find_window_runs(
    recording: Recording,
    window: int,
    target_index: int | None = None,
    appliances: Sequence[str] = (),
) -> WindowRuns:
    """Return the windows without a gap of the mains or a time jump.

    Their target, the midpoint by default, is known for each of `appliances`.
    Raises DataError for an appliance that the house lacks.
    """
    target = find_midpoint(window) if target_index is None else target_index
    usable = np.zeros(max(len(recording) - window + 1, 0), dtype=bool)
    for first, end in find_gapless_spans(recording):
        usable[first : max(end - window + 1, first)] = True
    for name in appliances:
        usable &= ~np.isnan(recording.appliance_w(name)[target : target + len(usable)])
    return WindowRuns(*find_runs(usable))


def predict_spans(
    recording: Recording,
    window: int,
    target_index: int,
    outputs: int,
    predict: Callable[[Watts], Watts],
    edges: Edges = "empty",
) -> Watts:
    """Return the predictions of all windows: f32[T, outputs], NaN where no window predicts.

    `predict` maps each gapless span of mains f32[L] to f32[L - window + 1, outputs]. `edges` says
    what completes the windows at the edges of a span: 'repeat' its outermost reading, 'zeros' no
    power, 'empty' nothing.
    """
    power_w = np.full((len(recording), outputs), np.nan, dtype=np.float32)
    for first, end in find_gapless_spans(recording):
        readings_w, at = recording.filled_mains_w[first:end], first
        if edges == "empty":
            at += target_index
        else:
            padding: Literal["edge", "constant"] = "edge" if edges == "repeat" else "constant"
            readings_w = np.pad(readings_w, (target_index, window - 1 - target_index), mode=padding)
        if len(readings_w) >= window:
            power_w[at : at + len(readings_w) - window + 1] = predict(readings_w)
    return power_w
