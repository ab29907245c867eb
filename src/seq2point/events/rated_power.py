"""The power that an appliance draws event after event: of all of its events, or as they end."""

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

SURE_SHARE = 0.7
"""An event of which a network predicts as much surely is its appliance's."""
SAME_RATING = 0.1
LEAST_RATED = 3
NEAR_RATED = 0.08
"""An event's power is the appliance's rated one where it differs by at most this share."""

MOST_RATED = 64
"""So many of the last events tell the power as time passes: a new kettle takes a week or two."""


def find_rated_w(levels_w: Sequence[float], energies: Sequence[float]) -> float | None:
    """Return the power in watts that an appliance draws event after event.

    It is the median of the events' levels in watts, weighted by their energies, in any unit. None
    for fewer than three events, and where less than half of the energy is within a tenth of it.
    """
    if len(levels_w) < LEAST_RATED:
        return None
    level_w, energy = np.array(levels_w), np.array(energies)
    in_order = np.argsort(level_w)
    middle = np.searchsorted(np.cumsum(energy[in_order]), energy.sum() / 2)
    rated_w = float(level_w[in_order][middle])
    near = np.abs(level_w / rated_w - 1) <= SAME_RATING
    return rated_w if energy[near].sum() >= energy.sum() / 2 else None


def is_near_rated(level_w: float, rated_w: float) -> bool:
    """Return whether an event of a level is one at the appliance's rated power, both in watts."""
    return abs(level_w / rated_w - 1) <= NEAR_RATED


class RatedPower:
    """Learns the power that a home's appliance draws, of the last events that surely are its own.

    `rated_w` is that power in watts, None while it is not known.
    """

    def __init__(self, events: Iterable[Sequence[float]] = ()):
        self._events: deque[tuple[float, float]] = deque(
            ((level_w, energy) for level_w, energy in events), maxlen=MOST_RATED
        )
        self.rated_w = self._find()

    def add(self, level_w: float, energy: float) -> None:
        """Take in an event that has ended: its level in watts, and its energy."""
        self._events.append((round(level_w, 1), round(energy)))
        self.rated_w = self._find()

    def _find(self) -> float | None:
        levels_w, energies = [each[0] for each in self._events], [each[1] for each in self._events]
        return find_rated_w(levels_w, energies)

    def as_json(self) -> list[list[float]]:
        """Return what a later start goes on from, as JSON: level and energy of each event."""
        return [[*event] for event in self._events]
