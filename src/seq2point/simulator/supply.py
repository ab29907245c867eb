"""The supply voltage of a house, which everything that heats follows, and slow drifts."""

import math
from functools import cache

import numpy as np

from seq2point.simulator.habits import DAY_S
from seq2point.simulator.noise import TAPE_S, draw_hiss, join_knots
from seq2point.simulator.waveforms import Watts

NOMINAL_V = 240.0


class Drift:
    """A random walk around zero, one day after another without a break.

    Straight lines join knots every `knot_s` seconds, a divisor of a day. `spread` is the standard
    deviation, `memory_s` the time in which a deviation decays to 1/e.
    """

    def __init__(self, spread: float, memory_s: float, knot_s: int) -> None:
        self._spread, self._memory_s, self._knot_s = spread, memory_s, knot_s
        self._last = 0.0

    def draw_day(self, rng: np.random.Generator) -> Watts:
        """Draw the next day's deviations, f32[86400]."""
        return self.draw(rng, DAY_S)

    def draw(self, rng: np.random.Generator, seconds: int) -> Watts:
        """Draw the deviations of the next `seconds`, whole knots, f32[seconds]."""
        keep = math.exp(-self._knot_s / self._memory_s)
        knots = np.empty(seconds // self._knot_s + 1)
        knots[0] = self._last
        pushes = rng.standard_normal(len(knots) - 1)
        knots[1:] = self._spread * math.sqrt(1 - keep * keep) * pushes
        reach = 1
        while reach < len(knots) and keep > 1e-9:  # each round doubles how far a push reaches
            knots[reach:] += keep * knots[:-reach]
            reach, keep = 2 * reach, keep * keep
        self._last = float(knots[-1])
        return join_knots(knots.astype(np.float32), self._knot_s)


@cache
def _make_unrest() -> Watts:
    """Return the voltage's quick drift with standard deviation 1: a tape as in noise.py."""
    tape = Drift(1.0, 40, 8).draw(np.random.default_rng(0), TAPE_S)
    tape.flags.writeable = False
    return tape


class Supply:
    """The relative voltage: drift, unrest, flicker, and the sag of the load in the cable."""

    def __init__(self, make: np.random.Generator) -> None:
        self._level = make.uniform(0.99, 1.02)
        self._impedance_ohm = make.uniform(0.08, 0.28)
        self._flicker = make.uniform(0.001, 0.004)
        self._drift = Drift(make.uniform(0.003, 0.007), 3600, 120)
        self._unrest = make.uniform(0.0015, 0.004)

    def draw_day(self, rng: np.random.Generator, load_w: Watts) -> Watts:
        """Draw a day's voltage over the nominal one, f32[86400].

        `load_w` is the power that the house would draw at nominal voltage.
        """
        voltage = self._drift.draw_day(rng)
        voltage += np.float32(self._level)
        voltage += draw_hiss(rng, DAY_S, self._flicker)
        first = int(rng.random() * (TAPE_S - DAY_S))
        voltage += _make_unrest()[first : first + DAY_S] * np.float32(self._unrest)
        voltage -= load_w * np.float32(self._impedance_ohm / NOMINAL_V**2)
        return np.clip(voltage, np.float32(0.94), np.float32(1.04), out=voltage)
