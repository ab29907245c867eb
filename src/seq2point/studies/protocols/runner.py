"""A protocol run: parts by appliance and seed, each made once (experiment/store.py).

network    train on the protocol's houses                     -> weights
pruned     train on under a pruner, compact, fine-tune        -> smaller weights
test       either of them on the test houses                  -> metrics, with the zero and the mean predictor

Several prunings of one protocol begin from the same networks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from seq2point.choices import Device
from seq2point.compression import costs
from seq2point.compression.compaction import compact
from seq2point.configuration import TrainingConfig
from seq2point.configuration.training import HELD_OUT
from seq2point.errors import UsageError
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.network.masks import measure_sparsity
from seq2point.studies.protocols import houses
from seq2point.studies.protocols.houses import Recordings
from seq2point.studies.protocols.protocol_file import Protocol
from seq2point.studies.protocols.steps import NETWORK, ProtocolSteps
from seq2point.studies.result_cache import UNFINISHED, CachedResult, ResultCache
from seq2point.system.device import set_threads
from seq2point.training import TrainingResult, train_with_history

WEIGHTS = "model.safetensors"
SIZES = ("parameters", "nonzero_parameters", "multiply_adds", "file_bytes", "gzipped_bytes")
Make = Callable[[ProtocolSteps, str, int, Path], Mapping[str, Any]]

Results = dict[str, dict[str, list[dict[str, Any]]]]
"""By appliance and row ('network', 'structured-0.5') what each seed gave: size, costs, training,
metrics, baselines, folder.
"""


@dataclass
class Runner:
    """Makes the parts of a protocol that are not there yet; `said` is told of each as it is done.

    `variants` are the protocol under one pruning or another, and differ in nothing else.
    """

    variants: Sequence[ProtocolSteps]
    store: ResultCache
    device: Device = "auto"
    threads: int | None = None
    progress: bool = True
    said: Callable[[str], None] = lambda _: None
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
        return {name: self._rows(name, range(seeds)) for name in appliances}

    @property
    def protocol(self) -> Protocol:
        """What is run, whatever prunes it."""
        return self.variants[0].protocol

    def _rows(self, name: str, seeds: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
        rows = {NETWORK: [self._trained(self.variants[0], name, seed) for seed in seeds]}
        for parts in self.variants:
            if parts.pruner is not None:
                rows[parts.row] = [self._pruned(parts, name, seed) for seed in seeds]
        return rows

    def _trained(self, parts: ProtocolSteps, name: str, seed: int) -> dict[str, Any]:
        return self._row(parts, name, seed, parts.network(name, seed), self._train)

    def _pruned(self, parts: ProtocolSteps, name: str, seed: int) -> dict[str, Any]:
        return self._row(parts, name, seed, parts.pruned(name, seed), self._prune)

    def _row(
        self, parts: ProtocolSteps, name: str, seed: int, part: CachedResult, make: Make
    ) -> dict[str, Any]:
        known = self.store.found(part) is not None
        made = self.store.result(part, partial(make, parts, name, seed))
        tested = self.store.result(parts.test(name, part), lambda _: self._test(name, part))
        mae_w, found = tested["metrics"]["mae_w"], " (was there)" if known else ""
        self.said(f"{part.name}: MAE {mae_w:.2f} W, {made['parameters']:,} weights{found}")
        return (
            made | tested | {"seed": seed, "folder": str(self.store.folder(part)), "key": part.key}
        )

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
            out=folder,
            resume=True,
            device=self.device,
            threads=self.threads,
            progress=self.progress,
            **options,
            **settings.model_dump(),
        )

    def _train(self, parts: ProtocolSteps, name: str, seed: int, folder: Path) -> Mapping[str, Any]:
        shape = {"network": parts.architecture, "scaling": parts.scaling(name)}
        trained = self._training(name, folder / UNFINISHED, parts.settings(seed), **shape)
        trained.model.save(folder / WEIGHTS)
        return (
            _describe_training(trained)
            | _measure_size(trained.model)
            | {"costs": self._costs({NETWORK: trained.model})}
        )

    def _prune(self, parts: ProtocolSteps, name: str, seed: int, folder: Path) -> Mapping[str, Any]:
        dense = Model.load(self.store.folder(parts.network(name, seed)) / WEIGHTS)
        settings = parts.settings_while_pruned(seed)
        trained = self._training(
            name, folder / UNFINISHED / "pruning", settings, start=dense, pruning=parts.pruner
        )
        small = compact(trained.model)
        smaller = small.architecture != dense.architecture
        result = _describe_training(trained) | {
            "sparsity": measure_sparsity(trained.model.network, trained.model.masks),
            "compacted": smaller,
        }
        if settings_on := parts.settings_once_compacted(seed):
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
        found = {what: costs.count_sizes(model) for what, model in models.items()}
        measured = {
            what: {key: found[what][key] for key in SIZES} | {"latency_ms": ms}
            for what, ms in latencies_ms.items()
        }
        return {"threads": torch.get_num_threads(), "models": measured}

    def _test(self, name: str, of: CachedResult) -> Mapping[str, Any]:
        recordings = self._of(name)
        model = replace(
            Model.load(self.store.folder(of) / WEIGHTS), appliances=(recordings.appliance,)
        )
        found = evaluate(model, recordings.test, stride=self.protocol.stride).as_json()
        return {
            what: found[what] for what in ("metrics", "baselines", "coverage", "data")
        } | self._tested_on(name)

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
        **{what: outcome[what] for what in ("planned_steps", "best_step", "val_loss")},
        "seconds": round(trained.seconds, 1),
        "history": trained.history,
    }


def _measure_size(model: Model) -> dict[str, Any]:
    nonzero = sum(int(p.count_nonzero()) for p in model.network.parameters())
    return {"parameters": model.architecture.parameters, "nonzero_parameters": nonzero}
