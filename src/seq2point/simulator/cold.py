"""Fridges and freezers: compressor cycles that follow warmth and doors, and defrost heaters."""

import numpy as np

from seq2point.simulator.habits import DAY_S, Day
from seq2point.simulator.waveforms import Activation, Watts, draw_texture, make_settling

_LONGEST_S = 3 * 3600  # of a compressor's run


def _make_dip() -> Watts:
    times = np.arange(480) / 40
    return (0.07 * times * np.exp(1 - times)).astype(np.float32)


_DIP = _make_dip()  # soon after the start the pressure, and with it the power, falls for a while


class ColdBox:
    """A fridge-freezer or freezer, drawn from the generator `make`."""

    def __init__(self, make: np.random.Generator) -> None:
        self.rated_w = make.uniform(76, 118)
        self.on_min = make.uniform(18, 40)
        self.off_min = self.on_min * make.uniform(1.2, 2.4)
        self.inrush_w = make.uniform(180, 900)
        self.start_level = make.uniform(1.04, 1.22)
        self.drift = make.uniform(-0.04, 0.02)
        self.tau_s = make.uniform(200, 1300)
        self.ripple = make.uniform(0.002, 0.01)
        self.door_sensitivity = make.uniform(0.1, 0.5)
        self.lamp_w = float(make.choice([0, 2, 10, 15]))
        self.defrost_w = make.uniform(150, 255) if make.random() < 0.6 else 0.0
        self.defrost_min = make.uniform(9, 19)
        self.defrost_every_s = 3600 * make.uniform(4.5, 10)
        self._decay = make_settling(_LONGEST_S, 1.0, 0.0, self.tau_s)
        self._slow_decay = make_settling(_LONGEST_S, 1.0, 0.0, 2 * self.tau_s)
        self._next_s = float(make.uniform(0, 60 * self.off_min))
        self._run_left_s = float(make.uniform(0, self.defrost_every_s))

    def draw_cycles(self, day: Day, rng: np.random.Generator) -> list[tuple[int, Activation]]:
        """Return the activations that start on this day, with their starts in s from midnight."""
        placed: list[tuple[int, Activation]] = []
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
