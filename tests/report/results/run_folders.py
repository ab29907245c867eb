"""Trainings' folders for the tests of their report: real ones, and many that vary one of them."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl

from seq2point import Architecture, Recording
from seq2point.compression import medians
from seq2point.compression.pruning import PRUNERS
from seq2point.configuration import TrainOptions
from seq2point.model.shown_days import SCHEMA
from seq2point.studies import OutcomeFiles, train_and_test
from seq2point.training.pace import Plan
from seq2point.training.record import RunFolder

TINY = Architecture(window=33, channels=(4, 4), kernels=(5, 3), hidden=8)
QUICK = {"steps": 60, "batch_size": 200, "engine": "windows", "progress": False}


def make_house(samples: int, seed: int) -> Recording:
    """Return a house with a kettle, a tenth of the time on."""
    rng = np.random.default_rng(seed)
    kettle_w = np.where(np.arange(samples) % 100 < 15, 2500.0, 0.0).astype(np.float32)
    mains_w = (kettle_w + rng.normal(200, 20, samples)).astype(np.float32)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return Recording(str(seed), 6.0, mains_w, {"kettle": kettle_w}, start)


def make_run(folder: Path, **options: Any) -> Path:
    """Train a tiny network in a folder, and test it on another house."""
    turns, least_s = medians.MOST_TURNS, medians.LEAST_S
    medians.MOST_TURNS, medians.LEAST_S = 2, 1e-4
    try:
        choices = TrainOptions.of(**{"network": TINY, **QUICK, **options})
        files = OutcomeFiles.in_folder(folder)
        train_and_test(
            [make_house(2000, 5)], "kettle", files, folder, choices, [make_house(1500, 8)]
        )
    finally:
        medians.MOST_TURNS, medians.LEAST_S = turns, least_s
    return folder


def vary_run(source: Path, folder: Path, number: int, validations: int) -> Path:
    """Write a run like another one, with a seed, a pruner, a size and errors of its own.

    Its history has so many validations.
    """
    rng = np.random.default_rng(number)
    identity = RunFolder(source).read_identity()
    report = json.loads((source / "metrics.json").read_text())
    sparsity = float(rng.choice([0.0, 0.5, 0.8, 0.9, 0.95]))
    method = str(rng.choice([*PRUNERS])) if sparsity else None
    identity["settings"]["seed"] = number
    identity["pruning"] = {"method": method, "sparsity": sparsity} if method else None
    report["pruning"]["sparsity"] = sparsity
    for layer in report["pruning"]["layers"]:
        layer["kept"] = round(layer["total"] * (1 - sparsity))
    error = (1 + sparsity**4) * float(rng.lognormal(0, 0.2))
    report["metrics"] = {
        key: None if value is None else value * error for key, value in report["metrics"].items()
    }
    report["costs"] = {"models": {"pruned": make_costs(report["model"], sparsity)}}
    row, steps = report["training"]["history"][0], 10 * validations
    losses = 0.05 * np.exp(-np.linspace(0, 3, validations)) + 0.004 * rng.random(validations)
    report["training"]["history"] = [
        row | {"step": 10 * (i + 1), "val_loss": loss, "interval_loss": 1.3 * loss}
        for i, loss in enumerate(losses.tolist())
    ]
    folder.mkdir(parents=True)
    RunFolder(folder).write(identity, Plan(steps, 10), finished=True)
    (folder / "metrics.json").write_text(json.dumps(report, indent=2))
    write_days(folder / "days.parquet", number)
    return folder


def write_days(path: Path, number: int) -> None:
    """Write three days at a minute; two are those of every number, with predictions of its own."""
    frames = []
    for day, (reason, seed) in enumerate(
        (("most use", 1), ("usual use", 2), ("greatest error", 3))
    ):
        own, rng = np.random.default_rng(number), np.random.default_rng(seed)
        truth_w = np.where(rng.random(1440) < 0.02, 2500, 0)
        start = datetime(2025, 1, 1 + day + (number if day == 2 else 0) % 20, tzinfo=UTC)
        frames.append(
            pl.DataFrame(
                {
                    "appliance": "kettle",
                    "day": reason,
                    "house": "8",
                    "time": pl.datetime_range(
                        start, start + timedelta(minutes=1439), "1m", time_unit="ms", eager=True
                    ),
                    "mains_w": truth_w + rng.integers(200, 400, 1440) + start.day,
                    "truth_w": truth_w,
                    "prediction_w": np.maximum(truth_w * 0.8 + own.integers(-20, 20, 1440), 0),
                },
                schema=SCHEMA,
                strict=False,
            )
        )
    pl.concat(frames).write_parquet(path)


def make_curve(folder: Path) -> Path:
    """A transfer's report, as `transfer-curve` leaves it."""
    points = [("as it is", 0, [9.0]), ("none", 1, [6.0, 8.0]), ("none", 7, [4.0, 5.0])]
    points += [("from nothing", 1, [12.0, 13.0]), ("from nothing", 7, [7.0, 7.5])]
    report = {
        "appliance": "washing_machine",
        "model": {"of": "washing_machine", "parameters": 1234},
        "train": {"house": "2"},
        "test": [{"house": "2", "days": 60.0}],
        "seeds": [0, 1],
        "notes": ["The washing machine is never on in 1 day of labels."],
        "points": [
            {
                "choice": choice,
                "days": days,
                "metrics": {"mae_w": {"mean": fmean(w), "sd": 1.0 if w[1:] else None, "values": w}},
            }
            for choice, days, w in points
        ],
        "baselines": {"zero": {"mae_w": 11.0}},
        "command": "seq2point transfer-curve kettle-60s --train house2.parquet",
    }
    folder.mkdir(parents=True)
    (folder / "curve.json").write_text(json.dumps(report))
    return folder


def make_costs(model: dict[str, Any], sparsity: float) -> dict[str, Any]:
    """Return the costs of a network with so much removed."""
    left = 1 - sparsity
    return {
        "nonzero_parameters": round(model["parameters"] * left),
        "multiply_adds": round(model["multiply_adds"] * left),
        "file_bytes": round(4 * model["parameters"] * left) + 3000,
        "latency_ms": {"1": 0.05 * left},
    }


def damage(folder: Path, **changes: Any) -> Path:
    """Take keys out of a run's results, or put others in."""
    path = folder / "metrics.json"
    report = copy.deepcopy(json.loads(path.read_text())) | changes
    path.write_text(json.dumps({k: v for k, v in report.items() if v is not None}))
    return folder
