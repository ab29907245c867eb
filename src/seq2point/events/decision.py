"""Decide by event: what the networks predict becomes the power of loads that switch on and off."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from seq2point.appliances import Appliance
from seq2point.events.attribution import Attribution, attribute, find_events_rated_w
from seq2point.events.base_power import find_base_w
from seq2point.events.capping import cap_at_mains, clip_predictions
from seq2point.events.causal import DELAY_S, CausalDecider
from seq2point.events.segmentation import LOOK_AHEAD, STEP_W, Event, find_events
from seq2point.events.settings import EventSettings
from seq2point.recording import Watts
from seq2point.recording.on_off import Flags, count_samples, find_runs

LEAST_PER_DAY = 1 / 14
"""An appliance whose events are rarer than twice in four weeks is not in the home."""
DAY_S = 86400.0
LEAST_DAYS = 1.0
"""With fewer days of readings nothing can be said of which appliances a home has."""


class Decisions(NamedTuple):
    """The power of each appliance f32[T] in watts, NaN where nothing is known.

    `owned` says whether the home has the appliance at all, by its own events. `rated_w` is the
    power that the home's appliance draws event after event; None where there is no single one.
    """

    power_w: dict[str, Watts]
    owned: dict[str, bool]
    rated_w: dict[str, float | None]


def decide(
    mains_w: Watts,
    answers_w: Mapping[str, Watts],
    settings: Mapping[str, EventSettings],
    appliances: Mapping[str, Appliance],
    period_s: float,
    causal: bool = False,
    share: bool = True,
) -> Decisions:
    """Return the power of each appliance of a home, decided by event.

    `mains_w` is f32[T], `answers_w` the networks' predictions f32[T] by appliance, NaN where there
    is none. An appliance without settings keeps its predictions. The sum of all never exceeds the
    mains: where events leave less than the predictions, these share it in proportion. Without
    `share` each may have all of it, and who knows more of them caps their sum.
    An appliance that the home does not own is off throughout.
    Causal, a decision needs no more than `find_delay_s` of what follows. What an appliance draws is
    then known from the events before, and an appliance that is not owned is not off.
    """
    known_days = np.count_nonzero(~np.isnan(mains_w)) * period_s / DAY_S
    if causal:
        return _decide_causally(
            mains_w, answers_w, settings, appliances, period_s, share, known_days
        )
    predictions_w = clip_predictions(answers_w, appliances)
    by_event = {name: each for name, each in settings.items() if name in predictions_w}
    events = segment(mains_w, period_s) if by_event else []
    parts = attribute(events, predictions_w, by_event)
    owned = {
        name: name not in parts or is_owned(len(parts[name].events), known_days)
        for name in predictions_w
    }
    decided_w = {
        name: compose(parts[name], prediction_w, by_event[name], appliances[name], period_s)
        if name in parts
        else (np.zeros_like(prediction_w), prediction_w)
        for name, prediction_w in predictions_w.items()
        if owned[name]
    }
    power_w = cap_at_mains(decided_w, answers_w, mains_w, share)
    rated_w = {
        name: find_events_rated_w(parts[name].events) if name in parts else None for name in owned
    }
    return Decisions(power_w, owned, rated_w)


def _decide_causally(
    mains_w: Watts,
    answers_w: Mapping[str, Watts],
    settings: Mapping[str, EventSettings],
    appliances: Mapping[str, Appliance],
    period_s: float,
    share: bool,
    known_days: float,
) -> Decisions:
    columns = {name: appliances[name] for name in answers_w}
    decider = CausalDecider(settings, columns, period_s, share)
    decided_w = decider.feed(mains_w, np.column_stack([*answers_w.values()]))
    power_w = np.concatenate((decided_w, decider.flush()))
    events, rated_w = decider.attribution.events, decider.attribution.rated_w
    return Decisions(
        {name: power_w[:, i] for i, name in enumerate(columns)},
        {name: name not in events or is_owned(events[name], known_days) for name in columns},
        {name: rated_w.get(name) for name in columns},
    )


def find_delay_s(period_s: float) -> float:
    """Return how far a causal decision looks ahead, in seconds, beyond the networks themselves."""
    return (count_samples(DELAY_S, period_s) + LOOK_AHEAD) * period_s


def segment(mains_w: Watts, period_s: float) -> list[Event]:
    """Return the events of a home's mains, f32[T] in watts."""
    return find_events(mains_w, find_base_w(mains_w, period_s), STEP_W)


def is_owned(events: int, days: float) -> bool:
    """Return whether a home has an appliance, by how many events belong to it in so many days."""
    return events >= max(1.0, days * LEAST_PER_DAY)


def compose(
    part: Attribution,
    prediction_w: Watts,
    settings: EventSettings,
    appliance: Appliance,
    period_s: float,
) -> tuple[Watts, Watts]:
    """Return the power of the events that an appliance owns, and of its prediction that stands.

    Both are f32[T] in watts; where one is above 0 the other is 0.
    """
    own_w = np.minimum(part.power_w, np.float32(appliance.max_power_w))
    own = own_w > 0
    near = _flag_near(own | part.kept, count_samples(settings.bridge_s, period_s))
    stands = ((settings.keep_share == 0) | part.kept | (near & ~part.other)) & ~own
    return own_w, np.where(stands, prediction_w, np.float32(0))


def _flag_near(on: Flags, reach: int) -> Flags:
    """Return where it is on at most `reach` samples away, bool[T]."""
    near = np.zeros_like(on)
    for first, length in zip(*find_runs(on), strict=True):
        near[max(first - reach, 0) : first + length + reach] = True
    return near
