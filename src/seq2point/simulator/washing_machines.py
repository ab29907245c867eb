"""Washing machines and washer dryers: draw a make, then its cycles."""

import numpy as np

from seq2point.simulator.waveforms import (
    Activation,
    ActivationSource,
    Rng,
    Tape,
    Watts,
    draw_from_ranges,
    draw_log_uniform,
    draw_spans,
    draw_switching,
    draw_texture,
    make_settling,
)

_TEMPERATURES_C = (15.0, 20.0, 30.0, 40.0, 60.0, 85.0)
_USUAL = (0.5, 0.6, 2.4, 3.0, 1.2, 0.12)
"""How often households choose the temperatures, and how much they differ: a Dirichlet draw."""


def make_washing_machine(make: Rng) -> ActivationSource:
    """Draw a washing machine: heating, tumbling with reversals, rinses, growing spins.

    It heats in one plateau, in two with a wash between, or tops up again and again. The drive is a
    motor that pulses, or an inverter that runs smoothly. A washer dryer may dry for an hour after.
    """
    heater_w = draw_from_ranges(make, (0.93, 1800, 2450), (0.07, 1350, 1800))
    inverter = make.random() < 0.4
    tumble_w = float(np.clip(make.lognormal(np.log(115 if inverter else 150), 0.45), 35, 550))
    spin_w = float(np.clip(make.lognormal(np.log(400), 0.36), 160, 1000))
    on_s = draw_log_uniform(make, 8, 75) if inverter else draw_log_uniform(make, 6, 26)
    off_s = draw_log_uniform(make, 2, 14)
    surge = make.uniform(0.0, 0.15) if inverter else make.uniform(0.1, 0.9)
    uneven = make.uniform(0.03, 0.3)
    one_way = make.uniform(0.0, 0.25)
    rest_w = make.uniform(0.3, 7)
    hum_w = make.uniform(0.3, 3)
    litres = make.uniform(7, 20)  # of water, with laundry and drum counted as water
    inlet_c = make.uniform(6, 20)
    rinses = int(make.choice([1, 2, 2, 3, 3, 4]))
    usual = make.dirichlet(_USUAL)
    pace = make.uniform(0.4, 1.1)
    long_programme = make.random() < 0.12
    pause_share = make.uniform(0.2, 0.8) if make.random() < 0.35 else 0.0
    top_ups = int(make.integers(1, 9)) if make.random() < 0.2 else 0
    quick_share = make.uniform(0.05, 0.5)
    dryer_w = make.uniform(800, 2000) if make.random() < 0.04 else 0.0
    loosens = make.random() < 0.25

    def draw_tumbling(rng: Rng, seconds: float, power: float = 1.0, rest: float = 1.0) -> Watts:
        length = int(seconds)
        spans = draw_spans(rng, length, on_s, off_s * rest, 0.25, 1.0)
        sizes = np.zeros(len(spans), np.float32)
        sizes[::2] = tumble_w * power * np.exp(uneven * rng.standard_normal(len(spans) // 2))
        sizes[::4] *= 1.0 + one_way
        pulses = np.repeat(sizes, spans)
        starts = np.cumsum(spans)[1:-1:2]
        pulses[starts] *= rng.uniform(1.0, 1.0 + surge, len(starts)).astype(np.float32)
        return pulses[:length] + np.abs(draw_texture(rng, length, hum_w, 2)) + np.float32(rest_w)

    def add_tumbling(rng: Rng, tape: Tape, seconds: float, heater: float | Watts = 0.0) -> None:
        tape.add(seconds, draw_tumbling(rng, seconds), heater)

    def add_balancing(rng: Rng, tape: Tape) -> None:
        """Spread the laundry before a spin: tumbling, stronger pulse after pulse."""
        seconds = rng.uniform(40, 160)
        pulses = draw_tumbling(rng, seconds, rng.uniform(1.0, 1.7), rng.uniform(0.7, 1.6))
        tape.add(seconds, pulses * np.linspace(0.4, 1.3, len(pulses), dtype=np.float32))
        tape.add(rng.uniform(8, 16), spin_w * rng.uniform(0.25, 0.8))
        tape.add(rng.uniform(6, 30), rest_w + 2)

    def add_spins(rng: Rng, tape: Tape, strength: float, plateaus: int) -> None:
        for _ in range(int(rng.integers(1, 4))):
            add_balancing(rng, tape)
        for level in np.linspace(0.45, 1.0, plateaus) * strength * rng.uniform(0.9, 1.08):
            rise = rng.uniform(8, 30)
            swing = np.linspace(0.4, rng.uniform(1.0, 1.4), int(rise), dtype=np.float32)
            tape.add(rise, swing * np.float32(level * spin_w))
            hold = rng.uniform(25, 190)
            tape.add(
                hold,
                level * spin_w * make_settling(hold, 1.0, 0.9, 60) + draw_texture(rng, hold, 4, 3),
            )
            if rng.random() < 0.35:
                tape.add(rng.uniform(15, 50), make_settling(50, 40, 8, 8))
        tape.add(rng.uniform(15, 40), make_settling(40, 25, 6, 8))

    def add_drain(rng: Rng, tape: Tape) -> None:
        seconds = rng.uniform(30, 90)
        tape.add(seconds, 28 + draw_texture(rng, seconds, 4, 5))

    def add_fill(rng: Rng, tape: Tape) -> None:
        for _ in range(int(rng.integers(1, 5))):
            tape.add(rng.uniform(8, 35), rest_w + 4)
            add_tumbling(rng, tape, rng.uniform(10, 30))

    def add_heating(rng: Rng, tape: Tape, seconds: float) -> None:
        heating = np.full(int(seconds), heater_w, np.float32)
        if rng.random() < 0.25:
            for at in rng.uniform(0, seconds, 3):
                heating[int(at) : int(at) + int(rng.uniform(6, 20))] = 0.0
        add_tumbling(rng, tape, seconds, heating)

    def add_warming(rng: Rng, tape: Tape, target_c: float) -> None:
        seconds = litres * (target_c - inlet_c) * 4186 / (0.9 * heater_w) * rng.uniform(0.85, 1.15)
        if seconds < 20:
            return
        share = pause_share if seconds > 180 else 0.0
        if share:
            add_heating(rng, tape, share * seconds)
            add_tumbling(rng, tape, 60 * draw_log_uniform(rng, 1.5, 70))
        add_heating(rng, tape, (1 - share) * seconds)
        for _ in range(top_ups if target_c > 25 else 0):
            add_tumbling(rng, tape, draw_log_uniform(rng, 60, 480))
            add_heating(rng, tape, draw_log_uniform(rng, 15, 120))

    def add_drying(rng: Rng, tape: Tape) -> None:
        seconds = 60 * rng.uniform(35, 150)
        on_s = rng.uniform(60, 400)
        heat = draw_switching(rng, seconds, on_s, on_s * rng.uniform(0.15, 1.2), 0.15, 4)
        add_tumbling(rng, tape, seconds, np.float32(dryer_w) * heat)
        add_tumbling(rng, tape, 60 * rng.uniform(4, 12))

    def draw_activation(rng: Rng) -> Activation:
        target_c = _TEMPERATURES_C[int(rng.choice(len(usual), p=usual))]
        quick = target_c < 50 and rng.random() < quick_share
        tape = Tape()
        add_fill(rng, tape)
        add_tumbling(rng, tape, draw_log_uniform(rng, 15, 300))
        add_warming(rng, tape, target_c)
        wash_min = rng.uniform(3, 10) if quick else rng.uniform(14, 26) + 0.2 * target_c
        if long_programme and not quick:
            wash_min += rng.uniform(20, 70)
        add_tumbling(rng, tape, 60 * pace * wash_min)
        for rinse in range(1 if quick else rinses):
            add_drain(rng, tape)
            if rinse:
                add_spins(rng, tape, rng.uniform(0.5, 0.85), int(rng.integers(1, 3)))
            add_fill(rng, tape)
            seconds = 60 * pace * rng.uniform(1.5, 6)
            tape.add(seconds, draw_tumbling(rng, seconds, rng.uniform(0.9, 1.3), 1.5))
        add_drain(rng, tape)
        tape.add(seconds := rng.uniform(20, 160), draw_tumbling(rng, seconds, 0.7))
        add_spins(rng, tape, 1.0, int(rng.integers(1, 6)))
        if dryer_w and rng.random() < 0.4:
            add_drying(rng, tape)
        tape.add(seconds := rng.uniform(30, 150), draw_tumbling(rng, seconds, 0.5))
        if loosens and rng.random() < 0.5:
            seconds = 60 * rng.uniform(5, 30)
            tape.add(seconds, draw_tumbling(rng, seconds, 0.6, 60 / off_s))
        tape.add(rng.uniform(30, 400), rest_w)
        return tape.join()

    return draw_activation
