"""A progress bar on standard error, where that is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from seq2point.system.console import is_terminal, make_console


@contextmanager
def show_bar(description: str, samples: int) -> Iterator[Callable[[int], None]]:
    """Show a bar over a number of samples; yield the function that moves it by some samples.

    Where standard error is no terminal nothing is shown, and nothing is imported for it.
    """
    if not is_terminal():
        yield lambda done: None
        return
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = make_console(to_stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=samples)
        yield lambda done: bar.advance(task, done)
