"""Runs: what is on and since when, and the last times that each appliance ran."""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from seq2point.live.cycles import Notice
from seq2point.live.history import History
from seq2point.live.store import Cycle
from seq2point.live.updates import Update

MOST_RUNS = 5
"""So many of the last runs of each appliance are shown."""

MOST_TOLD = 5
"""So many of the last starts and finishes are told to whoever listens."""

MeasureWh = Callable[[str, float], float]
"""Measures what an appliance has used since a time, in watt-hours."""


class Runs:
    """Follows the runs of all appliances."""

    def __init__(self) -> None:
        self._runs: dict[str, deque[Cycle]] = {}
        self._since_s: dict[str, float | None] = {}
        self._told: deque[tuple[int, Notice]] = deque(maxlen=MOST_TOLD)
        self._count = 0

    def restore(self, history: History) -> None:
        """Go on from what was kept."""
        for run in history.cycles:
            self._add(run)
        self._since_s |= history.running_since_s

    def take(self, update: Update) -> None:
        """Take in what starts, finishes and runs."""
        self._follow(update.running)
        for notice in update.notices:
            self._take_notice(notice)

    def _follow(self, running: Mapping[str, bool]) -> None:
        for name, runs in running.items():
            if not runs:
                self._since_s.pop(name, None)
            else:
                self._since_s.setdefault(name, None)

    def _take_notice(self, notice: Notice) -> None:
        self._count += 1
        self._told.append((self._count, notice))
        if notice.kind == "started":
            self._since_s[notice.appliance] = notice.start_s
        elif notice.end_s is not None:
            wh = notice.energy_wh or 0.0
            self._add(Cycle(notice.appliance, notice.start_s, notice.end_s, wh))
            if self._since_s.get(notice.appliance) == notice.start_s:
                self._since_s.pop(notice.appliance)

    def _add(self, run: Cycle) -> None:
        self._runs.setdefault(run.appliance, deque(maxlen=MOST_RUNS)).append(run)

    def is_on(self, name: str) -> bool:
        """Return whether an appliance is in a run that was told."""
        return name in self._since_s

    def find_end_s(self, name: str, time_s: float) -> float | None:
        """Return when the run ended that an appliance was in at a time; None for none."""
        runs = self._runs.get(name, ())
        return next((run.end_s for run in runs if run.start_s <= time_s < run.end_s), None)

    def describe_running(self, measure_wh: MeasureWh) -> list[dict[str, Any]]:
        """Return what is on, since when, and its kWh so far; None where the start is not known."""
        return [
            {
                "name": name,
                "since_s": since_s,
                "kwh": None if since_s is None else round(measure_wh(name, since_s) / 1000, 3),
            }
            for name, since_s in self._since_s.items()
        ]

    def describe_told(self) -> list[dict[str, Any]]:
        """Return the last starts and finishes, each with its number since the start."""
        return [
            {"id": i, "name": notice.appliance, "kind": notice.kind} for i, notice in self._told
        ]

    def describe_last(self) -> list[dict[str, Any]]:
        """Return the last runs of each appliance, the latest first."""
        runs = sorted(chain(*self._runs.values()), key=lambda run: run.end_s, reverse=True)
        return [
            {
                "name": run.appliance,
                "start_s": run.start_s,
                "end_s": run.end_s,
                "kwh": round(run.wh / 1000, 3),
            }
            for run in runs
        ]
