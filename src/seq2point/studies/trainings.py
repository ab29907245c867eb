"""Trainings as points of a grid: each made once with its tests, from fresh weights or from another.

    dense = StudyTraining("dense", "kettle", [house], {"steps": 320}, tests={"house 2": [other]})
    small = StudyTraining("small", "kettle", [house], {"steps": 100}, start=dense, pruner=pruner)
    run_trainings(ResultCache("runs/study"), [dense, small], print)

The tests are cached apart from the training: another test house makes no training again.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from seq2point.appliances import find_appliance
from seq2point.choices import Device
from seq2point.compression.compaction import compact
from seq2point.compression.pruning import Pruner
from seq2point.configuration import TrainingConfig
from seq2point.configuration.training import HELD_OUT
from seq2point.metrics import METRICS
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.model.shown_days import DAYS_FILE, write_days
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.studies.grids import Report, Result, Step, run_grid
from seq2point.studies.result_cache import UNFINISHED, CachedResult, ResultCache
from seq2point.training import TrainingResult, train_with_history
from seq2point.training.transfer import train_from_scratch, transfer

VERSION = 1
"""Of all trainings of a grid, and of their tests.

Raise it when the same recordings and settings would give another network or other metrics: after a
change of training, transfer, pruning, compaction or the metrics.
"""

WEIGHTS = "model.safetensors"
KEPT = ("metrics", "baselines", "by_hour", "activations", "coverage")
"""What is kept of the report of a test."""
Learning = Literal["train", "transfer", "from scratch"]


@dataclass(frozen=True, eq=False)
class StudyTraining:
    """One training of a study, and the recordings to test it on.

    `settings` are fields of TrainingConfig, seed and all. `start` is the training whose network
    this one goes on from. `learning` says how: 'train' goes on with all of it, 'transfer' calls
    `transfer` with `options` (freeze, days, hold_out), 'from scratch' takes the start's shape
    alone, with fresh weights. A training without `start` takes `network`, or the usual one.
    With `compacts` the network is compacted after training. `tests` are recordings by label; a
    label without recordings stands for the held-out blocks of `train`. A training that is
    `resumable` keeps checkpoints; one whose seconds are to count does not.
    """

    name: str
    appliance: str
    train: Sequence[Recording]
    settings: Mapping[str, Any]
    start: "StudyTraining | None" = None
    learning: Learning = "train"
    options: Mapping[str, Any] = field(default_factory=dict)
    network: Architecture | None = None
    pruner: Pruner | None = None
    compacts: bool = False
    tests: Mapping[str, Sequence[Recording]] = field(default_factory=dict)
    resumable: bool = True

    @cached_property
    def part(self) -> CachedResult:
        """All that decides the network."""
        pruner, network, freeze = self.pruner, self.network, self.options.get("freeze")
        frozen = {"freeze": freeze} if freeze else {}
        decides = {
            "what": "training",
            "learning": self.learning,
            "options": dict(self.options),
            "appliance": find_appliance(self.appliance).model_dump(mode="json"),
            "train": [recording.fingerprint(self.appliance) for recording in self.train],
            "start": self.start.part.key if self.start else None,
            "network": network.model_dump(mode="json") if network else None,
            "pruning": {"method": pruner.name, **pruner.model_dump(mode="json")}
            if pruner
            else None,
            "compacts": self.compacts,
            "training": TrainingConfig.of(**self.settings, **frozen).model_dump(mode="json"),
        }
        return CachedResult(self.name, decides, VERSION)

    def make_test_part(self, label: str) -> CachedResult:
        """Return all that decides a test of the network."""
        decides = {
            "what": "test",
            "of": self.part.key,
            "appliance": find_appliance(self.appliance).model_dump(mode="json"),
            "on": [r.fingerprint(self.appliance) for r in self.tests[label]] or HELD_OUT,
            "label": label,
        }
        return CachedResult(f"{self.name}-{label}", decides, VERSION)

    @property
    def chain(self) -> list["StudyTraining"]:
        """The trainings that this one goes on from, the first one first, and itself."""
        return [*(self.start.chain if self.start else []), self]

    def load_model(self, cache: ResultCache) -> Model:
        """Return the network, once it is made."""
        return Model.load(cache.find_folder(self.part) / WEIGHTS)

    def find(self, cache: ResultCache) -> Result | None:
        """Return the results of the training and its tests, None where one is not there."""
        results = [cache.find(part) for part in self._list_parts()]
        if any(result is None for result in results):
            return None
        return {key: value for result in results for key, value in (result or {}).items()}

    def sum_seconds(self, cache: ResultCache) -> float:
        """Return the seconds of all training that the weights went through, once it is made."""
        begins = self.start is None or self.learning == "from scratch"
        chain = [self] if begins else self.chain
        return float(sum((cache.find(step.part) or {})["seconds"] for step in chain))

    def list_steps(
        self, cache: ResultCache, device: Device = "auto", threads: int | None = None
    ) -> list[Step]:
        """Return what it takes: the chain of trainings, then the tests of the last one."""
        steps = [Step(t.part, partial(t._train, cache, device, threads)) for t in self.chain]
        steps += [
            Step(self.make_test_part(label), partial(self._test, cache, label))
            for label in self.tests
        ]
        return steps

    def describe(self, result: Mapping[str, Any]) -> str:
        """Return the training in a line, with its first test."""
        reached = [f"{result['parameters']:,} weights"]
        for label in list(self.tests)[:1]:
            metrics = result[label]["metrics"]
            reached += [METRICS[key].describe(metrics[key], 2) for key in ("mae_w", "f1")]
        return f"{self.name}: {', '.join(reached)}"

    def _list_parts(self) -> Iterator[CachedResult]:
        yield self.part
        yield from map(self.make_test_part, self.tests)

    def _train(
        self, cache: ResultCache, device: Device, threads: int | None, folder: Path
    ) -> Result:
        options = {
            "device": device,
            "threads": threads,
            "progress": False,
            **({"out": folder / UNFINISHED, "resume": True} if self.resumable else {}),
            **self.options,
            **self.settings,
        }
        start = self.start.load_model(cache) if self.start else None
        begin_s = time.perf_counter()
        trained = self._learn(start, options)
        wall_s = time.perf_counter() - begin_s
        model = compact(trained.model) if self.compacts else trained.model
        model.save(folder / WEIGHTS)
        parameters = list(model.network.parameters())
        return {
            "parameters": model.architecture.parameters,
            "nonzero_parameters": sum(int(p.count_nonzero()) for p in parameters),
            "multiply_adds": model.architecture.multiply_adds,
            "seconds": trained.seconds,
            "wall_s": wall_s,
            "history": trained.history,
        }

    def _learn(self, start: Model | None, options: Mapping[str, Any]) -> TrainingResult:
        if self.learning == "train":
            return train_with_history(
                self.train,
                self.appliance,
                start=start,
                network=self.network,
                pruning=self.pruner,
                **options,
            )
        assert start is not None
        learn = transfer if self.learning == "transfer" else train_from_scratch
        return learn(start, self.train, appliance=find_appliance(self.appliance), **options)

    def _test(self, cache: ResultCache, label: str, folder: Path) -> Result:
        model = self.load_model(cache)
        recordings = list(self.tests[label]) or [
            recording.hold_out(HELD_OUT, model.window)[1] for recording in self.train
        ]
        evaluation = evaluate(model, recordings)
        write_days(evaluation, folder / DAYS_FILE)
        report = evaluation.as_json()
        return {label: {key: report[key] for key in KEPT}}


def run_trainings(
    cache: ResultCache,
    trainings: Sequence[StudyTraining],
    report: Report = lambda _: None,
    device: Device = "auto",
    threads: int | None = None,
    skip_errors: bool = False,
) -> list[Result | None]:
    """Make or find trainings with their tests, in order; None for one that was skipped."""
    return run_grid(
        cache,
        trainings,
        lambda training: training.list_steps(cache, device, threads),
        StudyTraining.describe,
        report,
        skip_errors,
    )
