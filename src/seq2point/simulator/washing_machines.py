"""Washing machines and washer dryers: draw a make, then its cycles."""

import math
from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from seq2point.simulator.noise import draw_texture
from seq2point.simulator.waveforms import (
    Activation,
    ActivationSource,
    Rng,
    Tape,
    Watts,
    draw_from_ranges,
    draw_log_uniform,
    draw_switching,
    draw_uniform,
    limit,
    make_ramp,
    make_settling,
    pick,
)

_TEMPERATURES_C = (15.0, 20.0, 30.0, 40.0, 60.0, 85.0)
_USUAL = (0.5, 0.6, 2.4, 3.0, 1.2, 0.12)
"""How often households choose the temperatures, and how much they differ: a Dirichlet draw."""

_PULSES = 64
"""Pulses of the drum that are drawn at a time, an even number."""
_Pulse = tuple[int, float, float, float]
"""A pulse of the drum: its seconds, those of the pause after it, its power, and its first one."""


class _Wash(Tape):
    """A wash that is composed, with the pulses that its drum will turn in."""

    def __init__(self, pulses: Iterator[_Pulse]) -> None:
        super().__init__()
        self.pulses = pulses


def make_washing_machine(make: Rng) -> ActivationSource:
    """Draw a washing machine: heating, tumbling with reversals, rinses, growing spins.

    It heats in one plateau, in two with a wash between, or tops up again and again. The drive is a
    motor that pulses, or an inverter that runs smoothly. A washer dryer may dry for an hour after.
    """
    heater_w = draw_from_ranges(make, (0.93, 1800, 2450), (0.07, 1350, 1800))
    inverter = make.random() < 0.4
    tumble_w = limit(make.lognormal(math.log(115 if inverter else 150), 0.45), 35, 550)
    spin_w = limit(make.lognormal(math.log(400), 0.36), 160, 1000)
    on_s = draw_log_uniform(make, 8, 75) if inverter else draw_log_uniform(make, 6, 26)
    off_s = draw_log_uniform(make, 2, 14)
    surge = draw_uniform(make, 0.0, 0.15) if inverter else draw_uniform(make, 0.1, 0.9)
    uneven = draw_uniform(make, 0.03, 0.3)
    one_way = np.tile([1.0 + draw_uniform(make, 0.0, 0.25), 1.0], _PULSES // 2)
    rest_w = draw_uniform(make, 0.3, 7)
    hum_w = draw_uniform(make, 0.3, 3)
    litres = draw_uniform(make, 7, 20)  # of water, with laundry and drum counted as water
    inlet_c = draw_uniform(make, 6, 20)
    rinses = int(pick(make, [1, 2, 2, 3, 3, 4]))
    usual = np.cumsum(make.dirichlet(_USUAL))[:-1].tolist()
    pace = draw_uniform(make, 0.4, 1.1)
    long_programme = make.random() < 0.12
    pause_share = draw_uniform(make, 0.2, 0.8) if make.random() < 0.35 else 0.0
    top_ups = int(make.integers(1, 9)) if make.random() < 0.2 else 0
    quick_share = draw_uniform(make, 0.05, 0.5)
    dryer_w = draw_uniform(make, 800, 2000) if make.random() < 0.04 else 0.0
    loosens = make.random() < 0.25

    def draw_pulses(rng: Rng) -> Iterator[_Pulse]:
        while True:
            on, off, size = rng.standard_normal((3, _PULSES))
            size_w = tumble_w * np.exp(uneven * size) * one_way
            first_w = size_w * rng.uniform(1.0, 1.0 + surge, _PULSES)
            pulse_s = np.maximum(np.rint(on_s * np.exp(0.25 * on)), 1).astype(int)
            pause_s = off_s * np.exp(0.25 * off)
            columns = pulse_s, pause_s, size_w, first_w
            yield from zip(*(column.tolist() for column in columns), strict=True)

    def draw_tumbling(
        rng: Rng, wash: _Wash, seconds: float, power: float = 1.0, rest: float = 1.0
    ) -> Watts:
        length, at = int(seconds), 0
        curve: Watts = np.zeros(length, np.float32)
        while at < length:
            pulse_s, pause_s, size_w, first_w = next(wash.pulses)
            curve[at : at + pulse_s] = size_w
            if at:
                curve[at] = first_w
            at += pulse_s + max(round(rest * pause_s), 1)
        curve *= power
        curve += np.abs(draw_texture(rng, length, hum_w, 2))
        curve += rest_w
        return curve

    def add_tumbling(rng: Rng, wash: _Wash, seconds: float, heater: float | Watts = 0.0) -> None:
        wash.add(seconds, draw_tumbling(rng, wash, seconds), heater)

    def add_balancing(rng: Rng, wash: _Wash) -> None:
        """Spread the laundry before a spin: tumbling, stronger pulse after pulse."""
        seconds = draw_uniform(rng, 40, 160)
        curve = draw_tumbling(
            rng, wash, seconds, draw_uniform(rng, 1.0, 1.7), draw_uniform(rng, 0.7, 1.6)
        )
        wash.add(seconds, curve * make_ramp(seconds, 0.4, 1.3))
        wash.add(draw_uniform(rng, 8, 16), spin_w * draw_uniform(rng, 0.25, 0.8))
        wash.add(draw_uniform(rng, 6, 30), rest_w + 2)

    def add_spins(rng: Rng, wash: _Wash, strength: float, plateaus: int) -> None:
        for _ in range(int(rng.integers(1, 4))):
            add_balancing(rng, wash)
        most_w = spin_w * strength * draw_uniform(rng, 0.9, 1.08)
        for level_w in (most_w * np.linspace(0.45, 1.0, plateaus)).tolist():
            rise = draw_uniform(rng, 8, 30)
            overshoot_w = level_w * draw_uniform(rng, 1.0, 1.4)
            wash.add(rise, make_ramp(rise, 0.4 * level_w, overshoot_w))
            hold = draw_uniform(rng, 25, 190)
            spinning = make_settling(hold, level_w, 0.9 * level_w, 60)
            wash.add(hold, spinning + draw_texture(rng, hold, 4, 3))
            if rng.random() < 0.35:
                wash.add(draw_uniform(rng, 15, 50), make_settling(50, 40, 8, 8))
        wash.add(draw_uniform(rng, 15, 40), make_settling(40, 25, 6, 8))

    def add_drain(rng: Rng, wash: _Wash) -> None:
        seconds = draw_uniform(rng, 30, 90)
        wash.add(seconds, 28 + draw_texture(rng, seconds, 4, 5))

    def add_fill(rng: Rng, wash: _Wash) -> None:
        for _ in range(int(rng.integers(1, 5))):
            wash.add(draw_uniform(rng, 8, 35), rest_w + 4)
            add_tumbling(rng, wash, draw_uniform(rng, 10, 30))

    def add_heating(rng: Rng, wash: _Wash, seconds: float) -> None:
        heating = np.full(int(seconds), heater_w, np.float32)
        if rng.random() < 0.25:
            for at in rng.uniform(0, seconds, 3):
                heating[int(at) : int(at) + int(draw_uniform(rng, 6, 20))] = 0.0
        add_tumbling(rng, wash, seconds, heating)

    def add_warming(rng: Rng, wash: _Wash, target_c: float) -> None:
        seconds = (
            litres * (target_c - inlet_c) * 4186 / (0.9 * heater_w) * draw_uniform(rng, 0.85, 1.15)
        )
        if seconds < 20:
            return
        share = pause_share if seconds > 180 else 0.0
        if share:
            add_heating(rng, wash, share * seconds)
            add_tumbling(rng, wash, 60 * draw_log_uniform(rng, 1.5, 70))
        add_heating(rng, wash, (1 - share) * seconds)
        for _ in range(top_ups if target_c > 25 else 0):
            add_tumbling(rng, wash, draw_log_uniform(rng, 60, 480))
            add_heating(rng, wash, draw_log_uniform(rng, 15, 120))

    def add_drying(rng: Rng, wash: _Wash) -> None:
        seconds = 60 * draw_uniform(rng, 35, 150)
        on_s = draw_uniform(rng, 60, 400)
        heat = draw_switching(rng, seconds, on_s, on_s * draw_uniform(rng, 0.15, 1.2), 0.15, 4)
        add_tumbling(rng, wash, seconds, np.float32(dryer_w) * heat)
        add_tumbling(rng, wash, 60 * draw_uniform(rng, 4, 12))

    def draw_activation(rng: Rng) -> Activation:
        target_c = _TEMPERATURES_C[bisect_right(usual, rng.random())]
        quick = target_c < 50 and rng.random() < quick_share
        wash = _Wash(draw_pulses(rng))
        add_fill(rng, wash)
        add_tumbling(rng, wash, draw_log_uniform(rng, 15, 300))
        add_warming(rng, wash, target_c)
        wash_min = draw_uniform(rng, 3, 10) if quick else draw_uniform(rng, 14, 26) + 0.2 * target_c
        if long_programme and not quick:
            wash_min += draw_uniform(rng, 20, 70)
        add_tumbling(rng, wash, 60 * pace * wash_min)
        for rinse in range(1 if quick else rinses):
            add_drain(rng, wash)
            if rinse:
                add_spins(rng, wash, draw_uniform(rng, 0.5, 0.85), int(rng.integers(1, 3)))
            add_fill(rng, wash)
            seconds = 60 * pace * draw_uniform(rng, 1.5, 6)
            wash.add(seconds, draw_tumbling(rng, wash, seconds, draw_uniform(rng, 0.9, 1.3), 1.5))
        add_drain(rng, wash)
        wash.add(seconds := draw_uniform(rng, 20, 160), draw_tumbling(rng, wash, seconds, 0.7))
        add_spins(rng, wash, 1.0, int(rng.integers(1, 6)))
        if dryer_w and rng.random() < 0.4:
            add_drying(rng, wash)
        wash.add(seconds := draw_uniform(rng, 30, 150), draw_tumbling(rng, wash, seconds, 0.5))
        if loosens and rng.random() < 0.5:
            seconds = 60 * draw_uniform(rng, 5, 30)
            wash.add(seconds, draw_tumbling(rng, wash, seconds, 0.6, 60 / off_s))
        wash.add(draw_uniform(rng, 30, 400), rest_w)
        return wash.join()

    return draw_activation
