"""Noise around zero: of single seconds, and of straight lines between knots.

Quick noise is the most of a house's seconds and the least of what a network can learn from. So it
is drawn once, as long tapes that all houses share. What is random is where a stretch begins.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from seq2point.simulator.habits import DAY_S

Curve = npt.NDArray[np.float32]
TAPE_S = 2 * DAY_S
_QUICK_S = 60
"""The longest time between the knots of a tape. Slower curves are drawn anew: they have a shape."""


def draw_hiss(rng: np.random.Generator, seconds: float, spread: float) -> Curve:
    """Draw a number for each second with standard deviation `spread`, f32[seconds], up to a day."""
    return draw_texture(rng, seconds, spread, 1)


def draw_texture(rng: np.random.Generator, seconds: float, spread: float, smooth_s: int) -> Curve:
    """Draw a smooth random curve around zero, f32[seconds], up to a day.

    Its knots have the standard deviation `spread`, and `smooth_s` seconds between them.
    """
    length = max(int(seconds), 0)
    if smooth_s > _QUICK_S:
        return _draw_lines(rng, length, smooth_s) * np.float32(spread)
    first = int(rng.random() * (TAPE_S - length))
    return _make_tape(smooth_s)[first : first + length] * np.float32(spread)


@cache
def _make_tape(smooth_s: int) -> Curve:
    tape = _draw_lines(np.random.default_rng(smooth_s), TAPE_S, smooth_s)
    tape.flags.writeable = False
    return tape


def _draw_lines(rng: np.random.Generator, length: int, smooth_s: int) -> Curve:
    """Draw lines between knots with standard deviation 1, f32[length].

    Their noise is uniform: quicker than normal noise, and the same once averaged.
    """
    knots = rng.random(length // smooth_s + 2, np.float32)
    knots -= np.float32(0.5)
    knots *= np.float32(12**0.5)
    return join_knots(knots, smooth_s)[:length]


def join_knots(knots: Curve, knot_s: int) -> Curve:
    """Return straight lines between knots `knot_s` seconds away, f32[(knots - 1) * knot_s]."""
    rise = (knots[1:] - knots[:-1]) / np.float32(knot_s)
    lines = np.repeat(rise, knot_s)  # NumPy broadcasts slowly along many short rows
    lines *= np.tile(np.arange(knot_s, dtype=np.float32), len(rise))
    lines += np.repeat(knots[:-1], knot_s)
    return lines
