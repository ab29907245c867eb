"""Finished trainings as runs of MLflow, in one SQLite file: `mlflow ui --backend-store-uri ...`.

No server is needed. mlflow-skinny and SQLAlchemy are.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from seq2point.errors import Seq2PointError
from seq2point.integrations.trackers import FinishedTraining
from seq2point.system.atomic_files import explain_write_errors

NAME = "mlflow.db"
KEY = "seq2point.key"
MOST_METRICS = 1000
"""Of a batch that MLflow takes at once."""


def write(folder: Path, study: str, trainings: Iterable[FinishedTraining]) -> None:
    """Write trainings as runs of an experiment that is called as the study.

    Runs that are there and finished stay as they are. Raises Seq2PointError where the file cannot
    be used.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    path = folder.resolve() / NAME
    try:
        client = MlflowClient(f"sqlite:///{path}")
        artifacts = (folder / study).resolve().as_uri()
        found = client.get_experiment_by_name(study)
        experiment = found.experiment_id if found else client.create_experiment(study, artifacts)
        for training in trainings:
            _write_one(client, experiment, training)
    except (MlflowException, sqlalchemy.exc.SQLAlchemyError) as error:
        reason = str(error).partition("\n")[0]
        raise Seq2PointError(f"{path}: cannot be used by MLflow ({reason})") from None


def _write_one(client: MlflowClient, experiment: str, training: FinishedTraining) -> None:
    runs = client.search_runs([experiment], f"tags.`{KEY}` = '{training.key}'")
    if any(run.info.status == "FINISHED" for run in runs):
        return
    for half_written in runs:
        client.delete_run(half_written.info.run_id)
    run = client.create_run(experiment, tags={KEY: training.key}, run_name=training.name)
    name = run.info.run_id
    metrics = [
        Metric(key, float(value), 0, int(row["step"]))
        for row in training.history
        for key, value in row.items()
        if key != "step"
    ]
    metrics += [Metric(key, float(value), 0, 0) for key, value in training.numbers.items()]
    params = [Param(key, str(value)) for key, value in training.choices.items()]
    client.log_batch(name, params=params, tags=[RunTag("study.label", training.name)])
    for first in range(0, len(metrics), MOST_METRICS):
        client.log_batch(name, metrics=metrics[first : first + MOST_METRICS])
    client.set_terminated(name)
