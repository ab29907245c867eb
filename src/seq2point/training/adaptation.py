"""Self-adaptation: a model trains on in one home without labels, from the home's own events.

    model -> predictions -> decided by event -> the home's pseudo label -> training on
        -> checks on the held-out last part -> the adapted model, or the model as it was

Decided by event, a home's own machine has its own power, which the network alone predicts only in
part (Lee 2013, 'Pseudo-label', is the idea of learning from one's own predictions). Its activations
are transplanted into other hours of the home. The adapted model has seen the home's mains: what it
says of them is transductive, and no figure of an unseen home.
"""

import copy
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from seq2point.appliances import Appliance
from seq2point.configuration import AdaptOptions, TransferOptions
from seq2point.configuration.training import ADAPT_BUDGET_S, ADAPT_RATE, ADAPT_TRANSPLANT
from seq2point.data.frame import to_recordings
from seq2point.errors import DataError, UsageError
from seq2point.events import EventSettings
from seq2point.metrics import METRICS
from seq2point.model.event_decisions import (
    PROVENANCE,
    Settings,
    decide_recording,
    find_event_settings,
)
from seq2point.model.model_file import Model
from seq2point.recording import Recording, RecordingLike, Watts, format_house, is_same_period
from seq2point.training.self_made_tests import (
    Agreement,
    compare_power,
    cut_activations_w,
    make_tests,
    measure_error,
    simulate_activations_w,
)
from seq2point.training.transfer import run_transfer
from seq2point.wording import format_count, format_number, format_seconds

LEAST_DAYS = 3.0
LEAST_ACTIVATIONS = 5
"""Fewer activations teach one programme of one day."""
LEAST_CYCLES = 3
"""Agreement on fewer cycles in the held-out part is chance."""
TRAINING_SHARE = 0.45
"""Each training's share of the budget; the rest is for the checks."""
LEAST_GAIN = 0.05
"""The self-made tests' mean error must fall by this share."""
MOST_LOSS = 0.1
"""The error of neither test may rise by more than this share."""
LEAST_AGREEMENT = Agreement(cycle_f1=0.5, energy=0.5)
"""With the model before: an adaptation finds more or less, and is not another appliance."""
LEAST_STABILITY = Agreement(cycle_f1=0.7, energy=0.7)
"""With a second training, of another seed."""
DEFAULTS: dict[str, Any] = {
    "learning_rate": ADAPT_RATE,
    "transplant": ADAPT_TRANSPLANT,
}


class Adaptation(NamedTuple):
    """A model adapted to a home, or the model as it was where the checks say so.

    `kept` says whether the adapted weights are kept, `reason` why, in words. `figures` are those of
    the checks, as JSON.
    """

    model: Model
    kept: bool
    reason: str
    figures: dict[str, Any]


class _Home(NamedTuple):
    """A home, with what the model finds in it as the appliance's power."""

    appliance: Appliance
    settings: EventSettings
    whole: Recording
    training: Recording
    held_out: Recording


