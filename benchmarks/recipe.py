"""What each part of the training recipe gives on a real house: chunks put in other mains, gains,
absolute error, clipped answers.

Trained on ukdale_house1_6s_a, tested on ukdale_house1_6s_b, with 128 hidden units (a sixth of the
time, no worse). Each run takes a minute and is kept in runs/recipe.
"""

import json
import os
from pathlib import Path
from typing import Any

from seq2point.appliances import APPLIANCES
from seq2point.data.table import load_recording
from seq2point.model.evaluation import evaluate
from seq2point.network import Architecture
from seq2point.system.atomic_files import write_json
from seq2point.training import train_with_history

FOLDER = Path("runs/recipe")
STEPS = 600
NOTHING = {"transplant": 0, "gain": 0, "loads": 0, "stretch": 0, "absolute": 0, "clipped": False}
AUGMENTED = NOTHING | {"transplant": 0.7, "gain": 0.3}
RECIPES: dict[str, dict[str, Any]] = {
    "squared error": NOTHING,
    "transplanted, gain": AUGMENTED,
    "absolute error 0.2": AUGMENTED | {"absolute": 0.2},
    "clipped: the default": {},
    "made-up loads": {"loads": 3},
    "transplant 0.9": {"transplant": 0.9},
}
SHOWN = ("mae_w", "on_mae_w", "nde", "sae", "f1", "mcc")


def result(appliance: str, recipe: str) -> dict[str, Any]:
    """The metrics of one recipe and of the zero predictor, from the folder where they are there."""
    path = FOLDER / f"{appliance}-{recipe.replace(' ', '_').replace(':', '')}.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    train, test = (
        load_recording(
            Path(os.environ["SEQ2POINT_DATA"]) / f"ukdale_house1_6s_{part}.parquet", [appliance]
        )
        for part in "ab"
    )
    trained = train_with_history(
        train,
        appliance,
        network=Architecture(hidden=128),
        steps=STEPS,
        patience=1000,
        progress=False,
        **RECIPES[recipe],
    )
    found = evaluate(trained.model, [test])
    kept = {
        "metrics": found.metrics[appliance],
        "zero": found.baselines["zero"][appliance],
        "seconds": trained.seconds,
    }
    write_json(kept, path)
    return kept


def row(name: str, metrics: dict[str, float | None]) -> str:
    shown = [metrics[m] for m in SHOWN]
    return f"| {name} | {' | '.join('-' if v is None else f'{v:.2f}' for v in shown)} |"


def main() -> None:
    if not os.environ.get("SEQ2POINT_DATA"):
        print("recipe: skipped, SEQ2POINT_DATA is not set")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for appliance in APPLIANCES:
        print(f"| {appliance} | {' | '.join(SHOWN)} |", "|---" * (len(SHOWN) + 1) + "|", sep="\n")
        for recipe in RECIPES:
            found = result(appliance, recipe)
            print(row(recipe, found["metrics"]), flush=True)
        print(row("zero predictor", found["zero"]), flush=True)
