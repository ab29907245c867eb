"""Fridges and freezers: compressor cycles that follow warmth and doors, and defrost heaters."""

import numpy as np

from seq2point.simulator.habits import DAY_S, Day
from seq2point.simulator.waveforms import (
    Activation,
    Watts,
    draw_levels,
    draw_log_uniform,
    draw_texture,
    make_settling,
)

_LONGEST_S = 3 * 3600  # of a compressor's run


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
        self.rated_w = float(np.clip(make.lognormal(np.log(88), 0.34), 42, 240))
        self.on_min = float(np.clip(make.lognormal(np.log(26), 0.5), 7, 110))
        self.off_min = self.on_min * draw_log_uniform(make, 0.7, 4)
        self.inrush_w = make.uniform(100, 1500)
        if self.inverter:  # long runs at speeds that change
            self.rated_w *= 0.7
            self.on_min = make.uniform(40, 170)
            self.off_min = make.uniform(4, 40)
            self.inrush_w = 0.0
        self.start_level = make.uniform(0.97, 1.3)
        self.drift = make.uniform(-0.08, 0.03)
        self.tau_s = make.uniform(100, 1800)
        self.ripple = draw_log_uniform(make, 0.001, 0.02)
        self.door_sensitivity = make.uniform(0.05, 0.6)
        self.lamp_w = float(make.choice([0, 0, 2, 4, 10, 15, 25]))
        self.idle_w = float(make.choice([0, 0, 0, 0.5, 1, 2, 5]))
        self.defrost_w = draw_log_uniform(make, 140, 700) if make.random() < 0.5 else 0.0
        self.defrost_min = make.uniform(4, 25)
        self.defrost_every_s = 3600 * make.uniform(3.5, 14)
        self._decay = make_settling(_LONGEST_S, 1.0, 0.0, self.tau_s)
        self._slow_decay = make_settling(_LONGEST_S, 1.0, 0.0, 2 * self.tau_s)
        self._next_s = float(make.uniform(0, 60 * self.off_min))
        self._run_left_s = float(make.uniform(0, self.defrost_every_s))

    def draw_cycles(self, day: Day, rng: np.random.Generator) -> list[tuple[int, Activation]]:
        """Return the activations that start on this day, with their starts in s from midnight."""
        placed: list[tuple[int, Activation]] = []
        if self.idle_w:
            placed.append((0, Activation(motor_w=np.full(DAY_S, self.idle_w, np.float32))))
        ripple = draw_texture(rng, DAY_S + _LONGEST_S, self.ripple, 25)
        ripple += draw_texture(rng, DAY_S + _LONGEST_S, self.ripple / 2, 4)
        after_defrost = False
        while self._next_s < DAY_S:
            warm = 1.0 - 0.12 * day.winter
            if day.is_occupied(self._next_s / 3600):
                warm += self.door_sensitivity * rng.gamma(1.2, 0.6)
            on_s = 60 * self.on_min * warm**0.8 * np.exp(rng.normal(0, 0.07))
            off_s = 60 * self.off_min / warm**0.5 * np.exp(rng.normal(0, 0.07))
            if after_defrost:
                on_s *= rng.uniform(1.5, 2.1)
            on_s, start_s = min(on_s, float(_LONGEST_S)), int(self._next_s)
            run_ripple = ripple[start_s : start_s + int(on_s)]
            placed.append((start_s, self._draw_run(rng, run_ripple, warm, after_defrost)))
            self._run_left_s -= on_s
            self._next_s += on_s
            after_defrost = False
            if self.defrost_w and self._run_left_s < 0:
                self._next_s += rng.uniform(60, 900)
                heating_s = 60 * self.defrost_min * rng.uniform(0.8, 1.2)
                heater = np.full(int(heating_s), self.defrost_w, np.float32)
                placed.append((int(self._next_s), Activation(heater)))
                self._next_s += heating_s + rng.uniform(240, 720)
                self._run_left_s = self.defrost_every_s * rng.uniform(0.9, 1.1)
                after_defrost = True
            else:
                self._next_s += off_s
        self._next_s -= DAY_S
        return placed + self._draw_door_lights(day, rng)

    def _draw_run(
        self, rng: np.random.Generator, ripple: Watts, warm: float, hot_start: bool
    ) -> Activation:
        start = self.start_level * (1.0 + 0.05 * (warm - 1.0)) + (0.14 if hot_start else 0.0)
        decay = self._slow_decay if hot_start else self._decay
        curve = decay[: len(ripple)] * np.float32(start - 1.0 - self.drift)
        curve += np.float32(1.0 + self.drift)
        curve[: len(_DIP)] -= _DIP[: len(curve)]
        curve += ripple
        if self.inverter:
            curve *= np.maximum(1 + draw_levels(rng, len(curve), 0.25, 1500), 0.45)
        curve *= np.float32(self.rated_w)
        curve[:1] += np.float32(self.inrush_w * rng.uniform(0.2, 1.0))
        curve[1:4] += np.float32(self.rated_w * rng.uniform(0.1, 0.5))
        return Activation(motor_w=curve)

    def _draw_door_lights(self, day: Day, rng: np.random.Generator) -> list[tuple[int, Activation]]:
        if not self.lamp_w or day.away:
            return []
        lights: list[tuple[int, Activation]] = []
        for hour in rng.uniform(day.wake_h, day.sleep_h, rng.poisson(14)):
            if day.is_occupied(float(hour)):
                curve = np.full(int(rng.uniform(4, 45)), self.lamp_w, np.float32)
                lights.append((int(3600 * hour), Activation(motor_w=curve)))
        return lights
