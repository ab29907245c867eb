"""What the recipe of `one_minute` is worth in houses that it has not seen, part by part, and with
every other house in training.

    python -m experiments other_houses        about 40 minutes on one core

Trained on UK-DALE house 1 alone, with one part of the recipe more in each row, and on all the
houses but the one that is tested, with the whole of it. REFIT's 30 s are resampled to 60. Seed 0;
SEQ2POINT_SEEDS=0,1,2 for more.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.houses import list_seeds
from experiments.recipe import AUGMENTED, PLAIN, SHOWN
from experiments.tables import list_headings, make_metric_cells, print_table
from seq2point.errors import DataError
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.studies import ResultCache
from seq2point.studies.protocols import library
from seq2point.studies.protocols.houses import load_stretch
from seq2point.studies.protocols.protocol_file import House
from seq2point.studies.trainings import StudyTraining, run_trainings

CACHE = ResultCache("runs/other_houses")
SEEDS = list_seeds("0")
RECIPE = library.find_protocol("one_minute").protocol
HOUSES = {
    "UK-DALE 1": House(house="1"),
    "UK-DALE 5": House(house="5"),
    "REFIT 2": House(house="2", dataset="refit"),
    "REFIT 20": House(house="20", dataset="refit"),
}
HOME = "UK-DALE 1"
HELD_OUT = "held out"
STEPS_OF_SEVERAL = 1200
ROWS: dict[str, dict[str, Any]] = {
    "squared error": PLAIN,
    "transplanted, gain": AUGMENTED,
    "absolute error 0.1": AUGMENTED | {"absolute": 0.1},
    "clipped": AUGMENTED | {"absolute": 0.1, "clipped": True},
    "synthetic loads": AUGMENTED | {"absolute": 0.1, "clipped": True, "loads": 3},
    "stretched: the recipe": {},
    "the recipe, window 127": {"window": 127},
}
Houses = Mapping[str, Recording]


def load_houses(appliance: str) -> dict[str, Recording]:
    """Return the houses that have the appliance."""
    houses, folder = {}, Path(os.environ["SEQ2POINT_DATA"])
    for name, house in HOUSES.items():
        try:
            (houses[name],) = load_stretch(RECIPE, house, RECIPE.appliance(appliance), folder)
        except DataError:
            continue
    return houses


def plan_row(
    appliance: str, row: str, seed: int, train: Sequence[str], houses: Houses, changes: Any
) -> StudyTraining:
    """Return a training on some houses, tested in all others."""
    assert isinstance(RECIPE.network, dict)
    settings = RECIPE.training | {"seed": seed} | changes
    shape = Architecture(window=settings.pop("window", RECIPE.window), **RECIPE.network)
    tests: dict[str, list[Recording]] = {HELD_OUT: []}
    tests |= {name: [r] for name, r in houses.items() if name not in train}
    trained_on = [houses[name] for name in train]
    name = f"{appliance}-{row}-seed{seed}"
    return StudyTraining(name, appliance, trained_on, settings, network=shape, tests=tests)


def plan_rows(appliance: str, houses: Houses) -> dict[tuple[str, str], list[StudyTraining]]:
    """Return the trainings of each row and tested house, over the seeds."""
    rows: dict[tuple[str, str], list[StudyTraining]] = {}
    for row, changes in ROWS.items():
        trainings = [plan_row(appliance, row, s, [HOME], houses, changes) for s in SEEDS]
        rows |= {(row, label): trainings for label in trainings[0].tests}
    if len(houses) > 2:
        changes = {"steps": STEPS_OF_SEVERAL}
        for name in houses:
            others = [other for other in houses if other != name]
            row = f"all but {name}"
            rows["the other houses", name] = [
                plan_row(appliance, row, seed, others, houses, changes) for seed in SEEDS
            ]
    return rows


def main() -> None:
    """Make what is not there yet, and print a table for each appliance."""
    for appliance in RECIPE.appliances:
        rows = plan_rows(appliance, load_houses(appliance))
        trainings = list(dict.fromkeys(training for row in rows.values() for training in row))
        run_trainings(CACHE, trainings, lambda line: print(line, flush=True))
        lines = []
        for (row, label), of_seeds in rows.items():
            tests = [(training.find(CACHE) or {})[label] for training in of_seeds]
            metrics, zero = [test["metrics"] for test in tests], tests[0]["baselines"]["zero"]
            cells = make_metric_cells(metrics, SHOWN)
            lines.append([row, label, *cells, *make_metric_cells([zero], ["mae_w"])])
        headings = [appliance.replace("_", " "), "tested on", *list_headings(SHOWN), "zero"]
        print_table("", headings, lines, labels=2)
