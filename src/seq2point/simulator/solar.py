"""Solar panels: the power that they take off the mains, and how a meter shows an export."""

import numpy as np

from seq2point.simulator.habits import DAY_S, Day
from seq2point.simulator.noise import draw_texture
from seq2point.simulator.waveforms import Rng, Watts, draw_levels

_LATITUDE = np.radians(53.0)
_TILT = np.radians(23.4)  # of the earth's axis


class Panels:
    """Solar panels of 1 to 5 kW. An export reads as nothing, or as positive as in REFIT."""

    def __init__(self, make: Rng) -> None:
        self._peak_w = make.uniform(1000, 5000)
        self._noon_h = make.uniform(11.3, 13.2)
        self._reads_positive = make.random() < 0.5

    def draw_day(self, day: Day, rng: Rng) -> Watts:
        """Draw a day's power from sun and clouds, f32[86400]."""
        hours = np.arange(DAY_S, dtype=np.float32) / np.float32(3600)
        angle = (hours - np.float32(self._noon_h)) * np.float32(np.pi / 12)
        declination = -_TILT * day.winter
        height = np.float32(np.sin(_LATITUDE) * np.sin(declination)) + np.float32(
            np.cos(_LATITUDE) * np.cos(declination)
        ) * np.cos(angle)
        sky = rng.beta(1.2, 1.0)  # 1 is a clear day
        restless = 0.6 * sky * (1 - sky) * 4
        clouds = np.clip(
            sky
            + draw_texture(rng, DAY_S, 0.15 * restless, 900)
            + draw_levels(rng, DAY_S, 0.4 * restless, 150),
            0.05,
            1.0,
        )
        power: Watts = np.float32(self._peak_w) * np.maximum(height, 0) * clouds.astype(np.float32)
        return power

    def subtract(self, load_w: Watts, solar_w: Watts) -> Watts:
        """Return what the mains meter senses of a load: f32[N], never negative."""
        net_w: Watts = load_w - solar_w
        return np.abs(net_w, out=net_w) if self._reads_positive else np.maximum(net_w, 0)
