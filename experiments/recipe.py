"""What each part of the training recipe gives on a real house: chunks put in other mains, gains,
absolute error, clipped predictions.

Trained on ukdale_house1_6s_a, tested on ukdale_house1_6s_b, with 128 hidden units (a sixth of the
time, no worse). Each training takes a minute and is kept in runs/recipe.
"""

from typing import Any

from experiments.houses import load_ukdale1
from experiments.tables import list_headings, make_metric_cells, print_table
from seq2point.appliances import APPLIANCES
from seq2point.network import Architecture
from seq2point.studies import ResultCache
from seq2point.studies.trainings import StudyTraining, run_trainings

CACHE = ResultCache("runs/recipe")
TEST = "test"
STEPS = 600
PLAIN = {"transplant": 0, "gain": 0, "loads": 0, "stretch": 0, "absolute": 0, "clipped": False}
AUGMENTED = PLAIN | {"transplant": 0.7, "gain": 0.3}
RECIPES: dict[str, dict[str, Any]] = {
    "squared error": PLAIN,
    "transplanted, gain": AUGMENTED,
    "absolute error 0.2": AUGMENTED | {"absolute": 0.2},
    "clipped: the default": {},
    "synthetic loads": {"loads": 3},
    "transplant 0.9": {"transplant": 0.9},
}
SHOWN = ("mae_w", "on_mae_w", "nde", "sae", "f1", "mcc")


def plan_recipe(appliance: str, recipe: str) -> StudyTraining:
    """Return the training of a recipe."""
    train, test = load_ukdale1(appliance)
    settings = {"steps": STEPS, "patience": 1000, **RECIPES[recipe]}
    return StudyTraining(
        f"{appliance}-{recipe}",
        appliance,
        [train],
        settings,
        network=Architecture(hidden=128),
        tests={TEST: [test]},
    )


def main() -> None:
    """Make what is not there yet, and print a table for each appliance."""
    for appliance in APPLIANCES:
        trainings = [plan_recipe(appliance, recipe) for recipe in RECIPES]
        results = run_trainings(CACHE, trainings, lambda line: print(line, flush=True))
        tests = [result[TEST] for result in results if result]
        rows = [
            [recipe, *make_metric_cells([test["metrics"]], SHOWN)]
            for recipe, test in zip(RECIPES, tests, strict=True)
        ]
        rows.append(["zero predictor", *make_metric_cells([tests[0]["baselines"]["zero"]], SHOWN)])
        print_table("", [appliance, *list_headings(SHOWN)], rows)
