"""The supply voltage of a house, which everything that heats follows, and slow drifts."""

import numpy as np

from seq2point.simulator.habits import DAY_S
from seq2point.simulator.waveforms import Watts, draw_hiss, join_knots

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
        knots = np.empty(DAY_S // self._knot_s + 1)
        knots[0] = self._last
        knots[1:] = rng.normal(0.0, self._spread * np.sqrt(1 - keep * keep), len(knots) - 1)
        reach = 1
        while reach < len(knots) and keep > 1e-9:  # each round doubles how far a push reaches
            knots[reach:] += keep * knots[:-reach]
            reach, keep = 2 * reach, keep * keep
        self._last = float(knots[-1])
        return join_knots(knots.astype(np.float32), self._knot_s)


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
        voltage = draw_hiss(rng, DAY_S, self._flicker)
        voltage += np.float32(self._level)
        voltage += self._slow.draw_day(rng)
        voltage += self._fast.draw_day(rng)
        voltage -= load_w * np.float32(self._impedance_ohm / NOMINAL_V**2)
        return np.clip(voltage, np.float32(0.94), np.float32(1.04), out=voltage)
