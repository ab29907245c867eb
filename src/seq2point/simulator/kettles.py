"""Kettles: draw a make, then its boils."""

import math

from seq2point.simulator.waveforms import (
    Activation,
    ActivationSource,
    Rng,
    Tape,
    draw_from_ranges,
    draw_log_uniform,
    draw_switching,
    draw_uniform,
    limit,
    make_settling,
)

_RANGES_W = (0.82, 2150, 3050), (0.13, 1700, 2200), (0.05, 1250, 1750)
"""British, continental and North American or travel kettles: share, least, most."""
_LONGEST_S = 660


def make_kettle(make: Rng) -> ActivationSource:
    """Draw a kettle of 1.25 to 3.1 kW: litres and cold water decide how long it boils."""
    rated_w = draw_from_ranges(make, *_RANGES_W)
    usual_litres = draw_log_uniform(make, 0.3, 1.2)
    efficiency = draw_uniform(make, 0.8, 0.95)
    boil_off_s = draw_uniform(make, 2, 18)
    keeps_warm = make.random() < 0.06
    spread = draw_uniform(make, 0.15, 0.5)

    def draw_activation(rng: Rng) -> Activation:
        litres = limit(usual_litres * math.exp(spread * rng.standard_normal()), 0.2, 1.7)
        rise_k = draw_uniform(rng, 60, 90) if rng.random() > 0.12 else draw_uniform(rng, 8, 35)
        seconds = litres * rise_k * 4186 / (rated_w * efficiency) + boil_off_s
        if rng.random() < 0.04:
            seconds *= draw_uniform(rng, 0.3, 0.8)
        seconds = min(max(seconds, 18.0), _LONGEST_S)
        tape = Tape()
        tape.add(seconds, heater=rated_w * make_settling(seconds, 1.03, 1.0, 6))
        if keeps_warm and rng.random() < 0.5:
            warm_s = 60 * draw_uniform(rng, 5, 30)
            tape.add(draw_uniform(rng, 30, 120), 2.0)
            tape.add(warm_s, 2.0, rated_w * draw_switching(rng, warm_s, 4, 55))
        return tape.join()

    return draw_activation
