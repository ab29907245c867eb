"""A model on recordings: every metric, with the zero and the mean predictor beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import numpy as np

from seq2point.appliances import Appliance
from seq2point.choices import Engine
from seq2point.errors import DataError
from seq2point.metrics import Metrics, Scored, score
from seq2point.predictor import Predictor, Progress
from seq2point.recording import Recording, Watts, house_label, same_period
from seq2point.wording import format_seconds


@dataclass(frozen=True)
class Evaluation:
    """What a model reaches on some recordings.

    `metrics` and each of `baselines` ('zero', 'mean') hold a table of metrics by appliance. `predictions_w` are f32[T, A] for
    each recording, NaN where no full window reaches.
    """

    model: Predictor
    recordings: Sequence[Recording]
    predictions_w: Sequence[Watts]
    metrics: dict[str, Metrics]
    baselines: dict[str, dict[str, Metrics]]

    def as_json(self) -> dict[str, Any]:
        """The report that `--json` writes; metrics stand by appliance only where the model has several."""

        def flat(by_appliance: dict[str, Metrics]) -> Any:
            return by_appliance if len(by_appliance) > 1 else next(iter(by_appliance.values()))

        return {
            "metrics": flat(self.metrics),
            "baselines": {name: flat(metrics) for name, metrics in self.baselines.items()},
            "model": self.model.describe(),
            "data": [
                {"house": r.house, "samples": len(r), "days": round(r.days, 2), "period_s": r.period_s} for r in self.recordings
            ],
        }


def evaluate(
    model: Predictor,
    recordings: Sequence[Recording],
    engine: Engine = "sliding",
    zone: tzinfo | None = None,
    progress: Progress | None = None,
    stride: int = 1,
) -> Evaluation:
    """Score a model on recordings that it was not trained on, at every sample or at every `stride`-th.

    The mean predictor is the mean power in training; that of the recordings where the model does not know it.
    Raises DataError for another period than the model's, an appliance that a house lacks, and nothing to score.
    """
    check(recordings, model.period_s, [appliance.name for appliance in model.appliances])
    predictions = [model.predict_w(recording, engine, progress=progress) for recording in recordings]
    known = model.provenance.get("training_mean_w", {})
    metrics: dict[str, Metrics] = {}
    baselines: dict[str, dict[str, Metrics]] = {"zero": {}, "mean": {}}
    for i, appliance in enumerate(model.appliances):
        estimates = [power_w[:, i] for power_w in predictions]
        stretches = stretches_of(recordings, appliance, estimates, model.window, stride)
        truth = np.concatenate([s.truth_w for s in stretches])
        constants = {"zero": 0.0, "mean": known.get(appliance.name, float(truth.mean(dtype=np.float64)))}
        metrics[appliance.name] = score(stretches, appliance, stride * model.period_s, zone)
        for name, constant_w in constants.items():
            flat = [s._replace(estimate_w=np.full_like(s.truth_w, constant_w)) for s in stretches]
            baselines[name][appliance.name] = score(flat, appliance, stride * model.period_s, zone)
    return Evaluation(model, recordings, predictions, metrics, baselines)


def check(recordings: Sequence[Recording], period_s: float, appliances: Sequence[str]) -> None:
    """Refuse recordings that no model of this sampling period and these appliances can be scored on.

    Raises DataError for another period and for an appliance that a house lacks.
    """
    for recording in recordings:
        if not same_period(recording.period_s, period_s):
            raise DataError(
                f"{house_label(recording.house)} has a reading every "
                f"{format_seconds(recording.period_s)}, the model was trained at "
                f"{period_s:g} s; resample with --period {period_s:g}s"
            )
        for name in appliances:
            recording.appliance_w(name)


def stretches_of(
    recordings: Sequence[Recording], appliance: Appliance, estimates_w: Sequence[Watts], window: int, stride: int = 1
) -> list[Scored]:
    """The gapless stretches where truth and estimate are known, never across a time jump; of each, every `stride`-th sample."""
    stretches = []
    for recording, estimate_w in zip(recordings, estimates_w, strict=True):
        truth_w, times_s = recording.appliance_w(appliance.name), recording.times_s()
        for first, end in recording.pieces():
            known = ~(np.isnan(truth_w[first:end]) | np.isnan(estimate_w[first:end]))
            edges = first + np.flatnonzero(np.diff(np.concatenate(([False], known, [False]))))
            for a, b in zip(edges[::2], edges[1::2], strict=True):
                stretches.append(Scored(truth_w[a:b:stride], estimate_w[a:b:stride], times_s[a:b:stride]))
    if not stretches:
        raise DataError(
            f"nothing to score: no stretch of {window} samples without a gap where {appliance.label} is known in "
            + ", ".join(house_label(r.house) for r in recordings)
        )
    return stretches
