"""Choose the event settings of an appliance by validation in left-out houses."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from seq2point.appliances import Appliance
from seq2point.events.attribution import attribute
from seq2point.events.capping import clip_predictions
from seq2point.events.decision import DAY_S, compose, is_owned, segment
from seq2point.events.settings import EventSettings
from seq2point.recording import Watts
from seq2point.recording.on_off import is_on

CANDIDATES = tuple(
    EventSettings(
        min_share=min_share,
        keep_share=keep_share,
        least_w=least_w,
        bridge_s=bridge_s,
    )
    for min_share, keep_share, least_w, bridge_s in product(
        (0.4, 0.5, 0.65), (0.1, 0.25), (300.0, 800.0), (60.0, 1800.0, 5400.0)
    )
) + tuple(
    EventSettings(
        min_share=1.0, rated_share=0.25, keep_share=keep_share, least_w=least_w, bridge_s=60.0
    )
    for keep_share, least_w in product((0.0, 0.1, 0.25), (300.0, 800.0))
)
"""The settings that validation chooses from: by share alone, with cycles; or by the home's own
power alone, for loads that are one event."""


class EventCase(NamedTuple):
    """A house that the network was not trained on: f32[T] in watts at one period.

    `answer_w` is the network's prediction, `truth_w` what the appliance drew. Houses of one name
    are scored together, as one.
    """

    house: str
    mains_w: Watts
    answer_w: Watts
    truth_w: Watts
    period_s: float


class EventChoice(NamedTuple):
    """The settings with the lowest error, and the normalised errors by house, with and without.

    `settings` is None where events do not help.
    """

    settings: EventSettings | None
    errors: dict[str, float]
    errors_without: dict[str, float]


def choose_settings(
    cases: Sequence[EventCase],
    appliance: Appliance,
    candidates: Iterable[EventSettings] = CANDIDATES,
) -> EventChoice:
    """Return the settings with the lowest mean error over the houses, and whether they help.

    The error of a house is MAE over that of the zero predictor, plus NDE, plus what F1 lacks to 1:
    each alone rewards silence, hedging or noise. Predictions as they stand are one more choice.
    Houses where the appliance is never on do not count.
    Raises ValueError for fewer than two others: no choice rests on one.
    """
    used = {
        case.house
        for case in cases
        if is_on(np.nan_to_num(case.truth_w), appliance, case.period_s).any()
    }
    if len(used) < 2:
        raise ValueError("choosing event settings needs at least two houses with the appliance")
    cases = [case for case in cases if case.house in used]
    without = _score_houses(cases, appliance, [case.answer_w for case in cases])
    estimates_w = _try_candidates(cases, appliance, tuple(candidates))
    errors = {
        each: _score_houses(cases, appliance, powers_w) for each, powers_w in estimates_w.items()
    }
    best = min(errors, key=lambda each: sum(errors[each].values()))
    helps = sum(errors[best].values()) < sum(without.values())
    return EventChoice(best if helps else None, errors[best], without)


def _try_candidates(
    cases: Sequence[EventCase], appliance: Appliance, candidates: Sequence[EventSettings]
) -> dict[EventSettings, list[Watts]]:
    """Return each case's power decided alone by each candidate, without NaN."""
    estimates_w: dict[EventSettings, list[Watts]] = {each: [] for each in candidates}
    name = appliance.name
    for case in cases:
        predictions_w = clip_predictions({name: case.answer_w}, {name: appliance})
        events = segment(case.mains_w, case.period_s)
        days = np.count_nonzero(~np.isnan(case.mains_w)) * case.period_s / DAY_S
        parts = {}
        for each in candidates:
            key = each.model_copy(update={"bridge_s": 0.0})
            if key not in parts:
                parts[key] = attribute(events, predictions_w, {name: each})[name]
            own_w, kept_w = compose(parts[key], predictions_w[name], each, appliance, case.period_s)
            power_w = own_w + np.minimum(kept_w, np.maximum(np.nan_to_num(case.mains_w), 0))
            estimates_w[each].append(power_w * is_owned(len(parts[key].events), days))
    return estimates_w


def _score_houses(
    cases: Sequence[EventCase], appliance: Appliance, estimates_w: Sequence[Watts]
) -> dict[str, float]:
    """Return MAE over the zero predictor's MAE, plus NDE, plus 1 - F1, of each house."""
    sums: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
    for case, estimate_w in zip(cases, estimates_w, strict=True):
        known = ~(np.isnan(case.truth_w) | np.isnan(case.answer_w) | np.isnan(case.mains_w))
        true_w = np.where(known, case.truth_w, np.float32(0))
        power_w = np.where(known, np.maximum(estimate_w, 0), np.float32(0))
        error_w = (power_w - true_w).astype(np.float64)
        on, decided_on = (
            is_on(each, appliance, case.period_s) & known for each in (true_w, power_w)
        )
        parts = (np.abs(error_w), true_w, error_w**2, true_w.astype(np.float64) ** 2)
        counts = (2.0 * (on & decided_on).sum(), on.sum() + decided_on.sum())
        sums[case.house] = sums.get(case.house, 0) + np.array(
            [*(part.sum(dtype=np.float64) for part in parts), *counts]
        )
    return {
        house: float(absolute / energy + squared / squares + 1 - hits / both)
        for house, (absolute, energy, squared, squares, hits, both) in sums.items()
        if energy > 0 and both > 0
    }
