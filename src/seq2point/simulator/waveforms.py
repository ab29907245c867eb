"""Waveforms: the pieces of power curves, with a value a second, that activations consist of."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Watts = npt.NDArray[np.float32]
NOTHING: Watts = np.zeros(0, np.float32)
_SETTLED = 9.0
"""Time constants after which a decay is over: a ten-thousandth is left."""


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


def make_resistive(curve: Watts, motor_w: float = 0.0) -> Activation:
    """Return an activation of a heater's curve, f32[seconds], beside a steady motor."""
    return Activation(curve, np.full(len(curve), motor_w, np.float32) if motor_w else NOTHING)


def make_motor(curve: Watts) -> Activation:
    """Return an activation of a motor's curve, f32[seconds], never below zero."""
    return Activation(motor_w=np.maximum(curve, 0))


Rng = np.random.Generator
ActivationSource = Callable[[Rng], Activation]
MakeAppliance = Callable[[Rng], ActivationSource]
"""Draws a make of an appliance, which then draws its activations."""


_Stage = tuple[int, int, float | Watts]
"""A stage of one kind of power: its first second, its seconds, and its power."""


class Tape:
    """An activation that is composed stage after stage."""

    def __init__(self) -> None:
        self.seconds = 0
        self._heater: list[_Stage] = []
        self._motor: list[_Stage] = []

    def add(self, seconds: float, motor: float | Watts = 0.0, heater: float | Watts = 0.0) -> None:
        """Append a stage of whole seconds.

        A number is a steady power, an array a value a second.
        """
        length = max(int(seconds), 0)
        for stages, power in ((self._motor, motor), (self._heater, heater)):
            if isinstance(power, np.ndarray):
                stages.append((self.seconds, min(length, len(power)), power[:length]))
            elif power:
                stages.append((self.seconds, length, power))
        self.seconds += length

    def join(self) -> Activation:
        """Return the activation of all stages."""
        return Activation(self._write(self._heater), self._write(self._motor))

    def _write(self, stages: list[_Stage]) -> Watts:
        if not stages:
            return NOTHING
        curve: Watts = np.zeros(self.seconds, np.float32)
        for start_s, length, power in stages:
            curve[start_s : start_s + length] = power
        return curve


def _fit(curve: Watts, seconds: int) -> Watts:
    if len(curve) >= seconds:
        return curve[:seconds]
    values: Watts = np.zeros(seconds, np.float32)
    values[: len(curve)] = curve
    return values


def make_settling(seconds: float, first: float, last: float, tau_s: float) -> Watts:
    """Return values from `first` towards `last` with time constant `tau_s`, f32[seconds]."""
    length = max(int(seconds), 0)
    values = np.full(length, last, np.float32)
    decay = make_decay(tau_s)[:length]
    values[: len(decay)] += np.float32(first - last) * decay
    return values


@lru_cache(64)
def make_decay(tau_s: float) -> Watts:
    """Return a decay from 1 towards 0 with time constant `tau_s`, f32[9 * tau_s]."""
    times = np.arange(int(_SETTLED * tau_s), dtype=np.float32)
    times *= np.float32(-1 / tau_s)
    decay: Watts = np.exp(times, out=times)
    decay.flags.writeable = False
    return decay


def make_ramp(seconds: float, first: float, last: float) -> Watts:
    """Return values that rise or fall evenly from `first` to `last`, f32[seconds]."""
    ramp = np.arange(max(int(seconds), 0), dtype=np.float32)
    ramp *= np.float32((last - first) / max(len(ramp) - 1, 1))
    ramp += np.float32(first)
    return ramp


def draw_uniform(rng: Rng, least: float, most: float) -> float:
    """Draw a uniform number: the one of `rng.uniform`, in a third of its time."""
    return least + (most - least) * rng.random()


def pick(rng: Rng, choices: Sequence[float]) -> float:
    """Draw one of several numbers, each as likely."""
    return choices[int(rng.random() * len(choices))]


def limit(value: float, least: float, most: float) -> float:
    """Return a number, or the limit that it is beyond."""
    return min(max(value, least), most)


def draw_log_uniform(rng: Rng, least: float, most: float) -> float:
    """Draw a number whose logarithm is uniform: as likely to double as to halve."""
    return least * math.exp(rng.random() * math.log(most / least))


def draw_from_ranges(rng: Rng, *ranges: tuple[float, float, float]) -> float:
    """Draw a uniform number from one of several ranges: share, least, most."""
    at, summed = rng.random(), accumulate(share for share, _, _ in ranges)
    number = sum(at >= share for share in summed)
    _, least, most = ranges[min(number, len(ranges) - 1)]
    return draw_uniform(rng, least, most)


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


def draw_levels(rng: Rng, seconds: float, spread: float, hold_s: float) -> Watts:
    """Draw random levels around zero, each held about `hold_s` seconds, f32[seconds].

    Scenes of a film or a busy browser give such levels.
    """
    length = max(int(seconds), 0)
    count = int(1.8 * length / hold_s) + 3
    spans = np.maximum(hold_s * rng.standard_exponential(count), 1).astype(np.int64)
    levels = np.float32(spread) * rng.standard_normal(count, np.float32)
    return _fit(np.repeat(levels, spans), length)