def adapt(
    model: Model,
    recording: RecordingLike,
    options: AdaptOptions | None = None,
    events: Settings | None = None,
) -> Adaptation:
    """Adapt a model to a home by its mains alone; the model given stays as it is.

    `events` are the model's event settings by appliance, by default those in its provenance; the
    default ones find the home's events where it has none. Masks hold. The appliance's labels, where
    the recording has any, are not looked at.
    Raises DataError for a recording of another sampling period, of fewer than three days of mains,
    and where no event is found. Raises UsageError for a model of several appliances, and of one
    that draws too little for an event.
    """
    options = options or AdaptOptions()
    appliance = _require_one_appliance(model)
    recording = _require_mains(model, recording)
    kept_settings = find_event_settings(model) if events is None else dict(events)
    settings = (kept_settings or find_event_settings(model, by_event=True)).get(appliance.name)
    if settings is None:
        raise UsageError(f"{appliance.label}: has no event settings to find its events by")
    home = _find_home(model, recording, appliance, settings, options.hold_out)
    activations = [len(_cut(home, part)) for part in (home.training, home.held_out)]
    figures: dict[str, Any] = {
        "days": recording.days,
        "held_out_days": home.held_out.days,
        "activations": dict(zip(("training", "held_out"), activations, strict=True)),
    }
    if reason := _check_activations(*activations):
        return _finish(model, home, kept_settings, reason, figures)
    if options.progress:
        print(
            f"the validation loss and {METRICS['mae_w'].label} of these trainings are against what"
            f" the model itself finds in {format_house(recording.house)}, not against labels",
            file=sys.stderr,
        )
    adapted = _train(model, home, options, options.seed)
    problem = _check_error(model, adapted, home, options.seed, figures)
    problem = problem or _check_agreement(
        "agreement", (model, adapted), home, LEAST_AGREEMENT, figures
    )
    if problem is None:
        second = _train(model, home, options, options.seed + 1)
        problem = _check_agreement("stability", (adapted, second), home, LEAST_STABILITY, figures)
    if problem is not None:
        return _finish(model, home, kept_settings, problem, figures)
    return _finish(model, home, kept_settings, None, figures, adapted)


def _check_activations(training: int, held_out: int) -> str | None:
    """Return why there are too few activations, None where there are enough."""
    if training < LEAST_ACTIVATIONS:
        return f"too few events to learn from: {format_count(training, 'activation')}"
    if held_out < LEAST_CYCLES:
        count = format_count(held_out, "activation")
        return f"too few events in the last part to check on: {count}"
    return None


def _require_one_appliance(model: Model) -> Appliance:
    if len(model.appliances) > 1:
        raise UsageError(
            f"a model of several appliances ({', '.join(a.label for a in model.appliances)}) cannot"
            " be adapted: adapt the models that it was joined from"
        )
    return model.appliances[0]


def _require_mains(model: Model, recording: RecordingLike) -> Recording:
    """Return the recording with its mains alone."""
    home = to_recordings(recording, [], model.period_s)[0]
    if not is_same_period(home.period_s, model.period_s):
        raise DataError(
            f"{format_house(home.house)} has a reading every {format_seconds(home.period_s)}, the"
            f" model needs one every {format_seconds(model.period_s)}; resample with `period_s`"
        )
    days = np.count_nonzero(~np.isnan(home.filled_mains_w)) * home.period_s / 86400
    if days < LEAST_DAYS:
        raise DataError(
            f"{format_house(home.house)}: has only {format_count(float(days), 'day')} of mains;"
            f" adapting needs at least {format_number(LEAST_DAYS)}"
        )
    return replace(home, appliances_w={})


def _find_home(
    model: Model,
    recording: Recording,
    appliance: Appliance,
    settings: EventSettings,
    hold_out: float,
) -> _Home:
    """Return the home with its pseudo label: the model's predictions, decided by event.

    An event that the appliance owns has its own power, a doubtful one the network's prediction.
    Raises DataError where nothing is found.
    """
    label_w = decide_recording(
        recording, model.predict_w(recording), [appliance], {appliance.name: settings}
    ).power_w[appliance.name]
    if not cut_activations_w(label_w, appliance, recording.period_s):
        raise DataError(
            f"{format_house(recording.house)}: no event of the mains is the"
            f" {appliance.label}'s; there is nothing to adapt to"
        )
    whole = replace(recording, appliances_w={appliance.name: label_w})
    training, held_out = whole.hold_out(hold_out, model.window)
    return _Home(appliance, settings, whole, training, held_out)


def _cut(home: _Home, part: Recording) -> list[Watts]:
    label_w = part.appliance_w(home.appliance.name)
    return cut_activations_w(label_w, home.appliance, part.period_s)


