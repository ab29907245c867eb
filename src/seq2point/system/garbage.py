"""Python's collector of garbage in cycles, which a short command need not pay for.

It looks through all objects of the imported libraries, again and again while they are imported, and
once more at exit. They hold no garbage. In a first answer that took a fifth of the processor time
(docs/lab/performance.md).
"""

import atexit
import gc
from functools import cache
from typing import Any

FIRST = 200_000
"""Objects after which the collector begins: more than a short command makes."""


@cache
def postpone_collection() -> None:
    """Let the collector begin later, and with the objects that are new then, in this process.

    It works as usual from there on. What exists when it begins, and at the exit, is freed as its
    last reference goes, and not looked through.
    """
    usual = gc.get_threshold()

    def begin(phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            gc.freeze()
            gc.set_threshold(*usual)
        else:
            gc.callbacks.remove(begin)

    if gc.isenabled():
        gc.set_threshold(FIRST, *usual[1:])
        gc.callbacks.append(begin)
    atexit.register(gc.freeze)
