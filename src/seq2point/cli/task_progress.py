"""The progress of many tasks: how many are done, their rate and the time left."""

import time
from collections.abc import Callable

from seq2point.wording import format_count, format_seconds

PACES = ((1, "a second"), (60, "a minute"), (3600, "an hour"))


class TaskProgress:
    """Counts the tasks that are done, and those that are bad.

    `noun` is what a task is called, `bad` what a bad one is. The rate is that of the tasks that
    were worked on: those that were there take no time.
    """

    def __init__(
        self, tasks: int, noun: str, bad: str, now_s: Callable[[], float] = time.monotonic
    ):
        self.tasks, self.noun, self.bad_word = tasks, noun, bad
        self.seen, self.worked, self.bad = 0, 0, 0
        self._now_s, self._start_s = now_s, now_s()

    def count(self, worked: bool, bad: bool) -> None:
        """Count a task."""
        self.seen += 1
        self.worked += worked
        self.bad += bad
        if not self.worked:
            self._start_s = self._now_s()

    def describe(self) -> str:
        """Return the progress in one line: '120 of 1,000 homes, 2 set aside, 3.1 homes a second,
        5 min left'.
        """
        parts = [f"{self.seen:,} of {format_count(self.tasks, self.noun)}"]
        if self.bad:
            parts.append(f"{self.bad:,} {self.bad_word}")
        seconds = self._now_s() - self._start_s
        if self.worked and seconds > 0:
            rate = self.worked / seconds
            unit_s, unit = next((pace for pace in PACES if rate * pace[0] >= 1), PACES[-1])
            parts.append(f"{rate * unit_s:.1f} {self.noun}s {unit}")
            left_s = (self.tasks - self.seen) / rate
            parts.append(f"{format_seconds(max(round(left_s), 0))} left")
        return ", ".join(parts)
