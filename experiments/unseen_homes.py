"""What each part of the recipe of `unseen_60s` is worth in houses left out of the training.

    python -m experiments unseen_homes      hours on one core

SEQ2POINT_SEEDS=0 takes one seed, SEQ2POINT_ROWS="the recipe;not stretched" these rows alone,
SEQ2POINT_APPLIANCES=kettle,fridge these appliances, SEQ2POINT_HOUSES="house 1;ideal house 65" these
houses left out.

Each row takes one ingredient away, or puts one in. Every house that has the appliance is left out
in turn, of all others a network is trained, and what it gives in the house is scored: the
network's own prediction.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.houses import list_seeds, select_names
from experiments.tables import list_headings, make_metric_cells, print_table
from seq2point.studies import ResultCache
from seq2point.studies.protocols import library
from seq2point.studies.protocols.library import validate_protocol
from seq2point.studies.protocols.overrides import leave_house_out, override_training
from seq2point.studies.protocols.protocol_file import House, Protocol
from seq2point.studies.protocols.runner import Runner
from seq2point.studies.protocols.steps import ProtocolSteps

CACHE = ResultCache("runs/unseen_homes")
SEEDS = list_seeds("0,1,2")
SOURCE = library.find_protocol("unseen_60s")
SHOWN = ("mae_w", "nde", "sae", "f1", "cycle_recall", "cycle_precision")
PARTS: Mapping[str, float] = {
    "simulated": 0.3,
    "simulated_mains": 0.3,
    "traced": 0.15,
    "distractors_per_day": 2.0,
    "loads": 3.0,
    "stretch": 0.25,
}
ROWS: dict[str, Mapping[str, Any]] = {
    "the recipe": {},
    "no simulated houses": {"training": {"simulated": 0.0}},
    "no traces of the appliance": {"training": {"traced": 0.0}},
    "no simulated homes' mains": {"training": {"simulated_mains": 0.0}},
    "no distractors": {"training": {"distractors_per_day": 0.0}},
    "no synthetic loads": {"training": {"loads": 0.0}},
    "not stretched": {"training": {"stretch": 0.0}},
    "none of these": {"training": dict.fromkeys(PARTS, 0.0)},
    "all of these": {"training": PARTS},
    "absolute error 1.0": {"training": {"absolute": 1.0}},
    "on/off cross-entropy 0.1": {"training": {"on_off": 0.1}},
    "window 127": {"window": 127},
}


def change(changes: Mapping[str, Any]) -> Protocol:
    """The protocol with one thing changed."""
    given = SOURCE.protocol.model_dump(exclude_unset=True)
    given = override_training(given, changes.get("training", {}))
    others = {key: value for key, value in changes.items() if key != "training"}
    return validate_protocol(given | others, SOURCE.where)


def is_recipe(changes: Mapping[str, Any], appliance: str, data: Path) -> bool:
    """Whether the recipe of an appliance is as it is changed already: without the ingredient."""
    settings = ProtocolSteps(SOURCE.protocol, SOURCE.where, data).settings(appliance, 0)
    return changes.keys() == {"training"} and all(
        getattr(settings, f"{name}_share", getattr(settings, name)) == value
        for name, value in changes["training"].items()
    )


def score(protocol: Protocol, appliance: str, house: House, data: Path) -> list[dict[str, Any]]:
    """What networks of all seeds give in a house that they were not trained on."""
    left_out = leave_house_out(protocol, appliance, house, SOURCE.where)
    steps = ProtocolSteps(left_out, SOURCE.where, data)
    runner = Runner([steps], CACHE, "cpu", 1, progress=False, report=lambda line: print(line))
    return runner.run([appliance], len(SEEDS))[appliance][steps.row]


def main() -> None:
    """Make what is not there yet, and print a table for each appliance."""
    data = Path(os.environ["SEQ2POINT_DATA"])
    rows = select_names("SEQ2POINT_ROWS", ROWS, ";")
    for appliance in select_names("SEQ2POINT_APPLIANCES", SOURCE.protocol.appliances, ","):
        lines = []
        for row in rows:
            changes = ROWS[row]
            if is_recipe(changes, appliance, data):
                continue
            protocol = change(changes)
            houses = {house.label: house for house in protocol.roles(appliance).train}
            for label in select_names("SEQ2POINT_HOUSES", houses, ";"):
                results = score(protocol, appliance, houses[label], data)
                metrics = [result["metrics"] for result in results]
                zero = [results[0]["baselines"]["zero"]]
                cells = [*make_metric_cells(metrics, SHOWN), *make_metric_cells(zero, ["mae_w"])]
                lines.append([row, label, *cells])
        headings = [appliance.replace("_", " "), "tested on", *list_headings(SHOWN), "zero"]
        print_table("", headings, lines, labels=2)
