"""Waveforms: the pieces of power curves, with a value a second, that activations consist of."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Watts = npt.NDArray[np.float32]


class Activation(NamedTuple):
    """One activation, second by second: f32[seconds] in watts.

    `heater_w` follows the voltage, `motor_w` does not.
    """

    heater_w: Watts
    motor_w: Watts


class Tape:
    """An activation that is composed stage after stage."""

    def __init__(self) -> None:
        self._heater: list[Watts] = []
        self._motor: list[Watts] = []

    def add(self, seconds: float, motor: float | Watts = 0.0, heater: float | Watts = 0.0) -> None:
        """Append a stage of whole seconds.

        A number is a steady power, an array a value a second.
        """
        length = max(int(seconds), 0)
        for curves, power in ((self._motor, motor), (self._heater, heater)):
            if isinstance(power, np.ndarray):
                curves.append(_fit(power, length))
            else:
                curves.append(np.full(length, power, np.float32))

    def join(self) -> Activation:
        """Return the activation of all stages."""
        return Activation(np.concatenate(self._heater), np.concatenate(self._motor))


def _fit(curve: Watts, seconds: int) -> Watts:
    values: Watts = np.zeros(seconds, np.float32)
    values[: len(curve)] = curve[:seconds]
    return values


def make_settling(seconds: float, first: float, last: float, tau_s: float) -> Watts:
    """Return values from `first` towards `last` with time constant `tau_s`, f32[seconds]."""
    times = np.arange(max(int(seconds), 0), dtype=np.float32)
    decay: Watts = np.exp(-times / np.float32(tau_s))
    return np.float32(last) + np.float32(first - last) * decay


def draw_switching(
    rng: np.random.Generator,
    seconds: float,
    on_s: float,
    off_s: float,
    jitter: float = 0.1,
    lead: float = 1.0,
) -> Watts:
    """Draw a thermostat's or timer's ones and zeros, f32[seconds].

    The first on-time is `lead` times as long.
    """
    length = max(int(seconds), 0)
    pairs = int(1.4 * length / (on_s + off_s)) + 3
    spans = np.empty(2 * pairs)
    spans[0::2] = on_s
    spans[1::2] = off_s
    spans *= np.exp(rng.normal(0.0, jitter, 2 * pairs))
    spans[0] *= lead
    values = np.tile(np.array([1.0, 0.0], np.float32), pairs)
    return _fit(np.repeat(values, np.maximum(np.rint(spans), 1).astype(int)), length)


def draw_texture(rng: np.random.Generator, seconds: float, spread: float, smooth_s: float) -> Watts:
    """Draw a smooth random curve around zero with standard deviation `spread`, f32[seconds]."""
    length = max(int(seconds), 0)
    knots = rng.normal(0.0, spread, int(length / smooth_s) + 2)
    return np.interp(np.arange(length) / smooth_s, np.arange(len(knots)), knots).astype(np.float32)


def draw_levels(rng: np.random.Generator, seconds: float, spread: float, hold_s: float) -> Watts:
    """Draw random levels around zero, each held about `hold_s` seconds, f32[seconds].

    Scenes of a film or a busy browser give such levels.
    """
    length = max(int(seconds), 0)
    count = int(1.8 * length / hold_s) + 3
    spans = np.maximum(rng.exponential(hold_s, count), 1).astype(int)
    levels = rng.normal(0.0, spread, count).astype(np.float32)
    return _fit(np.repeat(levels, spans), length)
