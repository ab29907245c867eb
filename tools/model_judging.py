"""What the networks of houses left out say: event settings, and metrics by house."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from model_plan import DAYS, Plan, label
from seq2point.appliances import Appliance
from seq2point.configuration.training import HELD_OUT
from seq2point.errors import DataError
from seq2point.events import EventCase, EventSettings, choose_settings
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.model.pretrained.card import HouseResult, measure_error
from seq2point.recording import Recording
from seq2point.studies import ResultCache
from seq2point.studies.protocols.protocol_file import House

KEPT = (
    "mae_w",
    "on_mae_w",
    "nde",
    "sae",
    "energy_per_day_wh",
    "f1",
    "mcc",
    "cycle_recall",
    "cycle_precision",
)
SOLAR = ("REFIT house 11", "REFIT house 21")
"""Their panels' export reads as positive, and nothing in the readings tells it from use."""
HARDLY_W = 1.0
"""A home whose appliance draws less on average hardly uses it."""
LEAST_GAIN = 0.01
"""A smaller gain does not show in a card's figures: the network's own predictions stand."""


def test(
    plan: Plan,
    model: Model,
    recordings: Sequence[Recording],
    house: str,
    unseen: bool,
    settings: EventSettings | None,
) -> HouseResult:
    """What a network gives on recordings, by itself and by event."""
    events = {plan.name: settings} if settings else {}
    found = evaluate(model, recordings, events=events)

    def keep(metrics: Mapping[str, float | None]) -> dict[str, float | None]:
        return {metric: metrics[metric] for metric in KEPT}

    own = keep(found.metrics[plan.name])
    zero, mean = (found.baselines[which][plan.name]["mae_w"] for which in ("zero", "mean"))
    assert zero is not None
    assert mean is not None
    return HouseResult(
        house=house,
        unseen=unseen,
        days=round(sum(recording.days for recording in recordings), 1),
        metrics=keep(found.by_event[plan.name]) if settings else own,
        alone=own if settings else None,
        zero_mae_w=zero,
        mean_mae_w=mean,
    )


def make_case(plan: Plan, model: Model | None, home: str, recording: Recording) -> EventCase:
    """A recording to choose event settings by, with what a network predicts for it."""
    assert model is not None
    try:
        answer_w = model.predict_w(recording)[:, 0]
    except DataError:  # no full window
        answer_w = np.full(len(recording), np.nan, np.float32)
    return EventCase(
        home,
        recording.filled_mains_w,
        answer_w,
        recording.appliance_w(plan.name),
        recording.period_s,
    )


def test_left_out(
    plan: Plan,
    store: ResultCache,
    left_out: Mapping[House, Sequence[Recording]],
    day_cases: Sequence[EventCase],
) -> tuple[EventSettings | None, list[HouseResult]]:
    """The event settings that the homes left out choose, and what each long house gives.

    The homes with a day each, of which some lack the appliance, choose as one. Where there is one
    house alone, the test is on its last fifth, and nothing is chosen.
    """
    protocol, name = plan.source.protocol, plan.name
    if len(left_out) == 1:
        ((house, recordings),) = left_out.items()
        model = plan.load(protocol, store)
        held_out = [recording.hold_out(HELD_OUT, model.window)[1] for recording in recordings]
        end = f"{label(protocol, house)}, last fifth"
        return None, [test(plan, model, held_out, end, False, None)]
    models = {house: plan.load(plan.without(house), store) for house in left_out}
    cases = [
        *(
            make_case(plan, models[house], label(protocol, house), recording)
            for house, recordings in left_out.items()
            for recording in recordings
        ),
        *day_cases,
    ]
    settings = choose(cases, protocol.appliance(name))
    results = []
    for house, recordings in left_out.items():
        called = label(protocol, house)
        others = [case for case in cases if case.house != called]
        from_others = choose(others, protocol.appliance(name)) if settings else None
        results.append(test(plan, models[house], recordings, called, True, from_others))
    return settings, results


def gains_by_event(tests: Sequence[HouseResult], days: Sequence[HouseResult]) -> bool:
    """Whether the median home left out gains: in MAE over zero's, NDE and F1.

    Of the homes with a day each those that use the appliance count as one home, and so do those
    that lack it: there the gain is what is invented no more, over the mean of the zero predictor's
    MAE elsewhere. No long house has a part in the settings that it is tested with. It is the
    median, since an error has no upper limit: one home alone would decide.
    """

    usual_w = float(np.mean([result.zero_mae_w for result in tests]))
    gains = [
        measure_error(result.alone, result.zero_mae_w)
        - measure_error(result.metrics, result.zero_mae_w)
        for result in [*tests, *days[:1]]
        if result.alone is not None
    ]
    less_invented = [
        ((result.alone["mae_w"] or 0.0) - (result.metrics["mae_w"] or 0.0)) / usual_w
        for result in days[1:]
        if result.alone is not None and result.zero_mae_w <= HARDLY_W
    ]
    gains += [float(np.mean(less_invented))] if less_invented else []
    return float(np.median(gains)) >= LEAST_GAIN


def alone(result: HouseResult) -> HouseResult:
    """A result of the network's own predictions."""
    return result.model_copy(update={"metrics": result.alone or result.metrics, "alone": None})


def choose(cases: Sequence[EventCase], appliance: Appliance) -> EventSettings | None:
    """The event settings that houses choose; None where they gain nothing, or are too few."""
    if len({case.house for case in cases}) < 2:
        return None
    return choose_settings(cases, appliance).settings


def test_on_days(
    plan: Plan,
    model: Model | None,
    homes: Mapping[str, Sequence[Recording]],
    settings: EventSettings | None,
) -> Iterator[HouseResult]:
    """What the homes with a day each give: those that use the appliance pooled, then each."""
    if model is None:
        return
    usual = [
        recording
        for recordings in homes.values()
        if mean_w(recordings, plan.name) > HARDLY_W
        for recording in recordings
    ]
    count = sum(mean_w(recordings, plan.name) > HARDLY_W for recordings in homes.values())
    yield test(plan, model, usual, f"{count} {DAYS}", True, settings)
    for home, recordings in homes.items():
        called = f"{home} (solar panels)" if home in SOLAR else home
        try:
            yield test(plan, model, recordings, called, True, settings)
        except DataError:
            continue  # no full window


def mean_w(recordings: Sequence[Recording], name: str) -> float:
    """The mean power of an appliance where it is known, 0 where it never is."""
    known = np.concatenate(
        [r.appliance_w(name)[~np.isnan(r.appliance_w(name))] for r in recordings]
    )
    return float(known.mean()) if len(known) else 0.0
