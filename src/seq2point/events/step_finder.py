"""Steps of the mains as samples come: what `segmentation.find_steps` finds in all of them."""

from typing import Any, NamedTuple

import numpy as np

from seq2point.events.segmentation import NEAR_STEP


class Step(NamedTuple):
    """A step: its sample, and the levels before and after it in watts."""

    sample: int
    before_w: float
    after_w: float


class StepFinder:
    """Finds the steps of at least `least_w` in a gapless stretch of mains, sample by sample.

    A step is known `segmentation.LOOK_AHEAD` samples after its own at the latest.
    """

    def __init__(self, least_w: float):
        self.least_w = least_w
        self._begin()

    def _begin(self) -> None:
        self._plateau_w: list[float] = []
        """The last samples since the last step."""
        self._before_w: list[float] = []
        self._after_w: list[float] = []
        self._first = self._last = 0
        self._length = 0
        """How many samples the step that is open has lasted; 0 where none is."""
        self._is_up = False

    def end(self) -> Step | None:
        """End the stretch, and return the step that this decides, if any."""
        step = self._close() if self._length else None
        self._begin()
        return step

    def add(self, sample: int, power_w: float) -> Step | None:
        """Take the next sample of the stretch, and return the step that it decides, if any.

        The power is a number of single precision.
        """
        change_w = (
            float(np.float32(power_w) - np.float32(self._plateau_w[-1])) if self._plateau_w else 0.0
        )
        if abs(change_w) < self.least_w:
            return self._rest(power_w)
        is_up = change_w > 0
        if 0 < self._length < NEAR_STEP and self._last == sample - 1 and is_up == self._is_up:
            self._length += 1
            step = None
        else:
            step = self._close() if self._length else None
            self._before_w = self._plateau_w
            self._is_up, self._first, self._length = is_up, sample, 1
        self._last = sample
        self._plateau_w, self._after_w = [power_w], [power_w]
        return step

    def _rest(self, power_w: float) -> Step | None:
        self._plateau_w = [*self._plateau_w[1 - NEAR_STEP :], power_w]
        if not self._length:
            return None
        self._after_w.append(power_w)
        return self._close() if len(self._after_w) == NEAR_STEP else None

    def _close(self) -> Step:
        """Return the step that is open, whose levels are known, and close it."""
        self._length = 0
        sample = self._first if self._is_up else self._last
        return Step(sample, *map(_find_median_w, (self._before_w, self._after_w)))

    def as_json(self) -> dict[str, Any]:
        """Return what a later start goes on from, as JSON."""
        return dict(vars(self))

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `as_json` returned."""
        vars(self).update(state)


def _find_median_w(powers_w: list[float]) -> float:
    return float(np.median(np.array(powers_w, np.float32)))
