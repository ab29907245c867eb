"""A protocol run: parts by appliance and seed, each made once (experiment/store.py).

network    train on the protocol's houses                     -> weights
pruned     train on under the pruner, compact, fine-tune      -> smaller weights
test       either of them on the test houses                  -> metrics, with the zero and the mean predictor
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from seq2point.choices import Device
from seq2point.compaction import compact
from seq2point.errors import UsageError
from seq2point.evaluation import evaluate
from seq2point.experiment.store import UNFINISHED, Part, Store
from seq2point.masks import sparsity
from seq2point.model_file import Model
from seq2point.protocols import houses
from seq2point.protocols.houses import Recordings
from seq2point.protocols.parts import Parts
from seq2point.training import Settings, Trained, train_with_history
from seq2point.training.run import HELD_OUT

WEIGHTS = "model.safetensors"

Results = dict[str, dict[str, list[dict[str, Any]]]]
"""By appliance and row ('network', 'pruned') what each seed gave: size, training, metrics, baselines, and the part's folder."""


@dataclass
class Runner:
    """Makes the parts of a protocol that are not there yet; `said` is told of each as it is done."""

    parts: Parts
    store: Store
    device: Device = "auto"
    threads: int | None = None
    progress: bool = True
    said: Callable[[str], None] = lambda _: None
    _recordings: dict[str, Recordings] = field(default_factory=dict)

    def run(self, appliances: Sequence[str], seeds: int) -> Results:
        """Make or find everything for some appliances.

        Raises UsageError for settings that do not fit and DataError for missing or unfit recordings, before any training where
        that shows before.
        """
        protocol = self.parts.protocol
        for name in appliances:
            if name not in protocol.appliances:
                raise UsageError(f"{self.parts.where}: has no '{name}', only {', '.join(protocol.appliances)}")
        self.parts.check(seeds)
        houses.require(protocol, appliances, self.parts.data)
        for name in appliances:
            houses.require_apart(protocol, name, self.parts.data)
        rows = ["network", "pruned"] if protocol.pruning else ["network"]
        return {name: {row: [self._row(name, row, seed) for seed in range(seeds)] for row in rows} for name in appliances}

    def _row(self, name: str, row: str, seed: int) -> dict[str, Any]:
        pruned = row == "pruned"
        part = self.parts.pruned(name, seed) if pruned else self.parts.network(name, seed)
        known, make = self.store.found(part) is not None, self._prune if pruned else self._train
        made = self.store.result(part, partial(make, name, seed))
        tested = self.store.result(self.parts.test(name, part), lambda _: self._test(name, part))
        mae_w, found = tested["metrics"]["mae_w"], " (was there)" if known else ""
        self.said(f"{part.name}: MAE {mae_w:.2f} W, {made['parameters']:,} weights{found}")
        return made | tested | {"seed": seed, "folder": str(self.store.folder(part)), "key": part.key}

    def _of(self, name: str) -> Recordings:
        """The recordings of an appliance; those of the one before are let go."""
        if name not in self._recordings:
            protocol = self.parts.protocol
            self._recordings = {name: Recordings(protocol, protocol.appliance(name), self.parts.data, HELD_OUT)}
        return self._recordings[name]

    def _training(self, name: str, folder: Path, settings: Settings, **options: Any) -> Trained:
        recordings = self._of(name)
        _ = recordings.test  # read before the training: what is wrong with them shows now, not hours later
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

    def _train(self, name: str, seed: int, folder: Path) -> Mapping[str, Any]:
        shape = {"network": self.parts.architecture, "scaling": self.parts.scaling(name)}
        trained = self._training(name, folder / UNFINISHED, self.parts.settings(seed), **shape)
        trained.model.save(folder / WEIGHTS)
        return _how(trained) | _size(trained.model)

    def _prune(self, name: str, seed: int, folder: Path) -> Mapping[str, Any]:
        dense = Model.load(self.store.folder(self.parts.network(name, seed)) / WEIGHTS)
        settings = self.parts.settings_while_pruned(seed)
        trained = self._training(name, folder / UNFINISHED / "pruning", settings, start=dense, pruning=self.parts.pruner)
        small = compact(trained.model)
        smaller = small.architecture != dense.architecture
        result = _how(trained) | {"sparsity": sparsity(trained.model.network, trained.model.masks), "compacted": smaller}
        if settings_on := self.parts.settings_once_compacted(seed):
            tuned = self._training(name, folder / UNFINISHED / "finetuning", settings_on, start=small)
            small = tuned.model
            result["finetuning"] = _how(tuned)
        small.save(folder / WEIGHTS)
        return result | _size(small)

    def _test(self, name: str, of: Part) -> Mapping[str, Any]:
        recordings = self._of(name)
        model = replace(Model.load(self.store.folder(of) / WEIGHTS), appliances=(recordings.appliance,))
        found = evaluate(model, recordings.test, stride=self.parts.protocol.stride).as_json()
        return {what: found[what] for what in ("metrics", "baselines", "data")}


def _how(trained: Trained) -> dict[str, Any]:
    """How a training went."""
    outcome = trained.model.provenance["training"]
    return {
        **{what: outcome[what] for what in ("planned_steps", "best_step", "val_loss")},
        "seconds": round(trained.seconds, 1),
        "history": trained.history,
    }


def _size(model: Model) -> dict[str, Any]:
    nonzero = sum(int(p.count_nonzero()) for p in model.network.parameters())
    return {"parameters": model.architecture.parameters, "nonzero_parameters": nonzero}
