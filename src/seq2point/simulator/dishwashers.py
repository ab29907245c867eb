"""Dishwashers: draw a make with its programmes, then its runs."""

from bisect import bisect_right
from dataclasses import dataclass

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
    make_settling,
)

_HEATERS_W = (0.88, 1800, 2400), (0.05, 2350, 2850), (0.04, 1150, 1800), (0.03, 650, 950)
"""European ones, strong and weak ones, North American ones: share, least, most."""
_MOST_HEATING_S = 30 * 60


@dataclass(frozen=True)
class _Programme:
    """What a make does when one of its buttons is pressed."""

    weight: float
    rinses_first: bool
    wash_c: float
    middle_c: float
    last_c: float
    wash_min: float
    rinse_min: float
    rinses: int
    dry_min: float

    @classmethod
    def draw(cls, make: Rng, dries_cold: bool) -> "_Programme":
        kind = ("normal", "eco", "quick")[int(make.choice(3, p=[0.5, 0.28, 0.22]))]
        wash_min = {"normal": (5, 26), "eco": (20, 75), "quick": (2, 12)}[kind]
        wash_c = {"normal": (48, 70), "eco": (42, 58), "quick": (40, 60)}[kind]
        warm_last = not dries_cold and (kind != "quick" or make.random() < 0.8)
        return cls(
            weight=float(make.gamma(1.0)) + 0.05,
            rinses_first=make.random() < (0.15 if kind == "quick" else 0.5),
            wash_c=draw_uniform(make, *wash_c),
            middle_c=draw_uniform(make, 30, 55) if make.random() < 0.3 else 0.0,
            last_c=draw_uniform(make, 50, 72) if warm_last else 0.0,
            wash_min=draw_uniform(make, *wash_min),
            rinse_min=draw_log_uniform(make, 1.5, 10),
            rinses=int(make.choice([0, 1, 1, 2] if kind != "quick" else [0, 0, 1])),
            dry_min=draw_uniform(make, 2, 8) if kind == "quick" else draw_uniform(make, 4, 35),
        )


def make_dishwasher(make: Rng) -> ActivationSource:
    """Draw a dishwasher: fills, circulation, one to five heating phases, drains, drying.

    It dries by the warm last rinse, by a fan, by a heater as in North America, or by zeolite or a
    heat pump without a warm rinse.
    """
    heater_w = draw_from_ranges(make, *_HEATERS_W)
    drying = str(make.choice(["rinse", "fan", "heater", "zeolite"], p=[0.72, 0.2, 0.03, 0.05]))
    heat_pump_w = draw_uniform(make, 200, 400) if make.random() < 0.02 else 0.0
    pump_w = draw_log_uniform(make, 22, 170)
    drain_w = draw_uniform(make, 12, 45)
    fill_s = draw_log_uniform(make, 15, 120)
    prelude_s = draw_log_uniform(make, 10, 300)
    litres = draw_uniform(make, 7.5, 14)  # of water, with the dishes counted as water
    inlet_c = draw_uniform(make, 8, 22) if make.random() < 0.97 else draw_uniform(make, 35, 50)
    alternates = make.random() < 0.35
    flutter = draw_log_uniform(make, 0.004, 0.06)
    splits = draw_uniform(make, 0.3, 1.0) if make.random() < 0.15 else 0.04
    dry_w = (
        draw_uniform(make, 10, 60) if drying in ("fan", "zeolite") else draw_uniform(make, 0.5, 5)
    )
    dry_heater_w = heater_w * draw_uniform(make, 0.4, 1.0) if drying == "heater" else 0.0
    programmes = [_Programme.draw(make, drying == "zeolite") for _ in range(3)]
    weights = np.cumsum([programme.weight for programme in programmes]).tolist()

    def draw_pumping(rng: Rng, seconds: float) -> Watts:
        level_w = pump_w * draw_uniform(rng, 0.85, 1.1)
        curve = make_settling(seconds, 1.03 * level_w, 0.97 * level_w, 600)
        curve += draw_texture(rng, seconds, flutter * level_w, 9)
        if alternates:
            curve *= 1.0 - draw_uniform(rng, 0.08, 0.3) * draw_switching(rng, seconds, 42, 42, 0.02)
        return curve

    def add_pumping(rng: Rng, tape: Tape, seconds: float, heater: float = 0.0) -> None:
        tape.add(seconds, draw_pumping(rng, seconds), heater)

    def add_fill(rng: Rng, tape: Tape) -> None:
        tape.add(fill_s * draw_uniform(rng, 0.8, 1.2), draw_uniform(rng, 3, 9))

    def add_drain(rng: Rng, tape: Tape) -> None:
        seconds = draw_uniform(rng, 25, 80)
        tape.add(seconds, drain_w + draw_texture(rng, seconds, 3, 4))
        tape.add(draw_uniform(rng, 5, 20), 3.0)

    def add_heating(rng: Rng, tape: Tape, target_c: float) -> None:
        seconds = litres * max(target_c - inlet_c, 3) * 4186 / (0.9 * heater_w)
        seconds = min(seconds * draw_uniform(rng, 0.88, 1.12), _MOST_HEATING_S)
        if heat_pump_w:
            add_pumping(rng, tape, seconds * heater_w / heat_pump_w / 3)
            tape.add(seconds := min(3.5 * seconds, 5400), draw_pumping(rng, seconds) + heat_pump_w)
            return
        pieces = int(rng.integers(2, 5)) if rng.random() < splits else 1
        for share in rng.dirichlet([3.0] * pieces):
            add_pumping(rng, tape, share * seconds, heater_w)
            if pieces > 1:
                add_pumping(rng, tape, draw_log_uniform(rng, 15, 500))

    def add_wash(rng: Rng, tape: Tape, target_c: float, pump_min: float) -> None:
        add_fill(rng, tape)
        add_pumping(rng, tape, prelude_s * draw_uniform(rng, 0.7, 1.4))
        if target_c:
            add_heating(rng, tape, target_c)
        add_pumping(rng, tape, 60 * pump_min * draw_uniform(rng, 0.85, 1.15))
        add_drain(rng, tape)

    def draw_activation(rng: Rng) -> Activation:
        programme = programmes[bisect_right(weights[:-1], weights[-1] * rng.random())]
        tape = Tape()
        if programme.rinses_first:
            add_wash(rng, tape, 0, draw_uniform(rng, 1, 12))
        add_wash(rng, tape, programme.wash_c, programme.wash_min)
        for rinse in range(programme.rinses):
            add_wash(rng, tape, 0 if rinse else programme.middle_c, programme.rinse_min)
        add_wash(rng, tape, programme.last_c, programme.rinse_min)
        dry_s = 60 * programme.dry_min
        tape.add(0.5 * dry_s, dry_w, dry_heater_w)
        tape.add(0.5 * dry_s, dry_w)
        add_drain(rng, tape)
        return tape.join()

    return draw_activation
