"""Updates: what readings have led to, as sinks are told."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seq2point.appliances import Appliance
from seq2point.live.cycles import Notice
from seq2point.live.history import History
from seq2point.live.mains_parts import Answers
from seq2point.live.readings import Reading
from seq2point.live.store import Hour


class HomeDescription(NamedTuple):
    """What sinks announce of a home: its appliances, its period, and how late its answers are.

    `finished_within_s` is how long after its end an appliance's finish is told. `window_s` is how
    long the readings are that the first answer of all needs.
    """

    appliances: tuple[Appliance, ...]
    period_s: float
    delay_s: float
    finished_within_s: Mapping[str, float] = {}
    window_s: float = 0.0


class Update(NamedTuple):
    """What readings have led to. `counters` are kept energy in watt-hours, None where nothing was
    kept since; `hours` are whole ones. `history` is what was kept before the start. `readings` are
    those behind the update, and `lost` counts those that the source has lost.
    """

    description: HomeDescription | None = None
    answers: Answers | None = None
    notices: Sequence[Notice] = ()
    counters: Mapping[str, float] | None = None
    hours: Sequence[Hour] = ()
    running: Mapping[str, bool] = {}
    history: History | None = None
    readings: Sequence[Reading] = ()
    lost: int = 0
