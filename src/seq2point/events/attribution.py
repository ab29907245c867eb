"""Attribution: whose each event is, by the shares of it that the networks predict."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seq2point.events.rated_power import SURE_SHARE, find_rated_w, is_near_rated
from seq2point.events.segmentation import Event
from seq2point.events.settings import EventSettings
from seq2point.recording import Watts
from seq2point.recording.on_off import Flags


class Attribution(NamedTuple):
    """What belongs to one appliance: its events, the power of what it owns f32[T] in watts, and
    where its network's own prediction stands although it does not own the event, bool[T].

    `events` are those that it owns, and those of which it has the share that an event at its rated
    power needs, at whatever power. `other` bool[T] is where events run that are surely not its own.
    """

    events: list[Event]
    power_w: Watts
    kept: Flags
    other: Flags


def attribute(
    events: Sequence[Event],
    predictions_w: Mapping[str, Watts],
    settings: Mapping[str, EventSettings],
) -> dict[str, Attribution]:
    """Return what belongs to each appliance that has settings.

    `predictions_w` are f32[T] in watts without NaN, events are in the order of their start. An
    event belongs to the appliance with the largest share of it, of those whose settings it meets.
    What an appliance owns of an event is no longer part of its prediction for a later one.
    The power that an appliance is rated at is that of the events that surely are its own.
    """
    return _attribute(
        events, predictions_w, settings, find_ratings_w(events, predictions_w, settings)
    )


def find_ratings_w(
    events: Sequence[Event],
    predictions_w: Mapping[str, Watts],
    settings: Mapping[str, EventSettings],
) -> dict[str, float]:
    """Return the power that each appliance draws event after event, by what surely is its own.

    An appliance is left out that has no share for rated events, or no such power (`find_rated_w`).
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
    parts = _attribute(events, predictions_w, sure, {})
    found_w = {name: find_events_rated_w(part.events) for name, part in parts.items()}
    return {name: rated_w for name, rated_w in found_w.items() if rated_w is not None}


def _attribute(
    events: Sequence[Event],
    predictions_w: Mapping[str, Watts],
    settings: Mapping[str, EventSettings],
    rated_w: Mapping[str, float],
) -> dict[str, Attribution]:
    claims_w = {name: predictions_w[name].copy() for name in settings}
    owned = {
        name: Attribution(
            [], np.zeros_like(claim_w), np.zeros(claim_w.shape, bool), np.zeros(claim_w.shape, bool)
        )
        for name, claim_w in claims_w.items()
    }
    hopeless = _flag_hopeless(events, claims_w, settings)
    for event, skip in zip(events, hopeless, strict=True):
        span = event.span
        if skip:
            for name, each in settings.items():
                owned[name].other[span] |= _find_mean_w(event.power_w, np.float32) >= each.least_w
            continue
        owner, largest = None, 0.0
        mean_w = float(_find_mean_w(event.power_w))
        likely: list[str] = []
        for name, each in settings.items():
            claim_w = np.minimum(claims_w[name][span], event.power_w)
            share = float(_find_mean_w(claim_w)) / max(mean_w, 1e-9)
            is_large = mean_w >= each.least_w
            enough = share >= each.min_share
            if each.rated_share is not None and is_large and share >= each.rated_share:
                likely.append(name)
                enough |= name in rated_w and is_near_rated(event.level_w, rated_w[name])
            if enough and is_large and share > largest:
                owner, largest = name, share
            owned[name].kept[span] |= share >= each.keep_share
            owned[name].other[span] |= share < each.keep_share and is_large
        for name in likely:
            owned[name].events.append(event)
        if owner is not None:
            if owner not in likely:
                owned[owner].events.append(event)
            owned[owner].power_w[span] += event.power_w
            claims_w[owner][span] = np.maximum(claims_w[owner][span] - event.power_w, 0)
    return owned


def _find_mean_w(
    power_w: Watts, dtype: type[np.float32 | np.float64] = np.float64
) -> np.float32 | np.float64:
    """Return the mean of f32[T]. `ndarray.mean` gives the same in twice the time, and a home of a
    month has thousands of events.
    """
    return dtype(np.add.reduce(power_w, dtype=dtype) / len(power_w))


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


def find_events_rated_w(events: Sequence[Event]) -> float | None:
    """Return the power in watts that an appliance draws event after event; see `find_rated_w`."""
    energies = [float(event.power_w.sum(dtype=np.float64)) for event in events]
    return find_rated_w([event.level_w for event in events], energies)
