"""The supply voltage of a house, which everything that heats follows, and slow drifts."""

import numpy as np

from seq2point.simulator.habits import DAY_S
from seq2point.simulator.waveforms import Watts

NOMINAL_V = 240.0


class Drift:
    """A slow random walk around zero, one day after another without a break.

    Straight lines join knots every `knot_s` seconds, a divisor of a day. `spread` is the standard
    deviation, `memory_s` the time in which a deviation decays to 1/e.
    """

    def __init__(self, spread: float, memory_s: float, knot_s: int) -> None:
        self._spread, self._memory_s, self._knot_s = spread, memory_s, knot_s
        self._last = 0.0

    def draw_day(self, rng: np.random.Generator) -> Watts:
        """Draw the next day's deviations, f32[86400]."""
        keep = float(np.exp(-self._knot_s / self._memory_s))
        pushes = rng.normal(0.0, self._spread * np.sqrt(1 - keep * keep), DAY_S // self._knot_s)
        knots, value = [self._last], self._last
        for push in pushes.tolist():
            value = keep * value + push
            knots.append(value)
        self._last = value
        values = np.array(knots, np.float32)
        share = np.arange(self._knot_s, dtype=np.float32) / np.float32(self._knot_s)
        return (values[:-1, None] + np.diff(values)[:, None] * share).ravel()


class Supply:
    """The relative voltage: drift, flicker, and the sag of the house's own load in its cable."""

    def __init__(self, make: np.random.Generator) -> None:
        self._level = make.uniform(0.99, 1.02)
        self._impedance_ohm = make.uniform(0.08, 0.28)
        self._flicker = make.uniform(0.001, 0.004)
        self._slow = Drift(make.uniform(0.003, 0.007), 3600, 120)
        self._fast = Drift(make.uniform(0.0015, 0.004), 40, 8)

    def draw_day(self, rng: np.random.Generator, load_w: Watts) -> Watts:
        """Draw a day's voltage over the nominal one, f32[86400].

        `load_w` is the power that the house would draw at nominal voltage.
        """
        flicker = rng.standard_normal(DAY_S, np.float32) * np.float32(self._flicker)
        sag = load_w * np.float32(self._impedance_ohm / NOMINAL_V**2)
        voltage: Watts = (
            np.float32(self._level)
            + self._slow.draw_day(rng)
            + self._fast.draw_day(rng)
            + flicker
            - sag
        )
        return np.clip(voltage, np.float32(0.94), np.float32(1.04))
