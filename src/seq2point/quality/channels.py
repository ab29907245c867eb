"""Channels: an appliance's readings, when it counts as on, and the signature of its kind."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seq2point.appliances import Appliance, look_up_appliance
from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import Flags, find_runs, is_on

IDLE_SHARE, IDLE_W = 0.02, (10.0, 20.0)
"""A channel idles below this share of its peak, which is held between the two powers."""

ON_SHARE = 0.1
"""An appliance outside the table is on above this share of its peak."""

SAME_CYCLE_S = 1200.0
"""A washing machine or a dishwasher pauses for up to 20 minutes within a cycle."""

FEWEST_SAMPLES, FEWEST_DAYS = 20, 2
"""A signature needs so many samples above idling, and readings of so many days."""


@dataclass(frozen=True)
class Signature:
    """The signature of a kind of appliance.

    `half_w` and `nearly_w`: half and nine tenths of the energy are used at no more than this power.
    A pulse is a run above half of `nearly_w`, a cycle a run above idling with pauses of up to 20
    minutes. `pulse_s` and `cycle_s`: half of their energy is used in runs no longer than this.
    `in_pulses` is the share of the energy in pulses, `duty` the share of time above idling.
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
    """One appliance's channel, f32[T] in watts."""

    name: str
    power_w: Watts
    period_s: float

    @cached_property
    def appliance(self) -> Appliance | None:
        """The table's appliance of the channel's name; None for another name."""
        return look_up_appliance(self.name)

    @cached_property
    def highest_w(self) -> float:
        """The highest reading in watts."""
        return float(np.nanmax(self.power_w))

    @cached_property
    def known_days(self) -> float:
        """The days of readings."""
        return float(np.count_nonzero(~np.isnan(self.power_w))) * self.period_s / 86400

    @cached_property
    def peak_w(self) -> float:
        """The usual peak: a hundredth of the readings above idling are higher."""
        high = self.power_w[self.power_w > IDLE_W[0]]
        return float(np.percentile(high, 99)) if len(high) else 0.0

    @cached_property
    def idle_w(self) -> float:
        """The power below which the channel idles: a fiftieth of the peak, 10 W to 20 W."""
        return float(np.clip(IDLE_SHARE * self.peak_w, *IDLE_W))

    @cached_property
    def on_power_w(self) -> float:
        """The power above which it is on: the table's, or else a tenth of the peak."""
        if self.appliance:
            return self.appliance.on_power_w
        return max(IDLE_W[0], ON_SHARE * self.peak_w)

    @cached_property
    def on(self) -> Flags:
        """Whether it is on, bool[T]; False where its reading is missing."""
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
    def signature(self) -> Signature | None:
        """The signature; None for a channel with too few readings above idling."""
        power_w = np.nan_to_num(self.power_w)
        above = power_w > self.idle_w
        if above.sum() < FEWEST_SAMPLES or self.known_days < FEWEST_DAYS:
            return None
        high = np.sort(power_w[above])
        used = np.cumsum(high, dtype=np.float64)
        half_w, nearly_w = (
            float(high[np.searchsorted(used, share * used[-1])]) for share in (0.5, 0.9)
        )
        until = np.concatenate(([0.0], np.cumsum(power_w, dtype=np.float64)))
        first, lengths = find_runs(power_w > nearly_w / 2)
        pulse_s, in_pulses = self._find_half_of_energy(first, first + lengths, until)
        pulses = len(first)
        first, lengths = find_runs(above)
        end = first + lengths
        apart = (first[1:] - end[:-1]) * self.period_s >= SAME_CYCLE_S
        first, end = first[np.concatenate(([True], apart))], end[np.concatenate((apart, [True]))]
        cycle_s, in_cycles = self._find_half_of_energy(first, end, until)
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

    def _find_half_of_energy(
        self, first: np.ndarray, end: np.ndarray, until: np.ndarray
    ) -> tuple[float, float]:
        """Return the duration in which half of the runs' energy is used, and all their energy.

        Half of the energy is used in runs no longer than the duration.
        """
        energy = until[end] - until[first]
        lengths = end - first
        order = np.argsort(lengths)
        used = np.cumsum(energy[order])
        half = lengths[order][np.searchsorted(used, 0.5 * used[-1])]
        return float(half) * self.period_s, float(used[-1])


def format_time(recording: Recording, sample: int) -> str:
    """Return the time of a sample: '2014-03-30 12:00', or 'day 1.5' for a file without times."""
    time_s = recording.time_s(sample)
    if recording.start is None:
        return f"day {time_s / 86400:.1f}"
    return str(np.datetime64(round(time_s), "s")).replace("T", " ")[:16]
