"""A home as a worker opens it: from its models, and from what a store has kept of it."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seq2point.household.home_models import HomeModel
from seq2point.live.floor import Floor
from seq2point.live.home import Home
from seq2point.live.home_state import DAMAGE
from seq2point.live.mains_parts import MAINS
from seq2point.live.pace import Pace
from seq2point.live.store import HOUR_S, Store
from seq2point.live.worker_options import WorkerOptions
from seq2point.wording import format_minutes

LOG = logging.getLogger("seq2point.live")


def open_home(
    models: Sequence[HomeModel],
    pace: Pace,
    options: WorkerOptions,
    state: Mapping[str, Any] | None,
    store: Store | None,
) -> Home:
    """Return a home that goes on from the state that a store has kept; None for neither.

    It begins anew from a state that is damaged. What it promises of its delays is logged.
    """
    home = _make_home(models, pace, options)
    if state is not None:
        try:
            home.restore(state["home"])
        except DAMAGE:
            LOG.warning(
                "%s: what a start goes on from is damaged: the estimates begin anew, and what was"
                " counted stays",
                options.store,
            )
            home = _make_home(models, pace, options)
            home.floor.learned_zone = ""
        if store is not None and home.floor.learned_zone != home.floor.zone:
            _relearn_days(home.floor, store, options.home)
    _say_delays(home)
    return home


def _make_home(models: Sequence[HomeModel], pace: Pace, options: WorkerOptions) -> Home:
    return Home(models, pace, fill=options.fill, late_s=options.late_s, zone=options.zone)


def _relearn_days(floor: Floor, store: Store, home: str) -> None:
    """Learn what is always on anew, from the minutes that are kept."""
    minutes = store.read_minutes(home, name=MAINS)
    table = np.array([(start, wh, s) for start, _, wh, s in minutes if s], float).reshape(-1, 3)
    mean_w = (table[:, 1] * HOUR_S / table[:, 2]).astype(np.float32)
    floor.relearn(table[:, 0], mean_w)


def warn_of_another_home(name: str, options: WorkerOptions) -> None:
    """Warn of a store that has counted the energy of a home of another name."""
    if name and options.name and name != options.name:
        LOG.warning(
            "%s: has counted the energy of '%s', and '%s' goes on from it: give another home"
            " another `store`",
            options.store,
            name,
            options.name,
        )


def _say_delays(home: Home) -> None:
    """Log how late answers are, and within how long a finish is told."""
    within: dict[float, list[str]] = {}
    for appliance in home.appliances:
        within.setdefault(home.finished_within_s[appliance.name], []).append(appliance.label)
    finishes = "; ".join(
        f"{', '.join(labels)} within {format_minutes(each_s)}" for each_s, labels in within.items()
    )
    LOG.info("answers come %s late; 'finished' is told: %s", format_minutes(home.delay_s), finishes)
