"""The result of a training's run folder, as `seq2point train` leaves it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2point.architecture import name_shape
from seq2point.errors import TrainingError
from seq2point.model.shown_days import DAYS_FILE
from seq2point.recording import format_house
from seq2point.report.results.card import (
    describe_coverage,
    describe_model,
    describe_test,
    describe_training,
)
from seq2point.report.results.commands import write_train_command
from seq2point.report.results.result import (
    UNPRUNED,
    DataHash,
    Problem,
    Result,
    Size,
    find_file,
    identify_test,
)
from seq2point.report.results.test_report import describe_houses, list_test_hashes
from seq2point.studies.tested_on import HELD_OUT_BLOCK, TEST

RECORD, METRICS_FILE, WEIGHTS = "run.json", "metrics.json", "model.safetensors"
ROLES = {"training": "training_data", "validation": "validation_data"}


def read_run_folder(folder: Path) -> Result | Problem:
    """Return the result of a run folder, or why there is none to show."""
    from seq2point.training.record import RunFolder

    run = RunFolder(folder)
    try:
        identity, finished = run.read_identity(), run.is_finished()
    except TrainingError as error:
        return Problem(folder, str(error))
    path = folder / METRICS_FILE
    if not path.exists():
        reason = "trained, and not tested" if finished else "unfinished; go on with `resume`"
        return Problem(folder, reason)
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if not finished and not (report["training"].get("lost_steps") and run.is_older_than(path)):
            return Problem(
                folder, "unfinished, with the results of an earlier run; go on with `resume`"
            )
        return _make_result(folder, identity, report)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Problem(path, f"damaged ({type(error).__name__}: {error}); train anew")


def _make_result(folder: Path, identity: Mapping[str, Any], report: Mapping[str, Any]) -> Result:
    name, shape = identity["appliance"]["name"], identity["architecture"]
    metrics, baselines, training = report["metrics"], report["baselines"], report["training"]
    pruning = identity["pruning"] or {}
    return Result(
        name=str(folder),
        made_by="a training",
        appliance=name,
        scored_alike=identify_test(name, report["data"]),
        tested_on=_describe_test_data(report),
        network=f"{name_shape(shape)}, window {shape['window']}",
        pruner=str(pruning.get("method", UNPRUNED)),
        sparsity=report["pruning"]["sparsity"],
        seed=identity["settings"]["seed"],
        metrics=metrics,
        baselines=baselines,
        size=_find_size(folder, report),
        coverage=report["coverage"],
        by_hour=report.get("by_hour"),
        activations=report.get("activations"),
        days_file=find_file(folder / DAYS_FILE),
        history=training["history"],
        layers=report["pruning"]["layers"],
        card=[
            describe_model(name, report["model"]["period_s"], shape),
            f"trained on {_list_houses(identity['training_data'])}",
            describe_training(training),
            f"tested on {_describe_test_data(report)}",
            describe_test(metrics, baselines),
            *describe_coverage(report["coverage"]),
            *report["warnings"],
        ],
        command=report.get("command") or write_train_command(folder, identity, report),
        settings={"pruning": identity["pruning"], **identity["settings"]},
        hashes=[
            DataHash(role, format_house(str(each["house"])), each["sha256"])
            for role, key in ROLES.items()
            for each in identity[key]
        ]
        + (list_test_hashes(name, report) if report["tested_on"] == TEST else []),
    )


def _find_size(folder: Path, report: Mapping[str, Any]) -> Size:
    """Return what a run's network takes: the compacted one, where there is one."""
    models = report.get("costs", {}).get("models", {})
    smallest = models.get("compacted") or models.get("pruned")
    if smallest is not None:
        return Size(
            smallest["nonzero_parameters"],
            smallest["multiply_adds"],
            smallest["file_bytes"],
            smallest["latency_ms"]["1"],
        )
    path, model = folder / WEIGHTS, report["model"]
    file_bytes = path.stat().st_size if path.exists() else None
    return Size(model["parameters"], model["multiply_adds"], file_bytes, report.get("latency_ms"))


def _describe_test_data(report: Mapping[str, Any]) -> str:
    block = ", held-out block" if report["tested_on"] == HELD_OUT_BLOCK else ""
    return f"{describe_houses(report)}{block}"


def _list_houses(data: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(format_house(str(each["house"])) for each in data))
