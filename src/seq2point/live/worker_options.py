"""How a worker treats readings and keeps answers."""

from pathlib import Path
from typing import NamedTuple

from seq2point.configuration.columns import FILL
from seq2point.live.store import KEEP_MINUTES_DAYS


class WorkerOptions(NamedTuple):
    """How a worker treats readings and keeps answers. `store` None keeps nothing.

    `is_timely` says that readings come when they are measured, so that silence means something.
    `home` is the home's key in a store of several. `with_history` tells at the start what was kept.
    Days are the local ones of `zone`. `name` is how the home is shown.
    """

    store: Path | None = None
    commit_every_s: float = 0.0
    keep_minutes_days: float = KEEP_MINUTES_DAYS
    fill: int = FILL
    late_s: float = 0.0
    is_timely: bool = False
    home: str = ""
    with_history: bool = False
    zone: str = "UTC"
    name: str = ""