def _train(model: Model, home: _Home, options: AdaptOptions, seed: int) -> Model:
    """Return the model trained on in the home, without its held-out part."""
    values = options.as_options()
    shared = {name: value for name, value in values.items() if name in TransferOptions.model_fields}
    shared |= {name: value for name, value in DEFAULTS.items() if shared.get(name) is None}
    if options.steps is None and options.epochs is None:
        shared["budget_s"] = TRAINING_SHARE * (options.budget_s or ADAPT_BUDGET_S)
    chosen = TransferOptions.of(**shared | {"hold_out": 0.0, "seed": seed})
    return run_transfer(model, home.training, chosen).model


def _check_error(
    model: Model, adapted: Model, home: _Home, seed: int, figures: dict[str, Any]
) -> str | None:
    """Return why the self-made tests speak against the adapted model, None where they do not."""
    own = _cut(home, home.held_out) or _cut(home, home.whole)
    simulated = simulate_activations_w(home.appliance, home.whole.period_s, seed)
    before, after = [], []
    figures["self_made"] = {}
    for name, activations_w in (("own", own), ("simulated", simulated)):
        if not activations_w:
            continue
        tests = list(make_tests(home.held_out, home.appliance, activations_w, seed))
        errors = [measure_error(each, tests, home.appliance) for each in (model, adapted)]
        if not np.isfinite([error.total for error in errors]).all():
            return "nothing to check on: the held-out part has no quiet hours"
        figures["self_made"][name] = {
            "before": errors[0]._asdict(),
            "after": errors[1]._asdict(),
        }
        before.append(errors[0].total)
        after.append(errors[1].total)
    was, is_now = np.mean(before), np.mean(after)
    changes = f"error {format_number(float(was))} before, {format_number(float(is_now))} after"
    if is_now > (1 - LEAST_GAIN) * was:
        return f"no gain in the self-made tests: {changes}"
    if any(new > (1 + MOST_LOSS) * old for old, new in zip(before, after, strict=True)):
        return "a gain in one self-made test alone, a loss in the other"
    return None


def _check_agreement(
    check: str,
    models: Sequence[Model],
    home: _Home,
    least: Agreement,
    figures: dict[str, Any],
) -> str | None:
    """Return why two models disagree in the held-out part, None where they agree."""
    first = len(home.whole) - len(home.held_out)
    one_w, other_w = (_decide_w(model, home)[first:] for model in models)
    agreement = compare_power(one_w, other_w, home.appliance, home.whole.period_s)
    figures[check] = agreement._asdict()
    if agreement.cycle_f1 >= least.cycle_f1 and agreement.energy >= least.energy:
        return None
    whose = "the model before" if check == "agreement" else "a second training"
    return (
        f"disagreement with {whose}: F1 of cycles {format_number(agreement.cycle_f1)}, the smaller"
        f" energy {format_number(100 * agreement.energy)} % of the larger one"
    )


def _decide_w(model: Model, home: _Home) -> Watts:
    """Return the power f32[T] in watts that a model finds in the home, decided by event."""
    name = home.appliance.name
    decisions = decide_recording(
        home.whole, model.predict_w(home.whole), [home.appliance], {name: home.settings}
    )
    return decisions.power_w[name]


def _finish(
    model: Model,
    home: _Home,
    events: Settings,
    reason: str | None,
    figures: dict[str, Any],
    adapted: Model | None = None,
) -> Adaptation:
    """Return the adapted model, or an unchanged copy where there is a reason, with provenance."""
    result = adapted or copy.deepcopy(model)
    words = reason or "the self-made tests gain, and the trainings agree"
    record = {
        "kept": adapted is not None,
        "reason": words,
        "transductive": adapted is not None,
        "from": model.digest(),
        "data": home.whole.fingerprint(home.appliance.name),
        **figures,
    }
    result.provenance = result.provenance | {"adapted": record}
    if events:
        result.provenance[PROVENANCE] = {
            name: each.model_dump(mode="json") for name, each in events.items()
        }
    return Adaptation(result, adapted is not None, words, figures)
