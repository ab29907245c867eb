"""What a network learns from a home's own labels, beside what it gives in a home never seen.

    python -m experiments own_labels      about half an hour on one core

The network and rates of `unseen_60s`, trained on the first four fifths of one house alone and
tested in its last fifth: what the house's mains tell of the appliance, at a minute. Weights are
chosen on the last fifth of what it learns from. SEQ2POINT_SEEDS=0,1,2 for three seeds,
SEQ2POINT_APPLIANCES=kettle,fridge for these alone.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from experiments.houses import list_seeds, select_names
from experiments.tables import list_headings, make_metric_cells, print_table
from seq2point.configuration.training import HELD_OUT
from seq2point.errors import DataError
from seq2point.network import Architecture
from seq2point.studies import ResultCache
from seq2point.studies.protocols import library
from seq2point.studies.protocols.houses import load_stretch
from seq2point.studies.protocols.protocol_file import House
from seq2point.studies.trainings import StudyTraining, run_trainings

CACHE = ResultCache("runs/own_labels")
SEEDS = list_seeds("0")
PROTOCOL = library.find_protocol("unseen_60s").protocol
SHOWN = ("mae_w", "nde", "sae", "f1")
CHANGES = {"steps": 3000, "transplant": 0.5}
STRANGE = ("loads", "stretch", "simulated", "distractors_per_day")
"""What the recipe adds of other homes."""
TEST = "last fifth"


def plan_home(appliance: str, house: House, data: Path) -> list[StudyTraining]:
    """Return the trainings of a house, one for each seed.

    Raises DataError where it does not know the appliance.
    """
    assert isinstance(PROTOCOL.network, dict)
    recordings = load_stretch(PROTOCOL, house, PROTOCOL.appliance(appliance), data)
    parts = [recording.hold_out(HELD_OUT, PROTOCOL.window) for recording in recordings]
    shape = Architecture(window=PROTOCOL.window, **PROTOCOL.network)
    own = {key: value for key, value in PROTOCOL.training.items() if key not in STRANGE}
    return [
        StudyTraining(
            f"{appliance}-{house.label}-seed{seed}",
            appliance,
            [first for first, _ in parts],
            own | CHANGES | {"seed": seed},
            network=shape,
            tests={TEST: [last for _, last in parts]},
        )
        for seed in SEEDS
    ]


def list_rows(appliance: str, data: Path) -> Iterator[list[str]]:
    """Yield a row for each house that is long enough."""
    for house in PROTOCOL.roles(appliance).train:
        try:
            trainings = plan_home(appliance, house, data)
            results = run_trainings(CACHE, trainings, lambda line: print(line, flush=True))
        except DataError as error:
            print(error, flush=True)
            continue
        tests = [result[TEST] for result in results if result]
        days = sum(recording.days for recording in trainings[0].tests[TEST])
        cells = make_metric_cells([test["metrics"] for test in tests], SHOWN)
        baselines = [tests[0]["baselines"][which] for which in ("zero", "mean")]
        usual = [cell for each in baselines for cell in make_metric_cells([each], ["mae_w"])]
        yield [house.label, f"{days:.0f}", *cells, *usual]


def main() -> None:
    """Make what is not there yet, and print a table for each appliance."""
    data = Path(os.environ["SEQ2POINT_DATA"])
    for appliance in select_names("SEQ2POINT_APPLIANCES", PROTOCOL.appliances, ","):
        headings = [appliance.replace("_", " "), "days", *list_headings(SHOWN), "zero", "mean"]
        print_table("", headings, [*list_rows(appliance, data)])
