"""Fridges and freezers: compressor cycles that follow warmth and doors, and defrost heaters."""

import math

import numpy as np

from seq2point.simulator.habits import DAY_S, Day
from seq2point.simulator.noise import draw_texture
from seq2point.simulator.waveforms import (
    Activation,
    Watts,
    draw_levels,
    draw_log_uniform,
    draw_uniform,
    limit,
    make_settling,
    pick,
)

_LONGEST_S = 3 * 3600  # of a compressor's run
_RIPPLE_S = 3 * _LONGEST_S
"""Seconds of ripple that are drawn for a make: each run has a part of it from anywhere."""


def _make_dip() -> Watts:
    times = np.arange(480) / 40
    return (0.07 * times * np.exp(1 - times)).astype(np.float32)


_DIP = _make_dip()  # soon after the start the pressure, and with it the power, falls for a while


class ColdBox:
    """A fridge-freezer or freezer, drawn from the generator `make`.

    Compressors of 42 to 240 W switch, or an inverter varies their speed. Half have a heater of 140
    to 700 W that defrosts.
    """

    def __init__(self, make: np.random.Generator) -> None:
        self.inverter = make.random() < 0.15
        self.rated_w = limit(make.lognormal(math.log(88), 0.34), 42, 240)
        self.on_min = limit(make.lognormal(math.log(26), 0.5), 7, 110)
        self.off_min = self.on_min * draw_log_uniform(make, 0.7, 4)
        self.inrush_w = draw_uniform(make, 100, 1500)
        if self.inverter:  # long runs at speeds that change
            self.rated_w *= 0.7
            self.on_min = draw_uniform(make, 40, 170)
            self.off_min = draw_uniform(make, 4, 40)
            self.inrush_w = 0.0
        self.start_level = draw_uniform(make, 0.97, 1.3)
        self.drift = draw_uniform(make, -0.08, 0.03)
        self.tau_s = draw_uniform(make, 100, 1800)
        self.ripple = draw_log_uniform(make, 0.001, 0.02)
        self.door_sensitivity = draw_uniform(make, 0.05, 0.6)
        self.lamp_w = pick(make, [0, 0, 2, 4, 10, 15, 25])
        self.idle_w = pick(make, [0, 0, 0, 0.5, 1, 2, 5])
        self.defrost_w = draw_log_uniform(make, 140, 700) if make.random() < 0.5 else 0.0
        self.defrost_min = draw_uniform(make, 4, 25)
        self.defrost_every_s = 3600 * draw_uniform(make, 3.5, 14)
        rest_w = np.full(_LONGEST_S, 1.0 + self.drift, np.float32)
        rest_w[: len(_DIP)] -= _DIP
        rest_w *= np.float32(self.rated_w)
        self._rest_w: Watts = rest_w
        self._decay = make_settling(_LONGEST_S, 1.0, 0.0, self.tau_s)
        self._slow_decay = make_settling(_LONGEST_S, 1.0, 0.0, 2 * self.tau_s)
        self._ripple_w = draw_texture(make, _RIPPLE_S, self.ripple * self.rated_w, 25)
        self._ripple_w += draw_texture(make, _RIPPLE_S, self.ripple * self.rated_w / 2, 4)
        self._next_s = float(draw_uniform(make, 0, 60 * self.off_min))
        self._run_left_s = float(draw_uniform(make, 0, self.defrost_every_s))

    def draw_cycles(self, day: Day, rng: np.random.Generator) -> list[tuple[int, Activation]]:
        """Return the activations that start on this day, with their starts in s from midnight."""
        placed: list[tuple[int, Activation]] = []
        if self.idle_w:
            placed.append((0, Activation(motor_w=np.full(DAY_S, self.idle_w, np.float32))))
        after_defrost = False
        while self._next_s < DAY_S:
            warm = 1.0 - 0.12 * day.winter
            if day.is_occupied(self._next_s / 3600):
                warm += self.door_sensitivity * rng.gamma(1.2, 0.6)
            on_s = 60 * self.on_min * warm**0.8 * math.exp(0.07 * rng.standard_normal())
            off_s = 60 * self.off_min / warm**0.5 * math.exp(0.07 * rng.standard_normal())
            if after_defrost:
                on_s *= draw_uniform(rng, 1.5, 2.1)
            on_s, start_s = min(on_s, float(_LONGEST_S)), int(self._next_s)
            placed.append((start_s, self._draw_run(rng, int(on_s), warm, after_defrost)))
            self._run_left_s -= on_s
            self._next_s += on_s
            after_defrost = False
            if self.defrost_w and self._run_left_s < 0:
                self._next_s += draw_uniform(rng, 60, 900)
                heating_s = 60 * self.defrost_min * draw_uniform(rng, 0.8, 1.2)
                heater = np.full(int(heating_s), self.defrost_w, np.float32)
                placed.append((int(self._next_s), Activation(heater)))
                self._next_s += heating_s + draw_uniform(rng, 240, 720)
                self._run_left_s = self.defrost_every_s * draw_uniform(rng, 0.9, 1.1)
                after_defrost = True
            else:
                self._next_s += off_s
        self._next_s -= DAY_S
        return placed + self._draw_door_lights(day, rng)

    def _draw_run(
        self, rng: np.random.Generator, seconds: int, warm: float, hot_start: bool
    ) -> Activation:
        start = self.start_level * (1.0 + 0.05 * (warm - 1.0)) + (0.14 if hot_start else 0.0)
        decay = self._slow_decay if hot_start else self._decay
        curve = decay[:seconds] * (self.rated_w * (start - 1.0 - self.drift))
        curve += self._rest_w[:seconds]
        ripple_s = int(rng.random() * (_RIPPLE_S - seconds))
        curve += self._ripple_w[ripple_s : ripple_s + seconds]
        if self.inverter:
            curve *= np.maximum(1 + draw_levels(rng, len(curve), 0.25, 1500), 0.45)
        curve[:1] += self.inrush_w * draw_uniform(rng, 0.2, 1.0)
        curve[1:4] += self.rated_w * draw_uniform(rng, 0.1, 0.5)
        return Activation(motor_w=curve)

    def _draw_door_lights(self, day: Day, rng: np.random.Generator) -> list[tuple[int, Activation]]:
        if not self.lamp_w or day.away:
            return []
        lights: list[tuple[int, Activation]] = []
        for hour in rng.uniform(day.wake_h, day.sleep_h, rng.poisson(14)).tolist():
            if day.is_occupied(hour):
                curve = np.full(int(draw_uniform(rng, 4, 45)), self.lamp_w, np.float32)
                lights.append((int(3600 * hour), Activation(motor_w=curve)))
        return lights
