"""Meters: their readings are late, held, a little wrong, noisy and in whole watts."""

import numpy as np

from seq2point.simulator.habits import DAY_S
from seq2point.simulator.waveforms import Watts

_LATEST_S = 8  # no meter is later


class Meter:
    """A plug meter or mains clamp with its own gain, delay, sampling, noise and step.

    An averaging meter senses every second. A sampling one (`hold_s` > 1) senses every `hold_s`
    seconds and repeats that value.
    """

    def __init__(
        self, gain: float, late_s: int, hold_s: int, noise: float, floor_w: float, step_w: float
    ) -> None:
        self._gain, self._late_s, self._hold_s = np.float32(gain), min(late_s, _LATEST_S), hold_s
        self._noise, self._floor_w, self._step_w = (
            np.float32(noise),
            np.float32(floor_w),
            np.float32(step_w),
        )
        self._before: Watts = np.zeros(self._late_s, np.float32)

    @classmethod
    def draw_plug(cls, make: np.random.Generator, hold_s: int) -> "Meter":
        """Draw a meter between plug and socket."""
        return cls(
            make.uniform(0.985, 1.015),
            int(make.integers(0, 4)),
            hold_s,
            make.uniform(0.0005, 0.002),
            0.0,
            1.0,
        )

    @classmethod
    def draw_mains(cls, make: np.random.Generator) -> "Meter":
        """Draw a clamp around the house's cable."""
        hold_s = int(make.choice([1, 1, 6, 8]))
        noise, floor_w = make.uniform(0.001, 0.005), make.uniform(0.3, 2.5)
        return cls(make.uniform(0.98, 1.025), int(make.integers(0, 2)), hold_s, noise, floor_w, 1.0)

    def sense(self, power_w: Watts) -> Watts:
        """Return a day's power f32[86400] as the meter senses it, without noise.

        Call it once a day, in order.
        """
        sensed_w = np.empty(DAY_S, np.float32)
        np.multiply(power_w[: DAY_S - self._late_s], self._gain, out=sensed_w[self._late_s :])
        sensed_w[: self._late_s] = self._before * self._gain
        self._before = power_w[DAY_S - self._late_s :].copy()
        return np.repeat(sensed_w[:: self._hold_s], self._hold_s)

    def read(self, power_w: Watts, period_s: float, rng: np.random.Generator) -> Watts:
        """Return readings in whole steps from means over periods, f32[N].

        They have the noise of a reading every 6 s, and less noise over longer periods.
        """
        draws = rng.standard_normal((2, len(power_w)), np.float32)
        less = np.float32(min(1.0, (6.0 / period_s) ** 0.5))
        noisy: Watts = power_w + less * (
            self._noise * power_w * draws[0] + self._floor_w * draws[1]
        )
        stepped: Watts = np.rint(noisy / self._step_w) * self._step_w
        return np.maximum(stepped, np.float32(0))
