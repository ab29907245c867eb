"""Waveforms: the pieces of power curves, with a value a second, that activations consist of."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Watts = npt.NDArray[np.float32]
NOTHING: Watts = np.zeros(0, np.float32)


class Activation(NamedTuple):
    """One activation, second by second: f32[seconds] in watts, or f32[0] for none.

    `heater_w` follows the voltage, `motor_w` does not.
    """

    heater_w: Watts = NOTHING
    motor_w: Watts = NOTHING

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return max(len(self.heater_w), len(self.motor_w))

    @property
    def total_w(self) -> Watts:
        """Heater and motor together at nominal voltage, f32[seconds]."""
        return _fit(self.heater_w, self.seconds) + _fit(self.motor_w, self.seconds)


Rng = np.random.Generator
ActivationSource = Callable[[Rng], Activation]
MakeAppliance = Callable[[Rng], ActivationSource]
"""Draws a make of an appliance, which then draws its activations."""


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


def draw_log_uniform(rng: Rng, least: float, most: float) -> float:
    """Draw a number whose logarithm is uniform: as likely to double as to halve."""
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def draw_from_ranges(rng: Rng, *ranges: tuple[float, float, float]) -> float:
    """Draw a uniform number from one of several ranges: share, least, most."""
    shares = [share for share, _, _ in ranges]
    _, least, most = ranges[int(rng.choice(len(ranges), p=shares))]
    return float(rng.uniform(least, most))


def draw_switching(
    rng: Rng,
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
    spans = draw_spans(rng, length, on_s, off_s, jitter, lead)
    values = np.zeros(len(spans), np.float32)
    values[::2] = 1.0
    return _fit(np.repeat(values, spans), length)


def draw_spans(
    rng: Rng, length: int, on_s: float, off_s: float, jitter: float, lead: float
) -> npt.NDArray[np.int64]:
    """Draw alternating on-times and off-times in whole seconds, enough for `length` seconds."""
    spans = np.exp(jitter * rng.standard_normal(2 * int(1.4 * length / (on_s + off_s)) + 6))
    spans[0::2] *= on_s
    spans[1::2] *= off_s
    spans[0] *= lead
    return np.maximum(np.rint(spans), 1).astype(np.int64)


def draw_texture(rng: Rng, seconds: float, spread: float, smooth_s: int) -> Watts:
    """Draw a smooth random curve around zero, f32[seconds].

    Its knots have the standard deviation `spread`.
    """
    length = max(int(seconds), 0)
    return join_knots(draw_hiss(rng, length // smooth_s + 2, spread), smooth_s)[:length]


def draw_hiss(rng: Rng, count: int, spread: float) -> Watts:
    """Draw noise around zero with standard deviation `spread`, f32[count].

    It is uniform: five times quicker than normal noise, and the same once averaged.
    """
    noise = rng.random(count, np.float32)
    noise -= np.float32(0.5)
    noise *= np.float32(spread * 12**0.5)
    return noise


def join_knots(knots: Watts, knot_s: int) -> Watts:
    """Return straight lines between knots `knot_s` seconds away, f32[(knots - 1) * knot_s]."""
    share = np.arange(knot_s, dtype=np.float32) / np.float32(knot_s)
    return (knots[:-1, None] + (knots[1:] - knots[:-1])[:, None] * share).ravel()


def draw_levels(rng: Rng, seconds: float, spread: float, hold_s: float) -> Watts:
    """Draw random levels around zero, each held about `hold_s` seconds, f32[seconds].

    Scenes of a film or a busy browser give such levels.
    """
    length = max(int(seconds), 0)
    count = int(1.8 * length / hold_s) + 3
    spans = np.maximum(rng.exponential(hold_s, count), 1).astype(int)
    levels = rng.normal(0.0, spread, count).astype(np.float32)
    return _fit(np.repeat(levels, spans), length)
