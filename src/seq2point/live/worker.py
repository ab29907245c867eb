"""Worker: readings in, updates out, with all that is kept; it waits for nobody."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seq2point.household.home_models import HomeModel
from seq2point.live.history import read_history
from seq2point.live.home import Home
from seq2point.live.home_opening import open_home, warn_of_another_home
from seq2point.live.home_state import find_kept_pace
from seq2point.live.mains_parts import Answers, join_answers
from seq2point.live.pace import Pace, PaceLearner
from seq2point.live.reading_checks import ReadingChecks
from seq2point.live.readings import Reading
from seq2point.live.store import Cycle, Hour, Store
from seq2point.live.updates import HomeDescription, Update
from seq2point.live.worker_options import WorkerOptions

HOURS_AGAIN_S = 48 * 3600.0
"""At the start hours of so long are told again: who missed them has them then."""

WARM_EVERY_S = 30.0
"""How often readings are kept that no answer follows from yet."""

LOG = logging.getLogger("seq2point.live")

LoadModels = Callable[[Pace], Sequence[HomeModel]]
"""Loads the models for readings at a pace."""


class Worker:
    """Feeds a home with readings, follows its cycles, and keeps its counters in a store.

    All calls are made from one thread. Homes of one process may share a `store`, which stays open.
    With `commit_every_s` answers are kept together, so often.
    Raises DataError for a store that cannot be used, and for models that the pace does not suit.
    """

    def __init__(
        self,
        load: LoadModels,
        learner: PaceLearner,
        options: WorkerOptions,
        clock: Callable[[], float] = time.monotonic,
        store: Store | None = None,
    ):
        self._load, self._learner, self._options = load, learner, options
        self._clock = clock
        self._heard: float | None = None
        """When the last reading came, by the clock; None before the first."""
        self.home: Home | None = None
        self._pending: list[Answers] = []
        self._cycles: list[Cycle] = []
        self._kept_at = -math.inf
        self._is_fed = False
        self._told_hours_s: float | None = None
        self._checks = ReadingChecks(options.late_s)
        self._state: Mapping[str, Any] | None = None
        self._store, self._owns_store = store, store is None
        if self._store is None and options.store is not None:
            self._store = Store(options.store, options.keep_minutes_days)
        if self._store is not None:
            _, self._state = self._store.read_state(options.home)

    @property
    def description(self) -> HomeDescription | None:
        """What there is to announce; None until the models are loaded."""
        if self.home is None:
            return None
        home = self.home
        return HomeDescription(
            home.appliances, home.period_s, home.delay_s, home.finished_within_s, home.window_s
        )

    def start(self) -> Update:
        """Go on from what is kept, and return what is known at once."""
        if self._state is not None:
            warn_of_another_home(self._state.get("name", ""), self._options)
            pace = self._learner.known_pace or find_kept_pace(self._state)
            if pace is not None:
                self._open_home(pace)
        history = None
        if self._store is not None and self._options.with_history:
            history = read_history(self._store, self.home.running_since_s if self.home else {})
        return Update(
            self.description,
            counters=self._read_counters(),
            hours=self._read_hours(),
            history=history,
        )

    def take(self, readings: Sequence[Reading]) -> Update:
        """Return what further readings lead to."""
        description = None
        if self.home is None:
            pace = self._learner.add(readings)
            if pace is None:
                return Update()
            self._open_home(pace)
            description = self.description
            readings = self._learner.readings
        assert self.home is not None
        self._is_fed, self._heard = True, self._clock()
        self._checks.check_unit(readings)
        self._checks.check_clock(readings, self.home.newest_s)
        table = np.array(readings, np.float64).reshape(-1, 2)
        answers = self.home.feed(table[:, 0], table[:, 1].astype(np.float32))
        return self._conclude(answers, description)

    def rest(self) -> Update:
        """Return what is due while no reading comes.

        What waits is kept when its time has come. Where readings come when they are measured, the
        time that has passed since the last one is answered.
        """
        if self.home is None or self._heard is None or not self._options.is_timely:
            return self._keep(Update())
        return self._conclude(
            self.home.advance(self.home.newest_s + self._clock() - self._heard), None
        )

    def finish(self, at_end: bool) -> Update:
        """Return what is left. `at_end` says that no reading will follow, ever."""
        if self.home is None and at_end and self._learner.readings:
            pace = self._learner.settle()
            if pace is not None:
                self._open_home(pace)
                update = self.take(self._learner.readings)
                return self._finish(update._replace(description=self.description))
        return self._finish(Update()) if at_end else self._keep(Update(), now=True)

    def _finish(self, before: Update) -> Update:
        if self.home is None:
            return before
        answers = self.home.flush()
        if before.answers is not None:
            update = self._conclude(answers, before.description, now=True)
            return update._replace(
                answers=join_answers([before.answers, answers]),
                notices=[*before.notices, *update.notices],
            )
        return self._conclude(answers, None, now=True)

    def close(self) -> None:
        """Close the store."""
        if self._store is not None and self._owns_store:
            self._store.close()

    def back_up(self, path: Path) -> None:
        """Write a copy of the store."""
        if self._store is not None:
            self._store.back_up(path)

    def _open_home(self, pace: Pace) -> None:
        models = self._load(pace)
        self.home = open_home(models, pace, self._options, self._state, self._store)

    def _conclude(
        self, answers: Answers, description: HomeDescription | None, now: bool = False
    ) -> Update:
        assert self.home is not None
        notices = self.home.take_notices()
        self._cycles += [
            Cycle(each.appliance, each.start_s, each.end_s, each.energy_wh)
            for each in notices
            if each.end_s is not None and each.energy_wh is not None
        ]
        if len(answers):
            self._pending.append(answers)
        told = answers if len(answers) else None
        update = Update(description, told, notices, running=self.home.running)
        return self._keep(update, now)

    def _keep(self, update: Update, now: bool = False) -> Update:
        """Commit what waits, where it is time, and return the update with the counters."""
        if self._store is None or self.home is None or not (now or self._is_time()):
            if self._store is None:
                self._pending.clear()
            return update
        state = {"home": self.home.as_json(), "name": self._options.name}
        counters = self._store.commit(self._pending, state, self._cycles, self._options.home)
        self._pending, self._cycles, self._kept_at = [], [], self._clock()
        self._is_fed = False
        return update._replace(counters=counters, hours=self._read_hours())

    def _is_time(self) -> bool:
        """Whether to commit: for answers as often as told, for readings alone more seldom."""
        passed_s, every_s = self._clock() - self._kept_at, self._options.commit_every_s
        if self._pending:
            return passed_s >= every_s
        return self._is_fed and passed_s >= max(every_s, WARM_EVERY_S)

    def _read_counters(self) -> dict[str, float] | None:
        return (
            None if self._store is None else self._store.read_counters(self._options.home) or None
        )

    def _read_hours(self) -> Sequence[Hour]:
        """Return the whole hours that were not told."""
        if self._store is None:
            return ()
        if self._told_hours_s is None:
            answered_s, _ = self._store.read_state(self._options.home)
            self._told_hours_s = (answered_s or HOURS_AGAIN_S) - HOURS_AGAIN_S
        hours = self._store.read_hours(self._options.home, self._told_hours_s)
        if hours:
            self._told_hours_s = hours[-1].start_s + 1.0
        return hours
