"""Store: a home's counters and history in one SQLite file that survives being killed.

One connection in one thread, with a write-ahead log and synchronous=FULL. The counters, 'answered
up to' and what a start goes on from change in one transaction, so that nothing counts twice.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2point.errors import DataError, UsageError
from seq2point.live.mains_parts import MAINS, Answers
from seq2point.live.store_schema import prepare, transaction
from seq2point.system.atomic_files import atomic_write

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
KEEP_MINUTES_DAYS = 35.0
"""Minutes are kept for so long, hours for ever."""


class Hour(NamedTuple):
    """What a part used in an hour from `start_s` on, and its counter at the end of it."""

    start_s: int
    name: str
    wh: float
    known_s: float
    total_wh: float


class Cycle(NamedTuple):
    """One run of an appliance."""

    appliance: str
    start_s: float
    end_s: float
    wh: float


class Store:
    """A SQLite file that holds the counters and the history of one home or of many.

    Use it from the thread that opens it. Raises DataError for a file that is damaged, in use, of
    another program or of a later version.
    """

    def __init__(self, path: str | Path, keep_minutes_days: float = KEEP_MINUTES_DAYS):
        self.path = Path(path)
        self.keep_minutes_days = keep_minutes_days
        with self._explain():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open = sqlite3.connect(self.path, timeout=5, isolation_level=None)
            try:
                prepare(self._open, self.path, self.back_up)
            except BaseException:
                self._open.close()
                raise

    def close(self) -> None:
        """Close the file; it is then whole without the log beside it."""
        with self._explain():
            self._open.close()

    @contextmanager
    def _explain(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise DataError(
                    f"{self.path}: in use by another process: stop it, or choose another file"
                ) from error
            raise DataError(f"{self.path}: cannot be used ({error})") from error
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"{self.path}: damaged ({error}); put a backup in its place, or move it away"
            ) from error
        except OSError as error:
            raise DataError(f"{self.path}: cannot be opened ({error.strerror})") from error

    def read_state(self, home: str = "") -> tuple[float | None, Mapping[str, Any] | None]:
        """Return until when a home is answered, and what a start goes on from; None for neither.

        What is damaged of it is empty.
        """
        row = self._select("SELECT answered_s, state FROM homes WHERE home=?", home)
        if not row:
            return None, None
        answered_s, text = row[0]
        if text is None:
            return answered_s, None
        try:
            state = json.loads(text)
        except (ValueError, RecursionError):
            state = {}
        return answered_s, state if isinstance(state, dict) else {}

    def read_counters(self, home: str = "") -> dict[str, float]:
        """Return the energy so far in watt-hours, by part."""
        return dict(self._select("SELECT name, wh FROM counters WHERE home=?", home))

    def read_hours(self, home: str = "", since_s: float = 0.0) -> list[Hour]:
        """Return the hours from a time on that are answered to their end, in order."""
        answered_s, _ = self.read_state(home)
        last = (answered_s or 0) - HOUR_S
        rows = self._select(
            "SELECT start, name, wh, known_s, total_wh FROM hours"
            " WHERE home=? AND start>=? AND start<=? ORDER BY start, name",
            home,
            since_s,
            last,
        )
        return [Hour(*row) for row in rows]

    def read_minutes(
        self, home: str = "", since_s: float = 0.0, name: str | None = None
    ) -> list[tuple[int, str, float, float]]:
        """Return the minutes from a time on: start, name, watt-hours and seconds known.

        With `name` they are those of one part.
        """
        return self._select(
            "SELECT start, name, wh, known_s FROM minutes WHERE home=?1 AND start>=?2"
            " AND (?3 IS NULL OR name=?3) ORDER BY start, name",
            home,
            since_s,
            name,
        )

    def read_energy(
        self, span_s: int, home: str = "", since_s: float = 0.0
    ) -> list[tuple[int, str, float, float]]:
        """Return the minutes from a time on, added up by spans: as `read_minutes` does."""
        return self._select(
            "SELECT start / ?1 * ?1 AS span, name, sum(wh), sum(known_s) FROM minutes"
            " WHERE home=?2 AND start>=?3 GROUP BY span, name ORDER BY span, name",
            span_s,
            home,
            since_s,
        )

    def read_cycles(self, home: str = "", since_s: float = 0.0) -> list[Cycle]:
        """Return the cycles that began from a time on, in order."""
        rows = self._select(
            "SELECT appliance, start_s, end_s, wh FROM cycles WHERE home=? AND start_s>=?"
            " ORDER BY start_s",
            home,
            since_s,
        )
        return [Cycle(*row) for row in rows]

    def _select(self, query: str, *values: Any) -> list[Any]:
        with self._explain():
            return self._open.execute(query, values).fetchall()

    def commit(
        self,
        answers: Sequence[Answers],
        state: Mapping[str, Any] | None = None,
        cycles: Sequence[Cycle] = (),
        home: str = "",
    ) -> dict[str, float]:
        """Add answers to a home's counters, and keep what a start goes on from, in one transaction.

        What is before 'answered up to' is left out. Returns the counters.
        """
        with self._explain(), transaction(self._open):
            run = self._open.execute
            run("INSERT OR IGNORE INTO homes VALUES (?, NULL, NULL)", (home,))
            for each in answers:
                self._add(each, home)
            if state is not None:
                run("UPDATE homes SET state=? WHERE home=?", (json.dumps(state), home))
            self._open.executemany(
                "INSERT OR REPLACE INTO cycles VALUES (?, ?, ?, ?, ?)",
                [(home, *cycle) for cycle in cycles],
            )
        return self.read_counters(home)

    def _add(self, answers: Answers, home: str) -> None:
        answered_s, _ = self.read_state(home)
        if answered_s is not None:
            answers = answers.slice(int(np.searchsorted(answers.times_s, answered_s - 1e-3)))
        if not len(answers):
            return
        for name, power_w in {**answers.parts_w, MAINS: answers.mains_w}.items():
            known = ~np.isnan(power_w)
            if name in answers.predicted_w:
                known &= ~np.isnan(answers.predicted_w[name])
            wh = (
                np.where(known, np.maximum(power_w, 0), 0).astype(float) * answers.period_s / HOUR_S
            )
            self._count(home, name, answers, wh, known * answers.period_s)
        self._open.execute("UPDATE homes SET answered_s=? WHERE home=?", (answers.end_s, home))
        oldest_s = (float(answers.times_s[-1]) // DAY_S - self.keep_minutes_days) * DAY_S
        self._open.execute("DELETE FROM minutes WHERE home=? AND start<?", (home, oldest_s))

    def _count(self, home: str, name: str, answers: Answers, wh: Any, known_s: Any) -> None:
        """Add one part's energy by sample to its counter, its minutes and its hours."""
        run = self._open.execute
        for span_s, table in ((MINUTE_S, "minutes"), (HOUR_S, "hours")):
            starts, first = np.unique(
                np.floor(answers.times_s / span_s).astype(np.int64) * span_s, return_index=True
            )
            sums = np.add.reduceat(wh, first).tolist(), np.add.reduceat(known_s, first).tolist()
            rows = list(zip(starts.tolist(), *sums, strict=True))
            if table == "minutes":
                self._open.executemany(
                    "INSERT INTO minutes VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                    " wh=wh+excluded.wh, known_s=known_s+excluded.known_s",
                    [(home, start, name, *values) for start, *values in rows],
                )
                continue
            for start, hour_wh, hour_s in rows:
                run(
                    "INSERT INTO counters VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET wh=wh+excluded.wh",
                    (home, name, hour_wh),
                )
                run(
                    "INSERT INTO hours VALUES (?, ?, ?, ?, ?,"
                    " (SELECT wh FROM counters WHERE home=? AND name=?)) ON CONFLICT DO UPDATE SET"
                    " wh=wh+excluded.wh, known_s=known_s+excluded.known_s,"
                    " total_wh=excluded.total_wh",
                    (home, start, name, hour_wh, hour_s, home, name),
                )

    def back_up(self, path: str | Path) -> None:
        """Write a copy of the file as it stands, whole or not at all, while it is in use.

        Raises UsageError for a path that exists.
        """
        path = Path(path)
        if path.exists():
            raise UsageError(f"{path}: exists; choose another name for the backup")
        with self._explain(), atomic_write(path) as beside:
            self._open.execute("VACUUM INTO ?", (str(beside),))
