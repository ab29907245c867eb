"""The command that is running, as it was typed."""

import shlex
import sys


def tell_command() -> str:
    """Return the command of this process with its words quoted, for the record of what it makes."""
    return shlex.join(["seq2point", *sys.argv[1:]])
