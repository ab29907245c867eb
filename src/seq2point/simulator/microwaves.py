"""Microwaves: draw a make, then its uses."""

import numpy as np

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
    make_settling,
    pick,
)


def make_microwave(make: Rng) -> ActivationSource:
    """Draw a microwave: lamp and turntable, a switching magnetron or an inverter, maybe a grill.

    Some have an oven's heater too.
    """
    magnetron_w = draw_uniform(make, 880, 1720)
    turntable_w = draw_from_ranges(make, (0.8, 8, 50), (0.2, 50, 200))
    period_s = pick(make, [15, 20, 22, 26, 30, 30, 32])
    change = draw_uniform(make, -0.16, 0.04)
    inverter = make.random() < 0.25
    grill_w = draw_uniform(make, 800, 1350) if make.random() < 0.3 else 0.0
    oven_w = draw_uniform(make, 1100, 1800) if grill_w and make.random() < 0.3 else 0.0
    haste = draw_log_uniform(make, 0.5, 2.4)
    part_power_share = draw_uniform(make, 0.05, 0.5)
    door_s = draw_log_uniform(make, 4, 90)

    def draw_burst(rng: Rng, seconds: float) -> tuple[Watts, Watts]:
        full = magnetron_w * make_settling(seconds, 1.0, 1.0 + change, 280)
        grill = np.zeros(len(full), np.float32)
        if grill_w and rng.random() < 0.2:
            grill += grill_w * draw_switching(rng, seconds, 55, 8)
            if rng.random() < 0.5:
                return np.full(len(full), turntable_w, np.float32), grill
        if rng.random() < part_power_share:
            share = pick(rng, [0.1, 0.17, 0.33, 0.5, 0.5, 0.65, 0.8])
            if inverter:
                return full * share + turntable_w, grill
            full *= draw_switching(rng, seconds, share * period_s, (1 - share) * period_s, 0.03)
        full[: int(rng.integers(1, 4))] *= 0.2
        return full + turntable_w, grill

    def draw_activation(rng: Rng) -> Activation:
        tape = Tape()
        if oven_w and rng.random() < 0.1:
            seconds = 60 * draw_uniform(rng, 8, 40)
            heat = oven_w * draw_switching(rng, seconds, 40, 40, 0.1, draw_uniform(rng, 4, 12))
            tape.add(seconds, turntable_w, heat)
            return tape.join()
        for _ in range(int(rng.geometric(0.7))):
            dial_s = pick(rng, [20, 30, 45, 60, 60, 90, 120, 120, 180, 300, 420])
            seconds = dial_s * haste * draw_uniform(rng, 0.8, 1.25)
            tape.add(seconds, *draw_burst(rng, seconds))
            tape.add(door_s * draw_uniform(rng, 0.5, 2), turntable_w * float(rng.random() < 0.6))
        return tape.join()

    return draw_activation
