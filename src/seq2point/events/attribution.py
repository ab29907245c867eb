"""Attribution: whose each event is, by the shares of it that the networks predict."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.events.segmentation import LOOK_AHEAD, Event
from seq2point.events.settings import EventSettings
from seq2point.recording import Watts
from seq2point.recording.on_off import Flags, count_samples

DELAY_S = 300.0
"""How much of an event's future a causal decision waits for."""
SURE_SHARE = 0.7
"""An event of which a network predicts as much surely is its appliance's."""
SAME_RATING = 0.1
LEAST_RATED = 3
NEAR_RATED = 0.08
"""An event's power is the appliance's rated one where it differs by at most this share."""


class Attribution(NamedTuple):
    """What belongs to one appliance: its events, the power of what it owns f32[T] in watts, and
    where its network's own prediction stands although it does not own the event, bool[T].

    `events` are those that it owns, and those that are surely its own. `other` bool[T] is where
    events run that are surely not.
    """

    events: list[Event]
    power_w: Watts
    kept: Flags
    other: Flags


def count_delay(period_s: float) -> int:
    """Return the samples of the future that a causal decision needs."""
    return count_samples(DELAY_S, period_s) + LOOK_AHEAD


def attribute(
    events: Sequence[Event],
    predictions_w: Mapping[str, Watts],
    settings: Mapping[str, EventSettings],
    delay: int | None = None,
) -> dict[str, Attribution]:
    """Return what belongs to each appliance that has settings.

    `predictions_w` are f32[T] in watts without NaN, events are in the order of their start. An
    event belongs to the appliance with the largest share of it, of those whose settings it meets.
    What an appliance owns of an event is no longer part of its prediction for a later one.
    The power that an appliance is rated at is that of the events that surely are its own.
    With a `delay` in samples a share is that of the event until then, and may change as it runs;
    a rated power is not known.
    """
    rated_w = find_ratings_w(events, predictions_w, settings) if delay is None else {}
    return _attribute(events, predictions_w, settings, rated_w, delay)


def find_ratings_w(
    events: Sequence[Event],
    predictions_w: Mapping[str, Watts],
    settings: Mapping[str, EventSettings],
) -> dict[str, float]:
    """Return the power that each appliance draws event after event, by what surely is its own.

    None is there for an appliance without a share for rated events, and where there is no such
    power (`find_rated_w`).
    """
    sure = {
        name: EventSettings(
            min_share=SURE_SHARE, keep_share=SURE_SHARE, least_w=each.least_w, bridge_s=0
        )
        for name, each in settings.items()
        if each.rated_share is not None
    }
    if not sure:
        return {}
    parts = _attribute(events, predictions_w, sure, {}, None)
    found_w = {name: find_rated_w(part.events) for name, part in parts.items()}
    return {name: rated_w for name, rated_w in found_w.items() if rated_w is not None}


def _attribute(
    events: Sequence[Event],
    predictions_w: Mapping[str, Watts],
    settings: Mapping[str, EventSettings],
    rated_w: Mapping[str, float],
    delay: int | None,
) -> dict[str, Attribution]:
    claims_w = {name: predictions_w[name].copy() for name in settings}
    owned = {
        name: Attribution(
            [], np.zeros_like(claim_w), np.zeros(claim_w.shape, bool), np.zeros(claim_w.shape, bool)
        )
        for name, claim_w in claims_w.items()
    }
    hopeless = (
        _flag_hopeless(events, claims_w, settings) if delay is None else [False] * len(events)
    )
    for event, skip in zip(events, hopeless, strict=True):
        span = event.span
        if skip:
            for name, each in settings.items():
                owned[name].other[span] |= event.power_w.mean() >= each.least_w
            continue
        largest: npt.NDArray[np.float64] | float = 0.0
        sure: dict[str, np.bool] = {}
        owner_of: npt.NDArray[np.int64] = np.full(1, -1)
        mean_w = _average(event.power_w, delay)
        for i, (name, each) in enumerate(settings.items()):
            claim_w = np.minimum(claims_w[name][span], event.power_w)
            share = _average(claim_w, delay) / np.maximum(mean_w, 1e-9)
            enough = share >= each.min_share
            if each.rated_share is not None and name in rated_w:
                near = abs(event.level_w / rated_w[name] - 1) <= NEAR_RATED
                enough |= near & (share >= each.rated_share)
            wins = enough & (mean_w >= each.least_w) & (share > largest)
            sure[name] = ((share >= SURE_SHARE) & (mean_w >= each.least_w)).any()
            owner_of = np.where(wins, i, owner_of)
            largest = np.where(wins, share, largest)
            owned[name].kept[span] |= share >= each.keep_share
            owned[name].other[span] |= (share < each.keep_share) & (mean_w >= each.least_w)
        for i, name in enumerate(settings):
            mine = owner_of == i
            if mine.any() or sure[name]:
                owned[name].events.append(event)
            if mine.any():
                power_w = np.where(mine, event.power_w, np.float32(0))
                owned[name].power_w[span] += power_w
                claims_w[name][span] = np.maximum(claims_w[name][span] - power_w, 0)
    return owned


def _flag_hopeless(
    events: Sequence[Event],
    predictions_w: Mapping[str, Watts],
    settings: Mapping[str, EventSettings],
) -> Flags:
    """Return the events of which every appliance's share is sure to be too low, bool[events]."""
    first = np.array([event.first for event in events], np.int64)
    end = np.array([event.end for event in events], np.int64)
    energy = np.array([event.power_w.sum(dtype=np.float64) for event in events])
    hopeless = np.ones(len(events), bool)
    for name, each in settings.items():
        until = np.concatenate(([0.0], np.cumsum(predictions_w[name], dtype=np.float64)))
        hopeless &= until[end] - until[first] < 0.99 * each.least_share * energy
    return hopeless


def _average(power_w: Watts, delay: int | None) -> npt.NDArray[np.float64]:
    """Return the mean of an event's power, f64[1]; with a delay, of its samples until then."""
    if delay is None:
        return np.array([power_w.mean(dtype=np.float64)])
    count = np.arange(1, len(power_w) + 1)
    running = np.cumsum(power_w, dtype=np.float64) / count
    return running[np.minimum(count - 1 + delay, len(power_w) - 1)]


def find_rated_w(events: Sequence[Event]) -> float | None:
    """Return the power in watts that an appliance draws event after event.

    It is the median of the events' levels, weighted by energy. None for fewer than three events,
    and where less than half of the energy is within a tenth of it.
    """
    if len(events) < LEAST_RATED:
        return None
    level_w = np.array([event.level_w for event in events])
    energy = np.array([event.power_w.sum(dtype=np.float64) for event in events])
    in_order = np.argsort(level_w)
    middle = np.searchsorted(np.cumsum(energy[in_order]), energy.sum() / 2)
    rated_w = float(level_w[in_order][middle])
    near = np.abs(level_w / rated_w - 1) <= SAME_RATING
    return rated_w if energy[near].sum() >= energy.sum() / 2 else None
