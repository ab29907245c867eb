"""A protocol run: results by appliance and seed, each made once.

network    train on the protocol's houses                 -> weights
pruned     train on under a pruner, compact, fine-tune    -> smaller weights
test       either of them on the test houses              -> metrics, and those of the baselines

Several prunings of one protocol begin from the same networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from seq2point.choices import Device
from seq2point.compression import costs
from seq2point.compression.compaction import compact
from seq2point.configuration import TrainingConfig
from seq2point.configuration.training import HELD_OUT
from seq2point.errors import UsageError
from seq2point.metrics import METRICS
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.model.shown_days import DAYS_FILE, write_days
from seq2point.network.masks import measure_sparsity
from seq2point.studies.grids import Report, Result, Step, run_grid
from seq2point.studies.protocols import houses
from seq2point.studies.protocols.houses import Recordings
from seq2point.studies.protocols.protocol_file import Protocol
from seq2point.studies.protocols.steps import NETWORK, ProtocolSteps
from seq2point.studies.result_cache import UNFINISHED, CachedResult, ResultCache
from seq2point.system.device import set_threads
from seq2point.training import TrainingResult, train_with_history

WEIGHTS = "model.safetensors"
SIZES = ("parameters", "nonzero_parameters", "multiply_adds", "file_bytes", "gzipped_bytes")
KEPT = ("metrics", "baselines", "by_hour", "activations", "coverage", "data")
"""What is kept of the report of a test."""

Results = dict[str, dict[str, list[dict[str, Any]]]]
"""By appliance and row ('network', 'structured-0.5') what each seed gave: size, costs, training,
metrics, baselines, folder.
"""


class RunPoint(NamedTuple):
    """One network of a run: an appliance and a seed, unpruned or pruned by a variant."""

    appliance: str
    variant: ProtocolSteps
    pruned: bool
    seed: int

    @property
    def part(self) -> CachedResult:
        """The part that makes the network."""
        make_part = self.variant.plan_pruning if self.pruned else self.variant.plan_network
        return make_part(self.appliance, self.seed)

    @property
    def row(self) -> str:
        """The row of the report that the network belongs to."""
        return self.variant.row if self.pruned else NETWORK


@dataclass
class Runner:
    """Makes the parts of a protocol that are not there yet; `report` gets a line for each network.

    `variants` are the protocol under one pruning or another, and differ in nothing else.
    """

    variants: Sequence[ProtocolSteps]
    cache: ResultCache
    device: Device = "auto"
    threads: int | None = None
    progress: bool = True
    report: Report = lambda _: None
    _recordings: dict[str, Recordings] = field(default_factory=dict)

    def run(self, appliances: Sequence[str], seeds: int) -> Results:
        """Make or find everything for some appliances.

        Raises UsageError for settings that do not fit and DataError for missing or unfit
        recordings, before any training where that shows before.
        """
        protocol = self.protocol
        for name in appliances:
            if name not in protocol.appliances:
                raise UsageError(
                    f"{self.variants[0].where}: has no '{name}', only"
                    f" {', '.join(protocol.appliances)}"
                )
        for parts in self.variants:
            parts.check(seeds)
        houses.require_houses(protocol, appliances, self.variants[0].data)
        for name in appliances:
            houses.require_distinct_files(protocol, name, self.variants[0].data)
        points = [point for name in appliances for point in self._list_points(name, seeds)]
        results = run_grid(self.cache, points, self._list_steps, self._describe, self.report)
        rows: Results = {}
        for point, result in zip(points, results, strict=True):
            part = point.part
            origin = {"seed": point.seed, "folder": str(self.cache.find_folder(part))}
            row = rows.setdefault(point.appliance, {}).setdefault(point.row, [])
            row.append({**(result or {}), **origin, "key": part.key})
        return rows

    def make(self, point: RunPoint) -> Result:
        """Make or find the results of one network; raises as `run` does, and checks nothing."""
        (result,) = run_grid(self.cache, [point], self._list_steps, self._describe, self.report)
        return result or {}

    def find(self, point: RunPoint) -> Result | None:
        """Return the results of one network, None where a part is not there.

        Raises TrainingError where a record is damaged.
        """
        results = [self.cache.find(step.part) for step in self._list_steps(point)]
        if any(result is None for result in results):
            return None
        return {key: value for result in results for key, value in (result or {}).items()}

    @property
    def protocol(self) -> Protocol:
        """What is run, whatever prunes it."""
        return self.variants[0].protocol

    def _list_points(self, name: str, seeds: int) -> list[RunPoint]:
        """The networks of an appliance: unpruned, then under each pruning."""
        variants = [(self.variants[0], False)]
        variants += [(variant, True) for variant in self.variants if variant.pruner is not None]
        return [
            RunPoint(name, variant, pruned, seed)
            for variant, pruned in variants
            for seed in range(seeds)
        ]

    def _list_steps(self, point: RunPoint) -> list[Step]:
        """Train or prune, then test."""
        name, variant, pruned, seed = point
        make = partial(self._prune if pruned else self._train, variant, name, seed)
        return [
            Step(point.part, make),
            Step(variant.plan_test(name, point.part), partial(self._test, name, point.part)),
        ]

    def _describe(self, point: RunPoint, result: Mapping[str, Any]) -> str:
        mae = METRICS["mae_w"].describe(result["metrics"]["mae_w"], 2)
        return f"{point.part.name}: {mae}, {result['parameters']:,} weights"

    def _of(self, name: str) -> Recordings:
        """The recordings of an appliance; those of the one before are let go."""
        if name not in self._recordings:
            protocol = self.protocol
            self._recordings = {
                name: Recordings(
                    protocol, protocol.appliance(name), self.variants[0].data, HELD_OUT
                )
            }
        return self._recordings[name]

    def _training(
        self, name: str, folder: Path, settings: TrainingConfig, **options: Any
    ) -> TrainingResult:
        recordings = self._of(name)
        _ = (
            recordings.test
        )  # read before the training: what is wrong with them shows now, not hours later
        return train_with_history(
            recordings.train,
            recordings.appliance,
            validation=recordings.validation,
            traces=recordings.traces,
            out=folder,
            resume=True,
            device=self.device,
            threads=self.threads,
            progress=self.progress,
            **options,
            **settings.model_dump(),
        )

    def _train(self, parts: ProtocolSteps, name: str, seed: int, folder: Path) -> Mapping[str, Any]:
        shape = {"network": parts.architecture(name), "scaling": parts.scaling(name)}
        trained = self._training(name, folder / UNFINISHED, parts.settings(name, seed), **shape)
        trained.model.save(folder / WEIGHTS)
        return (
            _describe_training(trained)
            | _measure_size(trained.model)
            | {"costs": self._costs({NETWORK: trained.model})}
        )

    def _prune(self, parts: ProtocolSteps, name: str, seed: int, folder: Path) -> Mapping[str, Any]:
        dense = Model.load(self.cache.find_folder(parts.plan_network(name, seed)) / WEIGHTS)
        settings = parts.settings_while_pruned(name, seed)
        trained = self._training(
            name, folder / UNFINISHED / "pruning", settings, start=dense, pruning=parts.pruner
        )
        small = compact(trained.model)
        smaller = small.architecture != dense.architecture
        result = _describe_training(trained) | {
            "sparsity": measure_sparsity(trained.model.network, trained.model.masks),
            "compacted": smaller,
        }
        if settings_on := parts.settings_once_compacted(name, seed):
            tuned = self._training(
                name, folder / UNFINISHED / "finetuning", settings_on, start=small
            )
            small = tuned.model
            result["finetuning"] = _describe_training(tuned)
        small.save(folder / WEIGHTS)
        models = {NETWORK: dense, "pruned": trained.model} | (
            {"compacted": small} if smaller else {}
        )
        return result | _measure_size(small) | {"costs": self._costs(models)}

    def _costs(self, models: Mapping[str, Model]) -> dict[str, Any]:
        """Sizes of models, and milliseconds for one window of each, taken in turns on this
        machine's processor.
        """
        set_threads(self.threads)
        for model in models.values():
            model.network.cpu()
        latencies_ms = costs.measure_latencies_ms(models)
        sizes = {name: costs.count_sizes(model) for name, model in models.items()}
        measured = {
            name: {key: sizes[name][key] for key in SIZES} | {"latency_ms": ms}
            for name, ms in latencies_ms.items()
        }
        return {"threads": torch.get_num_threads(), "models": measured}

    def _test(self, name: str, of: CachedResult, folder: Path) -> Mapping[str, Any]:
        recordings = self._of(name)
        model = replace(
            Model.load(self.cache.find_folder(of) / WEIGHTS), appliances=(recordings.appliance,)
        )
        evaluation = evaluate(model, recordings.test, stride=self.protocol.stride)
        write_days(evaluation, folder / DAYS_FILE)
        report = evaluation.as_json()
        return {key: report[key] for key in KEPT} | self._tested_on(name)

    def _tested_on(self, name: str) -> dict[str, Any]:
        """The houses that a test of an appliance is made in, in words, and their role."""
        roles = self.protocol.roles(name)
        on, role = (roles.test, "test") if roles.test else (roles.validation, "validation")
        labels = [house.label for house in on] or [
            f"the last {HELD_OUT:.0%} of {house.label}" for house in roles.train
        ]
        return {"tested_on": labels, "role_tested_on": role}


def _describe_training(trained: TrainingResult) -> dict[str, Any]:
    """How a training went."""
    outcome = trained.model.provenance["training"]
    return {
        **{key: outcome[key] for key in ("planned_steps", "best_step", "val_loss")},
        "seconds": round(trained.seconds, 1),
        "history": trained.history,
    }


def _measure_size(model: Model) -> dict[str, Any]:
    nonzero = sum(int(p.count_nonzero()) for p in model.network.parameters())
    return {"parameters": model.architecture.parameters, "nonzero_parameters": nonzero}
