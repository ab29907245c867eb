"""All models on one home's mains: what each appliance draws, at each model's own period."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seq2point.appliances import Appliance, canonical_name
from seq2point.events import Activation, EventSettings, find_activations
from seq2point.household.home_models import HomeModel, find_error_w
from seq2point.household.mains import HomeMains
from seq2point.model.event_decisions import decide_recording, find_event_settings
from seq2point.predictor import Progress
from seq2point.recording import Recording, Watts, is_same_period


class AppliancePrediction(NamedTuple):
    """What an appliance draws, f32[T] in watts at the samples of a recording, and when it ran.

    `is_owned` says whether the home has the appliance, by its own events; None where that was not
    judged. `error_w` is how far its model is usually off while the appliance is on.
    """

    appliance: Appliance
    model: HomeModel
    recording: Recording
    power_w: Watts
    cycles: Sequence[Activation]
    is_owned: bool | None
    by_event: bool
    error_w: float


def count_samples(mains: HomeMains, models: Sequence[HomeModel]) -> int:
    """Return how many samples all models predict, about."""
    span_s = float(mains.times_s[-1] - mains.times_s[0])
    return round(sum(span_s / model.predictor.period_s for model in models))


def predict_appliances(
    mains: HomeMains,
    models: Sequence[HomeModel],
    without: Iterable[str] = (),
    progress: Progress | None = None,
) -> list[AppliancePrediction]:
    """Return what the models predict, decided by event where their cards say so.

    Models of one period are decided together, since an event belongs to one appliance. At the edges
    of gaps the outermost reading is repeated, so that all that is measured is told apart.
    `progress` is called with the samples that were predicted since the last call.
    Raises DataError for a model whose period the readings cannot give.
    """
    periods_s: list[float] = []
    for model in models:
        if not any(is_same_period(model.predictor.period_s, each_s) for each_s in periods_s):
            periods_s.append(model.predictor.period_s)
    lacking = {canonical_name(name) for name in without}
    predictions: list[AppliancePrediction] = []
    for period_s in periods_s:
        same = [m for m in models if is_same_period(m.predictor.period_s, period_s)]
        predictions += _predict_together(mains.to_recording(period_s), same, lacking, progress)
    return predictions


def _predict_together(
    recording: Recording,
    models: Sequence[HomeModel],
    lacking: set[str],
    progress: Progress | None,
) -> list[AppliancePrediction]:
    """Return what models of the recording's period predict, decided together."""
    owners: list[tuple[Appliance, HomeModel]] = []
    columns: list[Watts] = []
    settings: dict[str, EventSettings] = {}
    for model in models:
        power_w = model.predictor.predict_w(recording, edges="repeat", progress=progress)
        for i, appliance in enumerate(model.predictor.appliances):
            if appliance.name not in lacking:
                owners.append((appliance, model))
                columns.append(np.clip(power_w[:, i], 0, appliance.max_power_w))
        own = find_event_settings(model.predictor, model.card)
        settings |= {name: each for name, each in own.items() if name not in lacking}
    is_owned: Mapping[str, bool] = {}
    if settings:
        appliances = [appliance for appliance, _ in owners]
        decisions = decide_recording(
            recording, np.column_stack(columns), appliances, settings, share=False
        )
        columns = [decisions.power_w[appliance.name] for appliance in appliances]
        is_owned = {name: bool(decisions.owned[name]) for name in settings}
    times_s = recording.times_s()
    return [
        AppliancePrediction(
            appliance,
            model,
            recording,
            power_w,
            find_activations(power_w, appliance, recording.period_s, times_s),
            is_owned.get(appliance.name),
            appliance.name in settings,
            find_error_w(model, appliance),
        )
        for (appliance, model), power_w in zip(owners, columns, strict=True)
    ]
