"""What the recipe of `one_minute` is worth in houses that it has not seen, part by part, and with
every other house in training.

    SEQ2POINT_DATA=... python -m benchmarks other_houses

It takes about 40 minutes on one core, and keeps pieces in runs/other_houses.

Trained on UK-DALE house 1 alone, with one part of the recipe more in each row, and on all the
houses but the one that is tested, with the whole of it. REFIT's 30 s are resampled to 60. Seed 0;
SEQ2POINT_SEEDS=0,1,2 for more.
"""

import json
import os
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recipe import AUGMENTED, NOTHING, SHOWN
from seq2point.errors import DataError
from seq2point.model.evaluation import evaluate
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.studies.protocols import library
from seq2point.studies.protocols.houses import load_stretch
from seq2point.studies.protocols.protocol_file import House
from seq2point.system.atomic_files import write_json
from seq2point.training import train_with_history

FOLDER = Path("runs/other_houses")
SEEDS = tuple(map(int, os.environ.get("SEQ2POINT_SEEDS", "0").split(",")))
RECIPE = library.find_protocol("one_minute").protocol
HOUSES = {
    "UK-DALE 1": House(house="1"),
    "UK-DALE 5": House(house="5"),
    "REFIT 2": House(house="2", dataset="refit"),
    "REFIT 20": House(house="20", dataset="refit"),
}
HOME = "UK-DALE 1"
STEPS_OF_SEVERAL = 1200
ROWS: dict[str, dict[str, Any]] = {
    "squared error": NOTHING,
    "transplanted, gain": AUGMENTED,
    "absolute error 0.1": AUGMENTED | {"absolute": 0.1},
    "clipped": AUGMENTED | {"absolute": 0.1, "clipped": True},
    "made-up loads": AUGMENTED | {"absolute": 0.1, "clipped": True, "loads": 3},
    "stretched: the recipe": {},
    "the recipe, window 127": {"window": 127},
}


def recordings(appliance: str) -> dict[str, Recording]:
    """The houses that have the appliance."""
    found = {}
    for name, house in HOUSES.items():
        try:
            (found[name],) = load_stretch(
                RECIPE, house, RECIPE.appliance(appliance), Path(os.environ["SEQ2POINT_DATA"])
            )
        except DataError:
            continue
    return found


def piece(
    appliance: str,
    row: str,
    seed: int,
    training: list[str],
    there: dict[str, Recording],
    changes: dict[str, Any],
) -> dict[str, Any]:
    """The metrics in each house that was not trained on, from the folder where they are there."""
    path = (
        FOLDER
        / f"{appliance}-{seed}-{row.replace(' ', '_').replace(':', '').replace(',', '')}.json"
    )
    if path.exists():
        return dict(json.loads(path.read_text()))
    assert isinstance(RECIPE.network, dict)
    options = RECIPE.training | changes
    shape = Architecture(window=options.pop("window", RECIPE.window), **RECIPE.network)
    trained = train_with_history(
        [there[name] for name in training],
        appliance,
        network=shape,
        seed=seed,
        progress=False,
        **options,
    )
    result: dict[str, Any] = {"seconds": trained.seconds, "parameters": shape.parameters}
    for name, recording in {"held out": None, **there}.items():
        if name not in training:
            found = evaluate(trained.model, trained.held_out if recording is None else [recording])
            result[name] = found.metrics[appliance] | {"zero": found.baselines["zero"][appliance]}
    write_json(result, path)
    return result


def rows_of(appliance: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By row and house, the metrics of each seed."""
    there, found = recordings(appliance), dict[str, dict[str, list[dict[str, Any]]]]()
    for seed, (row, changes) in product(SEEDS, ROWS.items()):
        result = piece(appliance, row, seed, [HOME], there, changes)
        for name in ("held out", *there):
            if name in result:
                found.setdefault(row, {}).setdefault(name, []).append(result[name])
    if len(there) > 2:
        for seed, name in product(SEEDS, there):
            others = [other for other in there if other != name]
            result = piece(
                appliance, f"all but {name}", seed, others, there, {"steps": STEPS_OF_SEVERAL}
            )
            found.setdefault("the other houses", {}).setdefault(name, []).append(result[name])
    return found


def main() -> None:
    if not os.environ.get("SEQ2POINT_DATA"):
        print("other_houses: skipped, SEQ2POINT_DATA is not set")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for appliance in RECIPE.appliances:
        print(
            f"\n| {appliance.replace('_', ' ')} | tested on | {' | '.join(SHOWN)} | zero"
            f" |\n|{'---|' * (len(SHOWN) + 3)}"
        )
        for row, by_house in rows_of(appliance).items():
            for name, seeds in by_house.items():
                values = " | ".join(
                    f"{np.mean([of[metric] for of in seeds]):.2f}" for metric in SHOWN
                )
                print(
                    f"| {row} | {name} | {values} | {seeds[0]['zero']['mae_w']:.2f} |", flush=True
                )
