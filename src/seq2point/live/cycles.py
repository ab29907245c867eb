"""Cycles: when an appliance starts and finishes, told as soon as the on/off rule decides."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.appliances import Appliance
from seq2point.data.grid import Times
from seq2point.recording import Watts
from seq2point.recording.on_off import count_samples

HOUR_S = 3600.0


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
            if watts > self.appliance.on_power_w:
                self._go_on(time_s, watts, notices)
            elif self._run is not None:
                self._rest(time_s, watts, notices)
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
        run.samples += run.pause + 1
        run.energy_wh += run.pause_wh + watts * self.period_s / HOUR_S
        run.pause, run.pause_wh = 0, 0.0
        run.end_s = time_s + self.period_s
        if not run.told and run.samples >= self._least:
            run.told = True
            notices.append(Notice(self.appliance.name, "started", time_s, run.start_s))

    def _rest(self, time_s: float, watts: float, notices: list[Notice]) -> None:
        assert self._run is not None
        self._run.pause += 1
        self._run.pause_wh += watts * self.period_s / HOUR_S
        if self._run.pause >= max(self._pause, 1):
            self._end(time_s, notices)

    def _end(self, time_s: float, notices: list[Notice]) -> None:
        run, self._run = self._run, None
        if run is not None and run.told:
            notices.append(
                Notice(
                    self.appliance.name, "finished", time_s, run.start_s, run.end_s, run.energy_wh
                )
            )

    def as_json(self) -> dict[str, Any] | None:
        """Return what a later start goes on from, as JSON."""
        return None if self._run is None else dict(vars(self._run))

    def restore(self, state: dict[str, Any] | None) -> None:
        """Go on from what `as_json` returned."""
        self._run = None if state is None else _Run(**state)
