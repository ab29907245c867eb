"""Lines for people: names and paths stand as they are, and nothing in a text is markup or an emoji.

Rich is imported where it draws, and not for a plain line.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def make_console(to_stderr: bool = False, wrap: bool = True) -> "Console":
    """Return a console on standard output or standard error.

    Without `wrap` a line stays one line, however narrow the terminal is.
    """
    from rich.console import Console

    return Console(stderr=to_stderr, soft_wrap=not wrap, markup=False, emoji=False, highlight=False)


def print_note(text: str) -> None:
    """Print a line on standard error, as it is."""
    print(text, file=sys.stderr)


def is_terminal() -> bool:
    """Return whether standard error is a terminal, or is to be taken for one, as Rich says it."""
    return sys.stderr.isatty() or bool(os.environ.get("FORCE_COLOR"))


@contextmanager
def show_status(text: str) -> Iterator[None]:
    """Show a spinner with a text beside it while a block runs, where standard error is a terminal.

    Elsewhere nothing is imported for it.
    """
    if not is_terminal():
        yield
        return
    from rich.text import Text

    with make_console(to_stderr=True).status(Text(text)):
        yield
