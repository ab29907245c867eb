"""The most accurate network that fits a device: a grid of structured sparsities, each pruned,
fine-tuned, exported, measured.

What cannot fit by its shape is not trained. Every other point of the grid is cached on its own:
pruned from the same model, compacted, trained on, exported, and held to the validation
recordings as what runs on the device, not as it was before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from seq2point import deploy
from seq2point.choices import Criterion
from seq2point.compression.compaction import compact
from seq2point.compression.pruning.scores import count_kept
from seq2point.compression.pruning.structured import Structured
from seq2point.configuration import ExportOptions, Tolerances, TrainingConfig
from seq2point.configuration.training import HELD_OUT
from seq2point.errors import DataError, UsageError
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.network import Architecture, Layer
from seq2point.recording import Recording, format_house
from seq2point.studies.budget_candidates import Candidate, GridPoint
from seq2point.studies.device_budget import TARGETS, DeviceBudget
from seq2point.studies.grids import Report, Step, run_grid
from seq2point.studies.result_cache import CachedResult, ResultCache
from seq2point.training import train_with_history

VERSION = 2
"""Of the networks of every search, and of what is measured of their exports.

Raise it when the same model, recordings and budget would give another network, file or metric:
after a change of training, pruning, compaction, export or the metrics.
"""

USUAL_UNITS = (0.0, 0.5, 0.75, 0.875, 0.9375)
USUAL_CHANNELS = (0.0, 0.25, 0.5, 0.75)
PRUNING_STEPS, FINETUNE_STEPS, LEARNING_RATE = 100, 300, 1e-3
WEIGHTS, EXPORTED = "model.safetensors", {"microcontroller": "model.c", "onnx": "model.onnx"}
KEPT = (
    "engine",
    "batch_size",
    "chunk",
    "active",
    "transplant",
    "gain",
    "loads",
    "stretch",
    "missing",
    "absolute",
    "clipped",
    "seed",
)
ANY_SIZE = 1 << 30
ANY_LOSS = Tolerances(on_mae=float("inf"), sae=float("inf"), difference=float("inf"))


@dataclass(frozen=True)
class BudgetSearch:
    """What is searched, and how its points are made.

    `training` are fields of `Settings` over those that the model was trained with; int8 is always
    taken for a microcontroller. The model learns from `train`; the last fifth of it chooses the
    weights and the winner where no `validation` is given.
    """

    model: Model
    train: Sequence[Recording]
    room: DeviceBudget
    target: str = "microcontroller"
    int8: bool = True
    validation: Sequence[Recording] = ()
    units: Sequence[float] = USUAL_UNITS
    channels: Sequence[float] = USUAL_CHANNELS
    criterion: Criterion = "nde"
    pruning_steps: int = PRUNING_STEPS
    finetune_steps: int = FINETUNE_STEPS
    training: Mapping[str, Any] = field(default_factory=dict)
    threads: int | None = None

    def check(self) -> None:
        """Refuse, before any training, what would not run to its end.

        Raises UsageError and DataError.
        """
        if self.target not in TARGETS:
            raise UsageError(
                f"--target {self.target}: a budget is searched for {' or '.join(TARGETS)}"
            )
        if len(self.model.appliances) > 1:
            raise UsageError(
                "a model of several appliances is not trained on: search for each, then join what"
                " fits together"
            )
        for option, shares in (("--units", self.units), ("--channels", self.channels)):
            if not shares or not all(0 <= share < 1 for share in shares):
                raise UsageError(f"{option}: write shares from 0 to below 1, as 0,0.5,0.75")
        if not self.train:
            raise DataError("nothing to fine-tune on")
        self._settings(self.pruning_steps)

    @property
    def points(self) -> list[GridPoint]:
        """The grid, the largest networks first."""
        return [
            GridPoint(units, channels)
            for units in sorted(set(self.units))
            for channels in sorted(set(self.channels))
        ]

    def shape(self, point: GridPoint) -> Architecture:
        """What is left of the network at a point, before compaction finds dead taps besides."""
        whole = self.model.architecture
        names = {layer.name for layer in whole.unit_layers}

        def left(layer: Layer) -> Layer:
            if layer.name not in names:
                return layer
            share = point.channels if layer.convolves else point.units
            return layer._replace(outputs=count_kept(layer.outputs, share))

        return whole.resize([left(layer) for layer in whole.layers()], whole.target_index)

    def _find_excess_of_shape(self, shape: Architecture) -> str | None:
        return self.room.find_excess_of_shape(self.target, shape, self.int8)

    def run(self, cache: ResultCache, report: Report = lambda _: None) -> list[Candidate]:
        """Make or find every point that may fit; `report` gets a line for each.

        Raises what `check` does.
        """
        self.check()
        candidates: list[Candidate] = []

        def describe(point: GridPoint, result: Mapping[str, Any]) -> str:
            candidates.append(self._make_candidate(point, result, cache))
            return candidates[-1].describe()

        run_grid(cache, self.points, partial(self._list_steps, cache), describe, report)
        return candidates

    def _list_steps(self, cache: ResultCache, point: GridPoint) -> list[Step]:
        """Train, then export; nothing where no network of the point's shape can fit."""
        if self._find_excess_of_shape(self.shape(point)) is not None:
            return []
        network = self.plan_network(point)
        return [
            Step(network, partial(self._train, point)),
            Step(self.plan_export(network), partial(self._export, network, cache)),
        ]

    def _make_candidate(
        self, point: GridPoint, result: Mapping[str, Any], cache: ResultCache
    ) -> Candidate:
        if not result:
            shape = self.shape(point)
            return Candidate(point, shape, None, self._find_excess_of_shape(shape))
        network = self.plan_network(point)
        folders = {
            "weights": str(cache.find_folder(network) / WEIGHTS),
            "exported": str(cache.find_folder(self.plan_export(network))),
        }
        shape = Architecture(**result["architecture"])
        too_much = self.room.find_excess(self.target, result)
        return Candidate(point, shape, {**result, **folders}, too_much)

    @property
    def validated_in(self) -> list[str]:
        """The houses that choose, in words."""
        if self.validation:
            return list(
                dict.fromkeys(format_house(recording.house) for recording in self.validation)
            )
        return list(
            dict.fromkeys(
                f"the last {HELD_OUT:.0%} of {format_house(recording.house)}"
                for recording in self.train
            )
        )

    def plan_network(self, point: GridPoint) -> CachedResult:
        """The part that prunes and fine-tunes a point's network."""
        appliance = self.model.appliances[0]
        decides = {
            "what": "fitted network",
            "from": self.model.digest(),
            "appliance": appliance.model_dump(mode="json"),
            "train": [recording.fingerprint(appliance.name) for recording in self.train],
            "validation": self._validated_on,
            "units": point.units,
            "channels": point.channels,
            "pruning": self._settings(self.pruning_steps).model_dump(mode="json"),
            "finetune": self._settings(self.finetune_steps).model_dump(mode="json"),
        }
        name = f"{appliance.name}-units{point.units:g}-channels{point.channels:g}"
        return CachedResult(name, decides, VERSION)

    def plan_export(self, network: CachedResult) -> CachedResult:
        """The part that exports a network and measures what was exported; the room for it decides
        how C stores its features.
        """
        room = (
            [self.room.flash_bytes, self.room.ram_bytes] if self.target == "microcontroller" else []
        )
        decides = {
            "what": "fitted",
            "of": network.key,
            "target": self.target,
            "int8": self.int8,
            "room": room,
        }
        return CachedResult(f"{network.name}-{self.target}", decides, VERSION)

    @property
    def _validated_on(self) -> Any:
        return [
            recording.fingerprint(self.model.appliances[0].name) for recording in self.validation
        ] or HELD_OUT

    def _settings(self, steps: int) -> TrainingConfig:
        """Those that the model was last trained with, for so many steps; all validations count."""
        before = self.model.provenance.get("training", {}).get("settings", {})
        kept = {name: before[name] for name in KEPT if name in before}
        settings = {"learning_rate": LEARNING_RATE, "patience": steps} | {
            k: v for k, v in self.training.items() if v is not None
        }
        return TrainingConfig.of(**{**kept, **settings, "steps": steps})

    def _train(self, point: GridPoint, folder: Path) -> dict[str, Any]:
        appliance = self.model.appliances[0]
        options: dict[str, Any] = {
            "validation": list(self.validation) or None,
            "threads": self.threads,
            "progress": False,
        }
        model = self.model
        if point.units or point.channels:
            pruner = Structured(
                sparsity=max(point.units, point.channels),
                units_sparsity=point.units,
                channels_sparsity=point.channels,
                schedule="polynomial",
                frequency=5,
            )
            settings = self._settings(self.pruning_steps).model_dump()
            model = train_with_history(
                self.train, appliance, start=model, pruning=pruner, **options, **settings
            ).model
        settings = self._settings(self.finetune_steps).model_dump()
        tuned = train_with_history(
            self.train, appliance, start=compact(model), **options, **settings
        ).model
        tuned.save(folder / WEIGHTS)
        return {
            "parameters": tuned.architecture.parameters,
            "architecture": tuned.architecture.model_dump(mode="json"),
        }

    def _export(self, network: CachedResult, cache: ResultCache, folder: Path) -> dict[str, Any]:
        model = Model.load(cache.find_folder(network) / WEIGHTS)
        in_c = self.target == "microcontroller"
        verify = list(self.validation) or [
            r.hold_out(HELD_OUT, self.model.window)[1] for r in self.train
        ]
        order = ExportOptions(
            int8=self.int8 and not in_c,
            calibrate=(
                max(self.train, key=lambda recording: recording.days) if self.int8 or in_c else None
            ),
            verify=verify,
            limits=ANY_LOSS,
            force=True,
            flash_bytes=(self.room.flash_bytes or ANY_SIZE) if in_c else None,
            ram_bytes=(self.room.ram_bytes or ANY_SIZE) if in_c else None,
        )
        out = folder / EXPORTED[self.target]
        report = deploy.find_target(self.target).export(model, out, order).report
        proof, name = report["verification"], model.appliances[0].name
        costs = proof["costs"]["exported"]
        return {
            "flash_bytes": report["flash_bytes"] if in_c else int(costs["file_bytes"]),
            "ram_bytes": report["ram_bytes"] if in_c else int((costs["peak_mb"] or 0) * (1 << 20)),
            "latency_s": costs["latency_ms"] / 1e3,
            "metrics": proof["metrics"]["exported"][name],
            "native_metrics": proof["metrics"]["native"][name],
            "baselines": evaluate(model, verify).as_json()["baselines"],
        }
