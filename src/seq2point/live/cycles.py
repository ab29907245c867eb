"""Cycles: when an appliance starts and finishes, told as soon as the on/off rule decides."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.appliances import Appliance
from seq2point.data.grid import Times
from seq2point.events.activation_table import find_edge_share
from seq2point.recording import Watts
from seq2point.recording.on_off import count_samples

HOUR_S = 3600.0
BEFORE = "before_w"


class Notice(NamedTuple):
    """An appliance has started, or finished with an energy. `told_s` is the time of the sample that
    decided it, `start_s` and `end_s` are those of the cycle.
    """

    appliance: str
    kind: Literal["started", "finished"]
    told_s: float
    start_s: float
    end_s: float | None = None
    energy_wh: float | None = None


@dataclass
class _Run:
    """A run of samples above the threshold, pauses included: until the last one above it."""

    start_s: float
    end_s: float
    samples: int = 0
    energy_wh: float = 0.0
    pause: int = 0
    pause_wh: float = 0.0
    told: bool = False
    last_w: float = 0.0
    after_w: float = 0.0
    """The power of the last sample above the threshold, and of the one that follows it."""


class CycleWatch:
    """Follows one appliance by the rule of `events.find_activations`, sample by sample.

    A start is told once the appliance has been on for its shortest run, a finish once it has been
    off for longer than its longest pause.
    """

    def __init__(self, appliance: Appliance, period_s: float):
        self.appliance, self.period_s = appliance, period_s
        self._pause = count_samples(appliance.min_off_s, period_s)
        self._least = count_samples(appliance.min_on_s, period_s)
        self._run: _Run | None = None
        self._before_w: float | None = None
        """The power of the sample before, where it may be the first part of a run."""

    @property
    def pause_s(self) -> float:
        """How long an appliance must have been off before its finish is told."""
        return max(self._pause, 1) * self.period_s

    @property
    def is_on(self) -> bool:
        """Whether a cycle runs that was told."""
        return self._run is not None and self._run.told

    @property
    def start_s(self) -> float | None:
        """When the cycle that runs has started."""
        return self._run.start_s if self._run is not None and self._run.told else None

    @property
    def energy_wh(self) -> float:
        """The energy of the cycle that runs, so far."""
        return self._run.energy_wh if self._run is not None and self._run.told else 0.0

    def feed(self, times_s: Times, power_w: Watts, jumps: npt.NDArray[np.bool_]) -> list[Notice]:
        """Return what further samples tell."""
        notices: list[Notice] = []
        for time_s, watts, jump in zip(
            times_s.tolist(), power_w.tolist(), jumps.tolist(), strict=True
        ):
            if jump or watts != watts:
                self._end(time_s, notices)
                self._before_w = None
            if watts > self.appliance.on_power_w:
                self._go_on(time_s, watts, notices)
                self._before_w = None
            elif watts == watts:
                is_free = self._run is None or not self._rest(time_s, watts, notices)
                self._before_w = watts if is_free else None
        return notices

    def flush(self, time_s: float) -> list[Notice]:
        """Return the end of a cycle that runs, where no more samples come."""
        notices: list[Notice] = []
        self._end(time_s, notices)
        return notices

    def _go_on(self, time_s: float, watts: float, notices: list[Notice]) -> None:
        run = self._run
        if run is not None and run.pause >= max(self._pause, 1):
            self._end(time_s, notices)
            run = None
        if run is None:
            run = self._run = _Run(time_s, time_s)
            if self._before_w is not None and (share := find_edge_share(self._before_w, watts)):
                run.start_s -= share * self.period_s
                run.energy_wh = self._before_w * self.period_s / HOUR_S
        run.samples += run.pause + 1
        run.energy_wh += run.pause_wh + watts * self.period_s / HOUR_S
        run.pause, run.pause_wh, run.last_w = 0, 0.0, watts
        run.end_s = time_s + self.period_s
        if not run.told and run.samples >= self._least:
            run.told = True
            notices.append(Notice(self.appliance.name, "started", time_s, run.start_s))

    def _rest(self, time_s: float, watts: float, notices: list[Notice]) -> bool:
        """Count a sample below the threshold; return whether it is the last part of a run."""
        run = self._run
        assert run is not None
        if not run.pause:
            run.after_w = watts
        run.pause += 1
        run.pause_wh += watts * self.period_s / HOUR_S
        if run.pause >= max(self._pause, 1):
            self._end(time_s, notices)
        return run.pause == 1 and run.told

    def _end(self, time_s: float, notices: list[Notice]) -> None:
        run, self._run = self._run, None
        if run is None or not run.told:
            return
        if run.pause and (share := find_edge_share(run.after_w, run.last_w)):
            run.end_s += share * self.period_s
            run.energy_wh += run.after_w * self.period_s / HOUR_S
        name = self.appliance.name
        notices.append(Notice(name, "finished", time_s, run.start_s, run.end_s, run.energy_wh))

    def as_json(self) -> dict[str, Any] | None:
        """Return what a later start goes on from, as JSON."""
        run = {} if self._run is None else vars(self._run)
        before = {} if self._before_w is None else {BEFORE: self._before_w}
        return {**run, **before} or None

    def restore(self, state: dict[str, Any] | None) -> None:
        """Go on from what `as_json` returned."""
        run = {**(state or {})}
        self._before_w = run.pop(BEFORE, None)
        self._run = _Run(**run) if run else None
