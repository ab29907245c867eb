"""A channel as the checks see it: its readings, when it counts as on, and the marks by which its
kind is known.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seq2point.appliances import Appliance, find_known
from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import Flags, find_runs, is_on

IDLE_W, IDLE, ON = (10.0, 20.0), 0.02, 0.1
SAME_CYCLE_S = 1200.0


@dataclass(frozen=True)
class Signature:
    """What tells one kind of appliance from another; durations are those in which half of the
    energy goes.

    half_w and nearly_w: half and nine tenths of the energy go at no more than this power. pulse_s:
    above half of nearly_w; cycle_s: on, with pauses of up to 20 minutes. in_pulses: the share of
    the energy that goes in pulses. duty: the share of time.
    """

    half_w: float
    nearly_w: float
    pulse_s: float
    cycle_s: float
    pulses_per_day: float
    in_pulses: float
    duty: float


@dataclass(frozen=True, eq=False)
class Channel:
    """One appliance's channel, f32[T] in watts, with the table's row where its name is one of the
    table's.
    """

    name: str
    power_w: Watts
    period_s: float

    @cached_property
    def appliance(self) -> Appliance | None:
        """The table's row."""
        return find_known(self.name)

    @cached_property
    def highest_w(self) -> float:
        """The highest reading."""
        return float(np.nanmax(self.power_w))

    @cached_property
    def known_days(self) -> float:
        """Days of readings."""
        return float(np.count_nonzero(~np.isnan(self.power_w))) * self.period_s / 86400

    @cached_property
    def peak_w(self) -> float:
        """The usual peak: only a hundredth of the readings above idling are higher."""
        high = self.power_w[self.power_w > IDLE_W[0]]
        return float(np.percentile(high, 99)) if len(high) else 0.0

    @cached_property
    def idle_w(self) -> float:
        """Below this nothing of note goes on: a fiftieth of the peak, but no less than 10 W and no
        more than 20 W.
        """
        return float(np.clip(IDLE * self.peak_w, *IDLE_W))

    @cached_property
    def on_power_w(self) -> float:
        """The table's power of being on, or a tenth of the peak for an appliance of another kind."""
        return self.appliance.on_power_w if self.appliance else max(IDLE_W[0], ON * self.peak_w)

    @cached_property
    def on(self) -> Flags:
        """When it counts as on, bool[T]; not where its reading is missing."""
        row = self.appliance or Appliance(
            name=self.name,
            max_power_w=1,
            on_power_w=self.on_power_w,
            min_on_s=0,
            min_off_s=0,
            mean_w=0,
            std_w=1,
        )
        return is_on(self.power_w, row, self.period_s)

    @cached_property
    def marks(self) -> Signature | None:
        """The marks of its kind; None for a channel with too little to judge by."""
        power_w = np.nan_to_num(self.power_w)
        above = power_w > self.idle_w
        if above.sum() < 20 or self.known_days < 2:
            return None
        high = np.sort(power_w[above])
        used = np.cumsum(high, dtype=np.float64)
        half_w, nearly_w = (
            float(high[np.searchsorted(used, share * used[-1])]) for share in (0.5, 0.9)
        )
        until = np.concatenate(([0.0], np.cumsum(power_w, dtype=np.float64)))
        first, lengths = find_runs(power_w > nearly_w / 2)
        pulse_s, in_pulses = self._half_of_energy_in(first, first + lengths, until)
        pulses = len(first)
        first, lengths = find_runs(above)
        end = first + lengths
        apart = (first[1:] - end[:-1]) * self.period_s >= SAME_CYCLE_S
        first, end = first[np.concatenate(([True], apart))], end[np.concatenate((apart, [True]))]
        cycle_s, in_cycles = self._half_of_energy_in(first, end, until)
        duty = float(above.sum()) * self.period_s / 86400 / self.known_days
        return Signature(
            half_w,
            nearly_w,
            pulse_s,
            cycle_s,
            pulses / self.known_days,
            in_pulses / in_cycles,
            duty,
        )

    def _half_of_energy_in(
        self, first: np.ndarray, end: np.ndarray, until: np.ndarray
    ) -> tuple[float, float]:
        """The duration of runs up to which half of their energy goes, and all their energy."""
        energy = until[end] - until[first]
        order = np.argsort(end - first)
        used = np.cumsum(energy[order])
        return float(
            (end - first)[order][np.searchsorted(used, 0.5 * used[-1])]
        ) * self.period_s, float(used[-1])


def format_time(recording: Recording, sample: int) -> str:
    """When a sample was taken, in words: a date and time, or days from the start where the file has
    no times.
    """
    time_s = recording.time_s(sample)
    if recording.start is None:
        return f"day {time_s / 86400:.1f}"
    return str(np.datetime64(round(time_s), "s")).replace("T", " ")[:16]
