"""History: what a store has kept of a home, for whoever shows it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seq2point.live.store import DAY_S, MINUTE_S, Cycle, Store

QUARTER_S = 900
"""Local days of every zone, and the hours of tariffs, begin at whole quarters of an hour."""

SHOWN_MINUTES_S, SHOWN_QUARTERS_S, SHOWN_CYCLES_S = 1 * DAY_S, 15 * DAY_S, 7 * DAY_S

EnergyRow = tuple[int, str, float, float]
"""When a span starts, whose energy it is, watt-hours, and the seconds that are known."""


class History(NamedTuple):
    """What was kept up to `answered_s`: energy by the minute of the last day and by the quarter of
    an hour of the last two weeks, the cycles of the last week, and since when an appliance runs.
    """

    answered_s: float
    minutes: Sequence[EnergyRow]
    quarters: Sequence[EnergyRow]
    cycles: Sequence[Cycle]
    running_since_s: Mapping[str, float]


def read_history(store: Store, running_since_s: Mapping[str, float]) -> History | None:
    """Return the history of a store's home, in which some appliances run since a time.

    It is None where nothing was answered. Call it in the store's thread.
    """
    answered_s, _ = store.read_state()
    if answered_s is None:
        return None
    return History(
        answered_s,
        store.read_energy(MINUTE_S, since_s=answered_s - SHOWN_MINUTES_S),
        store.read_energy(QUARTER_S, since_s=answered_s - SHOWN_QUARTERS_S),
        store.read_cycles(since_s=answered_s - SHOWN_CYCLES_S),
        running_since_s,
    )
