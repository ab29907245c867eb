"""Stacked bars of energy as SVG: one a day, week or month, of what the mains are made of.

Lengths along the bars' axis are in percent of the picture's width, so that a phone and a desktop
show the same picture with letters of the same size.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from seq2point.report.household.energy_periods import EnergyPeriod, Part

HEIGHT = 200
"""Height of the bars' picture."""
STRIP_Y, STRIP = HEIGHT + 24, 7
"""Where the strip of hours that are not known begins, below the bars' labels, and its height."""
MOST_LETTERS = 32
"""Letters of labels that a phone has room for, with space between them."""
LEAST_KWH = 1e-3
"""Energy is counted in watt-hours: an axis of less has nothing to show."""
FEWEST_SLOTS = 7
"""Fewer bars than this leave room at the right, so that one bar is no wall."""


class Block(NamedTuple):
    """One colour of a bar, in the picture's lengths."""

    style: str
    y: float
    height: float


class Bar(NamedTuple):
    """One period's bar: where it stands, its blocks, and the share of its hours that is unknown.

    `slot_x` is where its slot begins, which the pointer finds it in. `label` is '' where
    there is no room for one.
    """

    period: EnergyPeriod
    slot_x: float
    x: float
    width: float
    blocks: list[Block]
    unknown_width: float
    label: str

    @property
    def middle(self) -> float:
        """The middle of the bar, where its label stands."""
        return round(self.x + self.width / 2, 3)


class Tick(NamedTuple):
    """A mark of the vertical axis."""

    y: float
    label: str


class BarChart(NamedTuple):
    """The bars of several periods, and the marks of their axis."""

    bars: list[Bar]
    ticks: list[Tick]
    slot: float


def draw_bars(
    periods: Sequence[EnergyPeriod], parts: Sequence[Part], top_kwh: float, labels: Sequence[str]
) -> BarChart:
    """Return the bars of periods in order, on an axis that goes up to `top_kwh` at least."""
    step = find_step(top_kwh)
    top = step * max(math.ceil(top_kwh / step - 1e-9), 1)
    slot = 100 / max(len(periods), FEWEST_SLOTS)
    letters = max(map(len, labels), default=0) + 1
    every = math.ceil(max(len(periods), FEWEST_SLOTS) * letters / MOST_LETTERS)
    bars = []
    for i, (period, label) in enumerate(zip(periods, labels, strict=True)):
        width = 0.86 * slot
        unknown = 0.0 if period.is_complete else 1 - period.hours_known / period.hours
        bars.append(
            Bar(
                period,
                round(i * slot, 3),
                round(i * slot + (slot - width) / 2, 3),
                round(width, 3),
                _stack(period, parts, HEIGHT / top),
                round(width * unknown, 3),
                label if i % every == 0 else "",
            )
        )
    count = round(top / step)
    ticks = [Tick(HEIGHT * (1 - i / count), f"{i * step:g}") for i in range(count + 1)]
    return BarChart(bars, ticks, round(slot, 3))


def _stack(period: EnergyPeriod, parts: Sequence[Part], per_kwh: float) -> list[Block]:
    blocks, below = [], 0.0
    for part in parts:
        kwh = period.kwh(part.name)
        height = round((below + kwh) * per_kwh, 1) - round(below * per_kwh, 1)
        below += kwh
        if height > 0:
            blocks.append(Block(part.style, round(HEIGHT - below * per_kwh, 1), round(height, 1)))
    return blocks


def find_step(top: float) -> float:
    """Return the distance of an axis's marks: 1, 2 or 5 times a power of ten, four or so marks."""
    if top < LEAST_KWH:
        return 1.0
    rough = top / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(f * power for f in (1, 2, 5, 10) if f * power >= rough * (1 - 1e-9)))
