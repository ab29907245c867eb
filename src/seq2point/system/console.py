"""Consoles that show names and paths as they are: nothing in a text is markup or an emoji."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


def make_console(to_stderr: bool = False, wrap: bool = True) -> Console:
    """Return a console on standard output or standard error.

    Without `wrap` a line stays one line, however narrow the terminal is.
    """
    return Console(stderr=to_stderr, soft_wrap=not wrap, markup=False, emoji=False, highlight=False)


@contextmanager
def show_status(text: str) -> Iterator[None]:
    """Show a spinner with a text beside it while a block runs, where standard error is a terminal.

    Elsewhere nothing is imported for it.
    """
    console = make_console(to_stderr=True)
    if not console.is_terminal:
        yield
        return
    from rich.text import Text

    with console.status(Text(text)):
        yield
