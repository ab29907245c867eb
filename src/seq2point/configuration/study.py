"""The options of a study: what works off its trainings."""

from pathlib import Path

from pydantic import PositiveInt

from seq2point.configuration.declare import option
from seq2point.configuration.workers import ClusterConfig


class StudyConfig(ClusterConfig):
    """How many trainings run at a time, and where."""

    jobs: PositiveInt | None = option(
        None,
        "Trainings at a time on this machine, each with one thread.",
        unset="one for each core",
    )
    mlflow: Path | None = option(
        None, "Folder of an SQLite file of MLflow that gets each training."
    )
    tensorboard: Path | None = option(None, "Folder where TensorBoard finds each training.")
    dry_run: bool = option(False, "List the parts and which of them are there, and train nothing.")
