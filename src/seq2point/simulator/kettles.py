"""Kettles: draw a make, then its boils."""

import numpy as np

from seq2point.simulator.waveforms import (
    Activation,
    ActivationSource,
    Rng,
    Tape,
    draw_from_ranges,
    draw_log_uniform,
    draw_switching,
    make_settling,
)

_RANGES_W = (0.82, 2150, 3050), (0.13, 1700, 2200), (0.05, 1250, 1750)
"""British, continental and North American or travel kettles: share, least, most."""
_LONGEST_S = 660


def make_kettle(make: Rng) -> ActivationSource:
    """Draw a kettle of 1.25 to 3.1 kW: litres and cold water decide how long it boils."""
    rated_w = draw_from_ranges(make, *_RANGES_W)
    usual_litres = draw_log_uniform(make, 0.3, 1.2)
    efficiency = make.uniform(0.8, 0.95)
    boil_off_s = make.uniform(2, 18)
    keeps_warm = make.random() < 0.06
    spread = make.uniform(0.15, 0.5)

    def draw_activation(rng: Rng) -> Activation:
        litres = float(np.clip(usual_litres * np.exp(rng.normal(0, spread)), 0.2, 1.7))
        rise_k = rng.uniform(60, 90) if rng.random() > 0.12 else rng.uniform(8, 35)
        seconds = litres * rise_k * 4186 / (rated_w * efficiency) + boil_off_s
        if rng.random() < 0.04:
            seconds *= rng.uniform(0.3, 0.8)
        seconds = min(max(seconds, 18.0), _LONGEST_S)
        tape = Tape()
        tape.add(seconds, heater=rated_w * make_settling(seconds, 1.03, 1.0, 6))
        if keeps_warm and rng.random() < 0.5:
            warm_s = 60 * rng.uniform(5, 30)
            tape.add(rng.uniform(30, 120), 2.0)
            tape.add(warm_s, 2.0, rated_w * draw_switching(rng, warm_s, 4, 55))
        return tape.join()

    return draw_activation
