"""The progress of a fleet on standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seq2point.cli.task_progress import TaskProgress

if TYPE_CHECKING:
    from seq2point.fleet.task import HomeResult

EVERY_S = 30.0
"""Where standard error is no terminal there is a line so often."""


class FleetProgress(TaskProgress):
    """Counts homes."""

    def __init__(self, homes: int, now_s: Callable[[], float] = time.monotonic):
        super().__init__(homes, "home", "set aside", now_s)

    def add(self, result: "HomeResult") -> None:
        """Count a home."""
        self.count(worked=not result.unchanged, bad=bool(result.reason))


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
