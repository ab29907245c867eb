"""All models on one home's mains: what each appliance draws, at each model's own period."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2point import runtime
from seq2point.appliances import Appliance, canonical_name
from seq2point.errors import UsageError
from seq2point.events import Activation, EventSettings, find_activations
from seq2point.household.mains import HomeMains
from seq2point.model import pretrained
from seq2point.model.event_decisions import decide_recording, find_event_settings
from seq2point.model.pretrained import Card
from seq2point.predictor import Predictor, Progress
from seq2point.recording import Recording, Watts, is_same_period

WITHOUT_CARD = 0.25
"""The error of a model without a card: this share of the appliance's highest power."""


class HomeModel(NamedTuple):
    """A model to tell a home's appliances apart: its name, and its card where it has one."""

    predictor: Predictor
    name: str
    card: Card | None = None


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


def choose_models(
    mains: HomeMains, without: Iterable[str] = (), threads: int | None = None
) -> list[HomeModel]:
    """Return the models of the package that suit a home's readings: one for each appliance.

    Of an appliance's models it is, among those to be relied on, the one of least error in homes
    left out of training. `without` names appliances that the home lacks.
    Raises UsageError for an appliance in `without` that no model is for.
    """
    lacking = _require_known(without, {card.appliance for card in pretrained.load_cards()})
    return [
        load_pretrained_model(card.name, threads)
        for name, card in pretrained.choose_cards(mains.can_give).items()
        if name not in lacking
    ]


def load_pretrained_model(name: str, threads: int | None = None) -> HomeModel:
    """Load a model of the package."""
    model = pretrained.load_pretrained(name)
    return HomeModel(runtime.load(model.native, threads), name, model.card)


def load_models(
    models: Any, mains: HomeMains, without: Iterable[str] = (), threads: int | None = None
) -> list[HomeModel]:
    """Return models by their names or files, or as predictors; None for those of `choose_models`.

    A name may be an appliance's alone: the period of the mains then chooses its model.
    Raises UsageError for an unknown name and for two models of one appliance, and ModelFileError
    for a file that cannot be run.
    """
    if models is None:
        return choose_models(mains, without, threads)
    several = (
        [models] if isinstance(models, str | Path | HomeModel) or _predicts(models) else models
    )
    loaded = [_load_model(model, mains, threads) for model in several]
    names = [a.name for model in loaded for a in model.predictor.appliances]
    lacking = _require_known(without, set(names))
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"two models predict the {twice.replace('_', ' ')}: give one of them")
    return [
        model for model in loaded if not {a.name for a in model.predictor.appliances} <= lacking
    ]


def _predicts(model: Any) -> bool:
    return hasattr(model, "predict_w")


def _load_model(model: Any, mains: HomeMains, threads: int | None) -> HomeModel:
    if isinstance(model, HomeModel):
        return model
    if _predicts(model):
        return HomeModel(model, ", ".join(a.label for a in model.appliances))
    path = Path(model)
    if path.suffix or path.is_file():
        return HomeModel(runtime.load(path, threads), path.name, pretrained.find_card(path))
    name = str(model)
    if name not in pretrained.list_names():
        name = pretrained.find_finest(name, mains.period_s).name
    return load_pretrained_model(name, threads)


def _require_known(without: Iterable[str], known: set[str]) -> set[str]:
    """Return the appliances of `without`; raises UsageError for one that is not known."""
    names = {canonical_name(name) for name in without}
    for name in sorted(names - known):
        raise UsageError(
            f"`without` '{name}': no model is for it; choose from {', '.join(sorted(known))}"
        )
    return names


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


def find_error_w(model: HomeModel, appliance: Appliance) -> float:
    """Return how far a model is usually off while the appliance is on, in watts.

    It is the median of the homes that its card leaves out of training. Without any it is a quarter
    of the appliance's highest power.
    """
    errors_w = [
        error_w
        for home in (model.card.tested if model.card else ())
        if home.unseen and (error_w := home.metrics.get("on_mae_w")) is not None
    ]
    return float(np.median(errors_w)) if errors_w else WITHOUT_CARD * appliance.max_power_w
