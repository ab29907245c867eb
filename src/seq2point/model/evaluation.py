"""Score a model on recordings: every metric, beside those of always zero and of the mean."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import numpy as np

from seq2point.appliances import Appliance
from seq2point.choices import Engine
from seq2point.data.frame import to_recordings
from seq2point.errors import DataError
from seq2point.events import Decisions
from seq2point.metrics import METRICS, Metrics, ScoredStretch, score
from seq2point.model.error_details import measure_activations, measure_by_hour
from seq2point.model.event_decisions import NO_EVENTS, Settings, decide_recording
from seq2point.predictor import Predictor, Progress
from seq2point.recording import Recording, RecordingsLike, Watts, format_house, is_same_period
from seq2point.recording.coverage import Coverage
from seq2point.recording.gaps import bridge_gaps, fill_forward
from seq2point.recording.on_off import find_runs
from seq2point.wording import format_seconds

NOT_FOUND_F1 = 0.005
"""Reports show a lower F1 as 0.00."""


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model on recordings.

    `metrics` and each of `baselines` ('zero', 'mean') hold metrics by appliance. `predictions_w`
    are f32[T, A] in watts for each recording, NaN where no full window reaches. `coverage` says, by
    appliance, how much of each recording was predicted and scored.
    With settings of `events` there are `decisions` for each recording, and `by_event` holds their
    metrics by appliance. `zone` and `stride` are those that `evaluate` was given.
    """

    model: Predictor
    recordings: Sequence[Recording]
    predictions_w: Sequence[Watts]
    metrics: dict[str, Metrics]
    baselines: dict[str, dict[str, Metrics]]
    coverage: dict[str, list[Coverage]]
    events: Settings = field(default_factory=dict)
    decisions: Sequence[Decisions] = ()
    by_event: dict[str, Metrics] = field(default_factory=dict)
    zone: tzinfo | None = None
    stride: int = 1

    def given_w(self, number: int) -> list[Watts]:
        """Return what the model gives for its appliance of a number, f32[T] for each recording.

        These are its decisions by event, where it makes any, or else its predictions.
        """
        name = self.model.appliances[number].name
        if self.decisions:
            return [each.power_w[name] for each in self.decisions]
        return [power_w[:, number] for power_w in self.predictions_w]

    def locate_errors(self) -> dict[str, dict[str, Any]]:
        """Return where the errors of what the model gives are: 'by_hour' and 'activations'.

        Each is by appliance, as `model.error_details` describes them.
        """
        by_hour, activations = {}, {}
        for i, appliance in enumerate(self.model.appliances):
            stretches = find_scored_stretches(
                self.recordings, appliance, self.given_w(i), self.model.window, self.stride
            )
            period_s = self.stride * self.model.period_s
            by_hour[appliance.name] = measure_by_hour(stretches, self.zone)
            activations[appliance.name] = measure_activations(stretches, appliance, period_s)
        return {"by_hour": by_hour, "activations": activations}

    def warnings(self) -> list[str]:
        """Return sentences that warn of low coverage and of appliances that the model misses.

        The model misses an appliance where its error is no lower than that of always zero. What is
        judged is what the model gives: its decisions by event, where it makes any.
        """
        zero, given = self.baselines["zero"], self.by_event or self.metrics
        covered = (Coverage.combine(self.coverage[a.name]).warning for a in self.model.appliances)
        missed = (
            _describe_failure(a.label, given[a.name], zero[a.name], a.name in self.events)
            for a in self.model.appliances
        )
        return list(dict.fromkeys(sentence for sentence in (*covered, *missed) if sentence))

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON; metrics are by appliance only where the model has several."""

        def flatten(by_appliance: dict[str, Any]) -> Any:
            return by_appliance if len(by_appliance) > 1 else next(iter(by_appliance.values()))

        def total_coverage(recordings: slice) -> Any:
            return flatten(
                {
                    name: Coverage.combine(each[recordings]).as_json()
                    for name, each in self.coverage.items()
                }
            )

        by_event: dict[str, Any] = {}
        if self.by_event:
            settings = {
                name: self.events[name].model_dump(mode="json") if name in self.events else None
                for name in self.by_event
            }
            by_event = {"by_event": flatten(self.by_event), "events": flatten(settings)}
        return {
            "metrics": flatten(self.metrics),
            **by_event,
            "baselines": {name: flatten(metrics) for name, metrics in self.baselines.items()},
            **{key: flatten(each) for key, each in self.locate_errors().items()},
            "coverage": total_coverage(slice(None)),
            "warnings": self.warnings(),
            "model": self.model.describe(),
            "data": [
                {
                    "house": r.house,
                    "samples": len(r),
                    "days": round(r.days, 2),
                    "period_s": r.period_s,
                }
                | {"sha256": flatten({n: r.fingerprint(n)["sha256"] for n in self.metrics})}
                | {"coverage": total_coverage(slice(i, i + 1))}
                | ({"owned": flatten(self.decisions[i].owned)} if self.decisions else {})
                | ({"interpretation": dict(r.interpretation)} if r.interpretation else {})
                for i, r in enumerate(self.recordings)
            ],
        }


def _describe_failure(label: str, metrics: Metrics, zero: Metrics, by_event: bool) -> str | None:
    """Return a sentence where the model misses an appliance, or the data cannot show it."""
    model = "By event, this model" if by_event else "This model"
    f1, mae_w, zero_mae_w = metrics["f1"], metrics["mae_w"], zero["mae_w"]
    if f1 is None or mae_w is None or zero_mae_w is None:
        return (
            f"The {label} is never on in this data, which cannot show whether the model finds it."
        )
    mae, f1_label = METRICS["mae_w"], METRICS["f1"].label
    beside_zero = (
        f"its {mae.label} is {mae.format(mae_w)}, that of always saying off"
        f" {mae.format(zero_mae_w)}"
    )
    if f1 < NOT_FOUND_F1:
        joint = "and" if mae_w >= zero_mae_w else "though"
        return f"{model} does not find the {label}: {f1_label} is {f1:.2f}, {joint} {beside_zero}."
    return (
        f"{model} is no better than always saying that the {label} is off: {beside_zero}."
        if mae_w >= zero_mae_w
        else None
    )


def evaluate(
    model: Predictor,
    recordings: RecordingsLike,
    engine: Engine = "sliding",
    zone: tzinfo | None = None,
    progress: Progress | None = None,
    stride: int = 1,
    events: Settings = NO_EVENTS,
) -> Evaluation:
    """Score a model on recordings that it was not trained on.

    `recordings` are one or several, or data frames as `data.frame.recording_from_frame` reads them.
    With a `stride` only every so many samples are scored. The mean baseline predicts the mean power
    in training, or that of the recordings where the model does not know it. `zone` is the time zone
    of days. `progress` is called with the number of samples of each step. With settings of
    `events`, by appliance, the predictions decided by event are scored too, at the same samples.
    Raises DataError for another sampling period than the model's, for an appliance that a house
    lacks, and where nothing can be scored.
    """
    names = [appliance.name for appliance in model.appliances]
    recordings = to_recordings(recordings, names, model.period_s)
    if not recordings:
        raise DataError("nothing to score: give at least one recording")
    check_recordings(recordings, model.period_s, names)
    predictions = [
        model.predict_w(recording, engine, progress=progress) for recording in recordings
    ]
    decisions = [
        decide_recording(recording, power_w, model.appliances, events)
        for recording, power_w in zip(recordings, predictions, strict=True)
        if events
    ]
    known = model.provenance.get("training_mean_w", {})
    metrics: dict[str, Metrics] = {}
    by_event: dict[str, Metrics] = {}
    coverage: dict[str, list[Coverage]] = {}
    baselines: dict[str, dict[str, Metrics]] = {"zero": {}, "mean": {}}
    for i, appliance in enumerate(model.appliances):
        estimates = [power_w[:, i] for power_w in predictions]
        stretches = find_scored_stretches(recordings, appliance, estimates, model.window, stride)
        coverage[appliance.name] = [
            Coverage.measure(r, power_w, r.appliance_w(appliance.name))
            for r, power_w in zip(recordings, estimates, strict=True)
        ]
        truth = np.concatenate([s.select_known().truth_w for s in stretches])
        constants = {
            "zero": 0.0,
            "mean": known.get(appliance.name, float(truth.mean(dtype=np.float64))),
        }
        metrics[appliance.name] = score(stretches, appliance, stride * model.period_s, zone)
        if events:
            decided = [each.power_w[appliance.name] for each in decisions]
            by_event[appliance.name] = score(
                find_scored_stretches(recordings, appliance, decided, model.window, stride),
                appliance,
                stride * model.period_s,
                zone,
            )
        for name, constant_w in constants.items():
            flat = [s._replace(estimate_w=np.full_like(s.truth_w, constant_w)) for s in stretches]
            baselines[name][appliance.name] = score(flat, appliance, stride * model.period_s, zone)
    return Evaluation(
        model,
        recordings,
        predictions,
        metrics,
        baselines,
        coverage,
        events,
        decisions,
        by_event,
        zone,
        stride,
    )


def check_recordings(
    recordings: Sequence[Recording], period_s: float, appliances: Sequence[str]
) -> None:
    """Raise DataError for another sampling period, and for an appliance that a house lacks."""
    for recording in recordings:
        if not is_same_period(recording.period_s, period_s):
            raise DataError(
                f"{format_house(recording.house)} has a reading every "
                f"{format_seconds(recording.period_s)}, the model was trained at "
                f"{format_seconds(period_s)}; resample the readings to {format_seconds(period_s)}"
            )
        for name in appliances:
            recording.appliance_w(name)


def find_scored_stretches(
    recordings: Sequence[Recording],
    appliance: Appliance,
    estimates_w: Sequence[Watts],
    window: int,
    stride: int = 1,
) -> list[ScoredStretch]:
    """Return the stretches where truth and estimate are known, of each every `stride`-th sample.

    No stretch crosses a time jump. Gaps of the truth as short as those that are filled in the mains
    do not end a stretch. There the value before is held, so that the appliance stays on or off, and
    nothing is scored. Raises DataError where there is no stretch.
    """
    stretches = []
    for i, (recording, estimate_w) in enumerate(zip(recordings, estimates_w, strict=True)):
        truth_w, times_s = recording.appliance_w(appliance.name), recording.times_s()
        for first, end in recording.pieces():
            known = ~(np.isnan(truth_w[first:end]) | np.isnan(estimate_w[first:end]))
            begins, lengths = find_runs(bridge_gaps(known, recording.fill))
            for a, length in zip(begins, lengths, strict=True):
                span = slice(first + a, first + a + length, stride)
                held = [
                    _hold_missing(values[first + a : first + a + length])
                    for values in (truth_w, estimate_w)
                ]
                stretches.append(
                    ScoredStretch(
                        held[0][::stride],
                        held[1][::stride],
                        times_s[span],
                        known[a : a + length : stride],
                        i,
                    )
                )
    if not stretches:
        raise DataError(
            f"{', '.join(format_house(r.house) for r in recordings)}: nothing to score: no stretch"
            f" of {window} samples without a gap where {appliance.label} is known"
        )
    return stretches


def _hold_missing(watts: Watts) -> Watts:
    """Return the values, each missing one replaced by the one before."""
    missing = np.isnan(watts)
    if not missing.any():
        return watts
    held_w = watts.copy()
    fill_forward(held_w, missing, len(watts))
    return held_w
