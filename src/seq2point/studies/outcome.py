"""One experiment: train, test, and leave the model, the numbers and the pictures in a folder."""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from seq2point.appliances import Appliance, Definition
from seq2point.compression.compaction import compact, describe_remainder
from seq2point.compression.costs import measure_costs, measure_latencies_ms
from seq2point.compression.pruning import Pruner, prune_once
from seq2point.configuration import TrainOptions
from seq2point.data.frame import to_recordings
from seq2point.errors import UsageError
from seq2point.metrics import Metrics
from seq2point.model.evaluation import Evaluation, check_recordings, evaluate
from seq2point.model.model_file import Model
from seq2point.model.shown_days import DAYS_FILE, write_days
from seq2point.network import masks
from seq2point.recording import Recording, RecordingsLike, format_house
from seq2point.studies.tested_on import HELD_OUT_BLOCK, TEST, VALIDATION_DATA
from seq2point.system.atomic_files import atomic_write, write_json
from seq2point.training import TrainingResult, resolve_appliance, run_training
from seq2point.training.record import RunFolder

REACHED = ("planned_steps", "best_step", "lost_steps", "coverage")
"""What a report tells of what a training reached; steps are lost where its budget ended early."""


class Outcome(NamedTuple):
    """What an experiment gave, and where each thing lies."""

    trained: TrainingResult
    evaluation: Evaluation
    report: dict[str, Any]
    files: "OutcomeFiles"


class OutcomeFiles(NamedTuple):
    """The files of an experiment; `log` has a row for every validation.

    `compact` is there where pruning left less to keep, `spp_plot` for that method alone. `days` has
    mains, truth and prediction of a few days of the test.
    """

    model: Path
    metrics: Path
    training_plot: Path
    test_plot: Path
    log: Path
    compact: Path
    spp_plot: Path
    days: Path

    @classmethod
    def in_folder(cls, out: Path, prefix: str = "") -> "OutcomeFiles":
        """The names that outsiders rely on; a prefix goes before each file's name."""
        return cls(
            out / f"{prefix}model.safetensors",
            out / f"{prefix}metrics.json",
            out / f"{prefix}training.png",
            out / f"{prefix}test.png",
            out / f"{prefix}log.csv",
            out / f"{prefix}compact.safetensors",
            out / f"{prefix}spp.png",
            out / f"{prefix}{DAYS_FILE}",
        )

    def find_existing(self) -> dict[str, Path]:
        """Return those that are there, by what they hold."""
        return {what: path for what, path in self._asdict().items() if path.exists()}


def train_and_test(
    recordings: RecordingsLike,
    appliance: str | Appliance | Definition,
    files: OutcomeFiles,
    folder: Path,
    options: TrainOptions,
    test: RecordingsLike = (),
    command: str | None = None,
) -> Outcome:
    """Train on recordings, test on others, and write what came of it.

    Without recordings to test on, those that it was validated on are tested on. `files` are the
    results; checkpoints and logs lie in `folder`. `command` is what was typed to make it, for the
    report.
    Raises DataError before any training for test recordings of another period than the training's,
    or without the appliance.
    """
    start = options.start
    target = resolve_appliance(appliance, start)
    period_s = start.period_s if start else None
    recordings = to_recordings(recordings, [target.name], period_s)
    test = to_recordings(
        test, [target.name], period_s or (recordings[0].period_s if recordings else None)
    )
    if recordings:
        check_recordings(test, recordings[0].period_s, [target.name])
    was_finished = options.resume and RunFolder(folder).is_finished()
    trained = run_training(recordings, target, options.model_copy(update={"out": folder}))
    tested = list(test) or trained.held_out
    if was_finished:
        _require_same_test(files.metrics, tested)
    evaluation = evaluate(trained.model, tested)
    reached = trained.model.provenance["training"]
    validated_on = HELD_OUT_BLOCK if options.validation is None else VALIDATION_DATA
    report = evaluation.as_json() | {
        "tested_on": TEST if test else validated_on,
        "validated_on": validated_on,
        "pruning": count_by_layer(trained.model),
        "training": {
            "seconds": round(trained.seconds, 1),
            "windows_per_s": round(trained.windows_per_s, 1),
            **{name: reached[name] for name in REACHED if name in reached},
            "history": trained.history,
        },
        **({"command": command} if command else {}),
    }
    trained.model.keep_test(report)
    trained.model.save(files.model)
    if trained.model.masks:
        accuracy = {"before": evaluate(start, tested).metrics} if start else {}
        before = {"before": start} if start else {}
        houses = name_houses(tested, held_out=report["tested_on"] == HELD_OUT_BLOCK)
        report["costs"] = compare_stages(
            trained.model, files.compact, accuracy | {"pruned": evaluation.metrics}, before, houses
        )
    else:
        files.compact.unlink(missing_ok=True)
        report["latency_ms"] = measure_latencies_ms({"network": trained.model})["network"]
    write_days(evaluation, files.days)
    write_json(report, files.metrics)
    with atomic_write(files.log) as beside:
        pl.DataFrame(trained.history).write_csv(beside)
    return Outcome(trained, evaluation, report, files)


def _require_same_test(metrics: Path, tested: Sequence[Recording]) -> None:
    """Refuse to replace the results of a finished run by those of a test on other recordings."""
    try:
        before = [
            (data["house"], data["samples"]) for data in json.loads(metrics.read_text())["data"]
        ]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return  # no results to lose
    if before != [(recording.house, len(recording)) for recording in tested]:
        houses = ", ".join(format_house(str(house)) for house, _ in before)
        raise UsageError(
            f"{metrics}: holds the results of a finished run, tested on {houses}; test the model"
            " elsewhere with `seq2point test`"
        )


def compare_stages(
    model: Model,
    beside: Path,
    accuracy: Mapping[str, Mapping[str, Metrics]],
    before: Mapping[str, Model] | None = None,
    houses: Sequence[str] = (),
) -> dict[str, Any]:
    """What pruning made of a model, before and after compaction; the compacted model is written,
    where there is less to keep.

    `before` are models to compare with, as that of before pruning; `accuracy` the metrics by
    appliance at every stage, measured in `houses`.
    """
    models = {**(before or {}), "pruned": model}
    small = compact(model)
    if small.architecture == model.architecture:
        beside.unlink(missing_ok=True)
    else:
        small.save(beside)
        models["compacted"] = small
    return measure_costs(models, accuracy, describe_remainder(small), houses)


def name_houses(recordings: Sequence[Recording], held_out: bool) -> list[str]:
    """The houses of recordings in words, each once."""
    block = ", held-out block" if held_out else ""
    return list(
        dict.fromkeys(f"{format_house(recording.house)}{block}" for recording in recordings)
    )


def prune_copy(model: Model, pruner: Pruner, seed: int = 0) -> Model:
    """A copy of a model, pruned once without training; its earlier masks hold on. The original
    stays as it is.

    Raises UsageError for a method that decides while the network trains.
    """
    pruned = copy.deepcopy(model)
    pruned.masks = prune_once(pruned.network, pruner, seed, pruned.masks)
    masks.apply_(pruned.network, pruned.masks)
    method = {"method": pruner.name, **pruner.model_dump(mode="json"), "seed": seed}
    pruned.provenance = model.untested_provenance | {"pruned": method}
    return pruned


def count_by_layer(model: Model) -> dict[str, Any]:
    """Per layer what the masks keep and how many weights are exactly zero, and the sparsity over
    all prunable weights.
    """
    return masks.count_by_layer(model.network, model.masks)
