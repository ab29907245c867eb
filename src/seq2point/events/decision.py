"""Decide by event: what the networks predict becomes the power of loads that switch on and off."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seq2point.appliances import Appliance
from seq2point.events.attribution import DELAY_S, Attribution, attribute, count_delay, find_rated_w
from seq2point.events.base_power import find_base_w
from seq2point.events.segmentation import Event, find_events
from seq2point.events.settings import EventSettings
from seq2point.recording import Watts
from seq2point.recording.on_off import Flags, count_samples, find_runs

STEP_W = 200.0
"""The smallest step of the mains that starts or ends an event: drums and pumps make smaller ones
by the minute."""
LEAST_PER_DAY = 1 / 14
"""An appliance whose events are rarer than twice in four weeks is not in the home."""
DAY_S = 86400.0


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
    Causal, a decision needs no more than `find_delay_s` of what follows; nothing is known of the
    whole recording then, and what is not owned is not off.
    """
    predictions_w = clip_predictions(answers_w, appliances)
    by_event = {name: each for name, each in settings.items() if name in predictions_w}
    events = segment(mains_w, period_s, causal) if by_event else []
    delay = count_delay(period_s) if causal else None
    parts = attribute(events, predictions_w, by_event, delay)
    known_days = np.count_nonzero(~np.isnan(mains_w)) * period_s / DAY_S
    owned = {
        name: name not in parts or is_owned(parts[name].events, known_days)
        for name in predictions_w
    }
    decided_w = {
        name: compose(parts[name], prediction_w, by_event[name], appliances[name], period_s, causal)
        if name in parts
        else (np.zeros_like(prediction_w), prediction_w)
        for name, prediction_w in predictions_w.items()
        if owned[name] or causal
    }
    power_w = _cap_at_mains(decided_w, mains_w, share)
    for name, answer_w in answers_w.items():
        unknown = np.isnan(answer_w) | np.isnan(mains_w)
        power_w[name] = np.where(
            unknown, np.float32(np.nan), power_w.get(name, np.float32(0))
        ).astype(np.float32)
    rated_w = {name: find_rated_w(parts[name].events) if name in parts else None for name in owned}
    return Decisions({name: power_w[name] for name in answers_w}, owned, rated_w)


def find_delay_s(period_s: float) -> float:
    """Return how far a causal decision looks ahead, in seconds, beyond the networks themselves."""
    return max(DELAY_S, count_delay(period_s) * period_s)


def segment(mains_w: Watts, period_s: float, causal: bool = False) -> list[Event]:
    """Return the events of a home's mains, f32[T] in watts."""
    return find_events(mains_w, find_base_w(mains_w, period_s, causal), STEP_W, causal)


def clip_predictions(
    answers_w: Mapping[str, Watts], appliances: Mapping[str, Appliance]
) -> dict[str, Watts]:
    """Return predictions between 0 W and the appliance's highest power; 0 W for NaN."""
    return {
        name: np.clip(np.nan_to_num(power_w), 0, appliances[name].max_power_w).astype(np.float32)
        for name, power_w in answers_w.items()
    }


def is_owned(events: Sequence[Event], days: float) -> bool:
    """Return whether a home has an appliance, by the events that belong to it in so many days."""
    return len(events) >= max(1.0, days * LEAST_PER_DAY)


def compose(
    part: Attribution,
    prediction_w: Watts,
    settings: EventSettings,
    appliance: Appliance,
    period_s: float,
    causal: bool = False,
) -> tuple[Watts, Watts]:
    """Return the power of the events that an appliance owns, and of its prediction that stands.

    Both are f32[T] in watts; where one is above 0 the other is 0.
    """
    own_w = np.minimum(part.power_w, np.float32(appliance.max_power_w))
    own = own_w > 0
    near = _flag_near(own | part.kept, count_samples(settings.bridge_s, period_s), causal)
    stands = ((settings.keep_share == 0) | part.kept | (near & ~part.other)) & ~own
    return own_w, np.where(stands, prediction_w, np.float32(0))


def _flag_near(on: Flags, reach: int, causal: bool) -> Flags:
    """Return where it is on at most `reach` samples away, bool[T]; causal, before."""
    near = np.zeros_like(on)
    for first, length in zip(*find_runs(on), strict=True):
        near[first if causal else max(first - reach, 0) : first + length + reach] = True
    return near


def _cap_at_mains(
    decided_w: Mapping[str, tuple[Watts, Watts]], mains_w: Watts, share: bool
) -> dict[str, Watts]:
    """Return each appliance's power, the sum of all at most the mains.

    Events come first: they are parts of the mains. Predictions share what is left, or else each is
    at most that.
    """
    left_w = np.maximum(np.nan_to_num(mains_w), 0).astype(np.float32)
    for own_w, _ in decided_w.values():
        left_w = np.maximum(left_w - own_w, 0)
    if not share:
        return {
            name: own_w + np.minimum(kept_w, left_w) for name, (own_w, kept_w) in decided_w.items()
        }
    total_w = np.zeros_like(left_w)
    for _, kept_w in decided_w.values():
        total_w = total_w + kept_w
    scale = np.ones_like(left_w)
    np.divide(left_w, total_w, out=scale, where=total_w > left_w)
    return {name: own_w + scale * kept_w for name, (own_w, kept_w) in decided_w.items()}
