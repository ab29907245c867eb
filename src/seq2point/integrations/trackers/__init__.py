"""Trackers of experiments: the finished trainings of a study, written as their files.

Each is a small writer of what the study's own results hold. It repeats no training, and a training
that it has written is not written twice.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from seq2point.configuration import StudyConfig
from seq2point.studies.study_plan import StudyPlan
from seq2point.studies.study_run import StudyResults

TRACKERS = {"mlflow": "mlflow_files", "tensorboard": "tensorboard_files"}
"""The modules by the option that names their folder."""
NUMBERS = ("parameters", "nonzero_parameters", "multiply_adds", "seconds")


class FinishedTraining(NamedTuple):
    """A finished training: what it is called, its key, its choices, and what came of it.

    `history` has a row for each validation, with 'step'. `numbers` are those of its end.
    """

    name: str
    key: str
    choices: Mapping[str, Any]
    history: list[Mapping[str, float]]
    numbers: Mapping[str, float]


Write = Callable[[Path, str, Iterable[FinishedTraining]], None]


def require_trackers(config: StudyConfig) -> None:
    """Raise ModuleNotFoundError where a tracker that is asked for is not installed."""
    for name in _list_chosen(config):
        _find_writer(name)


def write_trackers(
    config: StudyConfig, study: str, plan: StudyPlan, results: StudyResults
) -> dict[str, Path]:
    """Write the finished trainings of a study for the trackers that are asked for.

    Return their folders by name.
    """
    finished = list_finished(plan, results)
    chosen = _list_chosen(config)
    for name, folder in chosen.items():
        _find_writer(name)(folder, study, finished)
    return chosen


def list_finished(plan: StudyPlan, results: StudyResults) -> list[FinishedTraining]:
    """Return the finished trainings of a study, each once."""
    finished = {}
    for part in plan.parts:
        result = results.by_key.get(part.key)
        if result is None:
            continue
        numbers = {name: result[name] for name in NUMBERS if name in result} | {
            f"test_{name}": value
            for name, value in result["metrics"].items()
            if isinstance(value, int | float)
        }
        finished[part.key] = FinishedTraining(
            part.label, part.key, part.settings, result["history"], numbers
        )
    return list(finished.values())


def _list_chosen(config: StudyConfig) -> dict[str, Path]:
    folders = {name: getattr(config, name) for name in TRACKERS}
    return {name: folder for name, folder in folders.items() if folder is not None}


def _find_writer(name: str) -> Write:
    write: Write = import_module(f"{__name__}.{TRACKERS[name]}").write
    return write
