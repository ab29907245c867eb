"""The progress of a fleet: homes done, their rate and the time left."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seq2point.wording import format_count, format_seconds

if TYPE_CHECKING:
    from seq2point.fleet.task import HomeResult

EVERY_S = 30.0
"""Where standard error is no terminal there is a line so often."""


class FleetProgress:
    """Counts the homes that are done, and those that are bad.

    The rate is that of the homes that were worked on: those that are up to date take no time.
    """

    def __init__(self, homes: int, now_s: Callable[[], float] = time.monotonic):
        self.homes, self.seen, self.worked, self.bad = homes, 0, 0, 0
        self._now_s, self._start_s = now_s, now_s()

    def add(self, result: "HomeResult") -> None:
        """Count a home."""
        self.seen += 1
        self.worked += not result.unchanged
        self.bad += bool(result.reason)
        if not self.worked:
            self._start_s = self._now_s()

    def describe(self) -> str:
        """Return the progress in one line: '120 of 1,000 homes, 2 set aside, 3.1 homes a second,
        5 min left'.
        """
        parts = [f"{self.seen:,} of {format_count(self.homes, 'home')}"]
        if self.bad:
            parts.append(f"{self.bad:,} set aside")
        seconds = self._now_s() - self._start_s
        if self.worked and seconds > 0:
            rate = self.worked / seconds
            pace = f"{rate:.1f} homes a second" if rate >= 1 else f"{60 * rate:.1f} homes a minute"
            parts.append(pace)
            left_s = (self.homes - self.seen) / rate
            parts.append(f"{format_seconds(max(round(left_s), 0))} left")
        return ", ".join(parts)


@contextmanager
def show_fleet(homes: int) -> "Iterator[Callable[[HomeResult], None]]":
    """Show the progress on standard error; yield the function that counts a home."""
    from seq2point.system.console import make_console

    console, progress = make_console(to_stderr=True, wrap=False), FleetProgress(homes)
    if console.is_terminal:
        from rich.progress import BarColumn, Progress, TextColumn

        with Progress(BarColumn(), TextColumn("{task.description}", markup=False),
                      console=console, transient=True) as bar:  # fmt: skip
            task = bar.add_task("", total=homes)

            def advance(result: "HomeResult") -> None:
                progress.add(result)
                bar.update(task, advance=1, description=progress.describe())

            yield advance
        return
    last_s = time.monotonic()

    def print_line(result: "HomeResult") -> None:
        nonlocal last_s
        progress.add(result)
        if time.monotonic() - last_s >= EVERY_S:
            last_s = time.monotonic()
            console.print(progress.describe())

    yield print_line
