"""Consoles that show names and paths as they are: nothing in a text is markup or an emoji."""

from rich.console import Console
from rich.status import Status
from rich.text import Text


def make_console(to_stderr: bool = False, wrap: bool = True) -> Console:
    """Return a console on standard output or standard error.

    Without `wrap` a line stays one line, however narrow the terminal is.
    """
    return Console(stderr=to_stderr, soft_wrap=not wrap, markup=False, emoji=False, highlight=False)


def show_status(text: str) -> Status:
    """Return a spinner with a text beside it, on standard error, to show while a block runs."""
    return make_console(to_stderr=True).status(Text(text))
