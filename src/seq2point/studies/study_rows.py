"""The results of a study as rows: the choices of each part, its errors, size, time and key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from seq2point.errors import UsageError
from seq2point.studies.protocols.runner import WEIGHTS
from seq2point.studies.result_cache import ResultCache
from seq2point.studies.search import Trials
from seq2point.studies.study_file import Study
from seq2point.studies.study_plan import StudyPart, StudyPlan
from seq2point.studies.study_run import StudyResults
from seq2point.system.atomic_files import atomic_write, write_json

JSON, TABLE = "study.json", "study.parquet"
SCHEMA = {
    "appliance": pl.String,
    "network": pl.String,
    "recipe": pl.String,
    "pruner": pl.String,
    "sparsity": pl.Float64,
    "seed": pl.Int64,
    "mae_w": pl.Float64,
    "mae_zero_w": pl.Float64,
    "mae_mean_w": pl.Float64,
    "nde": pl.Float64,
    "sae": pl.Float64,
    "f1": pl.Float64,
    "coverage": pl.Float64,
    "parameters": pl.Int64,
    "nonzero_parameters": pl.Int64,
    "multiply_adds": pl.Int64,
    "file_bytes": pl.Int64,
    "seconds": pl.Float64,
    "key": pl.String,
    "folder": pl.String,
    "model": pl.String,
}
"""The columns of the table."""


def make_report(
    study: Study,
    plan: StudyPlan,
    results: StudyResults,
    cache: ResultCache,
    trials: Trials | None = None,
) -> dict[str, Any]:
    """Return all results of a study as JSON: a row for each part that is there, and the failed.

    Those of a search have its trials, too.
    """
    return {
        "study": study.name,
        "title": study.base.protocol.title,
        "sha256": study.sha256,
        "parts": len(plan.parts) + len(plan.refused),
        "rows": [
            make_row(part, results.by_key[part.key], cache)
            for part in plan.parts
            if part.key in results.by_key
        ],
        "failed": [failure.as_json() for failure in results.failed],
        **({"search": trials.as_json()} if trials else {}),
    }


def make_row(part: StudyPart, result: Mapping[str, Any], cache: ResultCache) -> dict[str, Any]:
    """Return the row of a part.

    `seconds` are those of its own training, with the fine-tuning and without the network that it
    began from. Sizes are those of the network that is kept.
    """
    metrics, baselines = result["metrics"], result["baselines"]
    folder = cache.find_folder(part.point.part)
    kept = list(result["costs"]["models"].values())[-1]
    return {
        **part.settings,
        "mae_w": metrics["mae_w"],
        "mae_zero_w": baselines["zero"]["mae_w"],
        "mae_mean_w": baselines["mean"]["mae_w"],
        **{name: metrics[name] for name in ("nde", "sae", "f1")},
        "coverage": result["coverage"]["scored"],
        "parameters": result["parameters"],
        "nonzero_parameters": result["nonzero_parameters"],
        "multiply_adds": kept["multiply_adds"],
        "file_bytes": kept["file_bytes"],
        "seconds": result["seconds"] + result.get("finetuning", {}).get("seconds", 0.0),
        "key": part.key,
        "folder": str(folder),
        "model": str(folder / WEIGHTS),
    }


def require_own(folder: Path, study: Study) -> None:
    """Raise UsageError for a folder that holds the results of another study, or is a file."""
    from json import loads

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file; choose a folder")
    path = folder / JSON
    if not path.exists():
        return
    try:
        name = loads(path.read_text(encoding="utf-8"))["study"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(
            f"{path}: is of no study and would be replaced; choose another folder"
        ) from None
    if name != study.name:
        raise UsageError(
            f"{path}: has the results of '{name}' and would be replaced; choose another folder for"
            f" '{study.name}'"
        )


def write_rows(report: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Write a report as JSON and its rows as Parquet; return the files by what they hold."""
    files = {"results": folder / JSON, "table": folder / TABLE}
    write_json(dict(report), files["results"])
    with atomic_write(files["table"]) as beside:
        pl.DataFrame(report["rows"], schema=SCHEMA).write_parquet(beside)
    return files
