"""The curve of a transfer: the error in a house against the days of labels from it, point by
point.

    as it is                                        the model, without a day of labels
    none, convolutions, all-but-output              trained on with so much frozen
    from nothing                                    its architecture from fresh weights

A transfer must beat 'from nothing'. Every training takes as many steps, learns from all of its days
and keeps its last weights: of one day of labels a part to choose weights by would hold two or three
activations of a kettle, or none, and the day would lose them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2point.appliances import Appliance
from seq2point.choices import Device, Rescale
from seq2point.configuration import TrainingConfig
from seq2point.errors import DataError, UsageError
from seq2point.metrics import METRICS
from seq2point.model.evaluation import check_recordings, evaluate
from seq2point.model.model_file import Model
from seq2point.recording import Recording, format_house
from seq2point.recording.on_off import find_runs, is_on
from seq2point.recording.windows import find_window_runs
from seq2point.studies.grids import Report, Step, run_grid
from seq2point.studies.result_cache import CachedResult, ResultCache
from seq2point.studies.transfer_choices import (
    AS_IT_IS,
    FREEZES,
    FROM_NOTHING,
    describe_choice,
    format_days,
)
from seq2point.training.transfer import train_from_scratch, transfer

VERSION = 1
"""Of the points of every curve.

Raise it when the same model and recordings would give a point other metrics: after a change of
training, transfer or the metrics.
"""

USUAL_DAYS = (0, 1, 2, 4, 7, 14, 28)
USUAL_STEPS = 200


class CurvePoint(NamedTuple):
    """One training and its test: what was done, with how many days of labels, and the seed."""

    choice: str
    days: float
    seed: int


@dataclass(frozen=True)
class TransferCurve:
    """What a curve is of, and how its points are made.

    Each seed learns from the first `days` of readings of the house after `skip` such days, and
    `stagger` further days for every seed: 0 gives all seeds the same days. `training` are fields of
    `Settings`, without seed and freeze.
    """

    model: Model
    appliance: Appliance
    train: Recording
    test: Sequence[Recording]
    days: Sequence[float]
    choices: Sequence[str] = (*FREEZES, FROM_NOTHING)
    seeds: Sequence[int] = (0, 1, 2)
    skip: float = 0.0
    stagger: float = 0.0
    rescale: Rescale = "keep"
    training: Mapping[str, Any] = field(default_factory=lambda: {"steps": USUAL_STEPS})
    device: Device = "auto"
    threads: int | None = None

    @property
    def points(self) -> list[CurvePoint]:
        """All of them, seed by seed; no model of another appliance stands at zero days."""
        own = self.appliance.name == self.model.appliances[0].name
        as_it_is = [CurvePoint(AS_IT_IS, 0, 0)] if own and 0 in self.days else []
        return as_it_is + [
            CurvePoint(choice, days, seed)
            for seed in self.seeds
            for days in sorted(self.days)
            if days
            for choice in self.choices
        ]

    def count_skipped_days(self, seed: int) -> float:
        """Days of readings that come before those of a seed."""
        return self.skip + self.stagger * seed

    def learned_from(self, point: CurvePoint) -> Recording:
        """The days of a point."""
        return self.train.take_days(
            point.days, self.appliance.name, self.count_skipped_days(point.seed)
        )

    def settings(self, point: CurvePoint) -> TrainingConfig:
        """Of a point's training."""
        freeze = next((freeze for freeze in FREEZES if freeze == point.choice), "none")
        return TrainingConfig.of(**self.training, seed=point.seed, freeze=freeze)

    def part(self, point: CurvePoint) -> CachedResult:
        """All that decides a point's result."""
        name = self.appliance.name
        learned = {
            "train": self.learned_from(point).fingerprint(name),
            "rescale": self.rescale,
            "training": self.settings(point).model_dump(mode="json"),
        }
        decides = {
            **self._of_all,
            "choice": point.choice,
            "days": point.days,
            "learned": learned if point.days else None,
        }
        name = f"{name}-{point.choice}-{point.days:g}d-seed{point.seed}"
        return CachedResult(name, decides, VERSION)

    @cached_property
    def _of_all(self) -> dict[str, Any]:
        """What decides every point's result."""
        model = self.model
        return {
            "what": "transfer",
            "from": {
                "sha256": model.digest(),
                "appliance": model.appliances[0].name,
                "period_s": model.period_s,
            },
            "network": model.architecture.model_dump(mode="json"),
            "scale": model.scale.model_dump(mode="json"),
            "appliance": self.appliance.model_dump(mode="json"),
            "test": [recording.fingerprint(self.appliance.name) for recording in self.test],
        }

    def check(self) -> None:
        """Refuse, before any training, what would not run to its end.

        Raises UsageError for settings and choices, DataError for recordings that do not fit, hold
        fewer days or no window.
        """
        name, shape = self.appliance.name, self.model.architecture
        for choice in self.choices:
            if choice not in (*FREEZES, FROM_NOTHING):
                raise UsageError(
                    f"--freeze {choice}: choose {', '.join(FREEZES[:-1])} or {FREEZES[-1]}"
                )
        check_recordings([self.train, *self.test], self.model.period_s, [name])
        if not self.points:
            raise UsageError("a curve needs days of labels: --days 1,2,4,7")
        if name != self.model.appliances[0].name and "all-but-output" in self.choices:
            raise UsageError(
                f"hidden units that are fresh for {self.appliance.label} must learn: leave out"
                " all-but-output"
            )
        if not any(
            find_window_runs(r, shape.window, shape.target_index, [name]).total for r in self.test
        ):
            raise DataError(
                f"nothing to test on: no window of {shape.window} samples without a gap in what is"
                " left for the test"
            )
        longest = self.count_skipped_days(max(self.seeds)) + max(self.days)
        days = self.train.count_days(name)
        if days < 0.99 * longest:
            raise DataError(
                f"{format_house(self.train.house)}: holds {days:.3g} days of readings of {name},"
                f" the curve needs {longest:g}"
            )
        for point in self.points:
            self.settings(point)
            if (
                point.days
                and not find_window_runs(
                    self.learned_from(point), shape.window, shape.target_index, [name]
                ).total
            ):
                raise DataError(
                    f"{format_house(self.train.house)}: no window of {shape.window} samples without"
                    f" a gap in the {point.days:g} days after the first"
                    f" {self.count_skipped_days(point.seed):g}; choose more with --days, or others"
                    " with --skip"
                )

    def run(
        self, cache: ResultCache, report: Report = lambda _: None
    ) -> list[tuple[CurvePoint, dict[str, Any]]]:
        """Make or find every point; `report` gets a line for each. Raises what `check` does."""
        self.check()
        points = self.points
        results = run_grid(cache, points, self._list_steps, self._describe, report)
        return [(p, result) for p, result in zip(points, results, strict=True) if result]

    def _list_steps(self, point: CurvePoint) -> list[Step]:
        return [Step(self.part(point), partial(self._make, point))]

    def _make(self, point: CurvePoint, _: Path) -> dict[str, Any]:
        house, name = self.learned_from(point), self.appliance.name
        learned: dict[str, Any] = {"seconds": 0.0, "steps": 0}
        model = self.model
        if point.days:
            options = {
                "rescale": self.rescale,
                "hold_out": 0.0,
                "device": self.device,
                "threads": self.threads,
                "progress": False,
                **self.settings(point).model_dump(exclude={"freeze"}),
            }
            if point.choice == FROM_NOTHING:
                trained = train_from_scratch(model, house, appliance=self.appliance, **options)
            else:
                trained = transfer(
                    model,
                    house,
                    appliance=self.appliance,
                    freeze=self.settings(point).freeze,
                    **options,
                )
            model = trained.model
            record = model.provenance["training"]
            learned = {
                "seconds": round(trained.seconds, 1),
                "steps": record["planned_steps"],
                "loss": record["val_loss"],
            }
        evaluation = evaluate(model, self.test)
        return learned | {
            "start": house.start.isoformat() if house.start and point.days else None,
            "on_states": count_activations(house, self.appliance) if point.days else 0,
            "metrics": evaluation.metrics[name],
            "baselines": {
                baseline: metrics[name] for baseline, metrics in evaluation.baselines.items()
            },
        }

    def _describe(self, point: CurvePoint, result: Mapping[str, Any]) -> str:
        metrics = result["metrics"]
        reached = ", ".join(
            METRICS[key].describe(metrics[key], 2)
            for key in ("mae_w", "f1")
            if metrics[key] is not None
        )
        if not point.days:
            return f"{AS_IT_IS}: {reached}"
        days = (
            f"{format_days(point.days)} with {result['on_states']}"
            f" on-state{'' if result['on_states'] == 1 else 's'}"
        )
        return (
            f"{describe_choice(point.choice)}, {days}, seed {point.seed}: {reached},"
            f" {result['seconds']:.0f} s"
        )


def count_activations(recording: Recording, appliance: Appliance) -> int:
    """How often an appliance is on in a recording; where it is not known it is off."""
    power_w = np.nan_to_num(recording.appliance_w(appliance.name))
    return len(find_runs(is_on(power_w, appliance, recording.period_s))[0])


def cut_after_days(recording: Recording, name: str, days: float, window: int) -> Recording:
    """What follows the first days of readings of a recording, a window's gap after them: no window
    of it has seen them.
    """
    return recording.take_days(recording.days, name, days).slice(window, len(recording))
