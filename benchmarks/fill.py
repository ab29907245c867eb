"""What filling missing readings is worth: coverage and error against the limit, with readings
removed singly and in bursts.

    SEQ2POINT_DATA=... python -m benchmarks fill

It takes about half an hour on one core, and keeps networks in runs/fill.

At each sampling period a small network is trained on one house as it is, and with readings missing
in training (`missing`), and tested where one mains reading in ten is removed. `complete` is the
error at the same samples with no reading removed; the truth is never touched.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2point.data.table import load_recording
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.training import train_with_history

FOLDER = Path("runs/fill")
LIMITS = (0, 1, 2, 3, 5, 7, 10)
LOST = 0.1
BURST = 6
MISSING = (0.0, 0.2)
TEST_DAYS = 28
SEEDS = tuple(map(int, os.environ.get("SEQ2POINT_SEEDS", "0").split(",")))
RECIPE: dict[str, Any] = {
    "steps": 400,
    "batch_size": 11632,
    "learning_rate": 2e-3,
    "absolute": 0.1,
    "loads": 3,
    "stretch": 0.25,
    "patience": 1000,
}


class Case(NamedTuple):
    """Houses at a period: files to train on and to test on."""

    period_s: float
    window: int
    train: str
    test: str
    appliances: tuple[str, ...]


CASES = (
    Case(6, 599, "ukdale_house1_6s_a", "ukdale_house1_6s_b", ("kettle", "dishwasher", "fridge")),
    Case(8, 599, "ukdale_house1_6s_a", "refit_house2_8s", ("dishwasher", "fridge")),
    Case(30, 255, "refit_house20_30s", "refit_house2_30s", ("kettle", "dishwasher")),
    Case(60, 255, "ukdale_house1_60s", "ukdale_house5_60s", ("kettle", "dishwasher", "fridge")),
)


def recording(case: Case, file: str, appliance: str) -> Recording:
    """A house at the case's period."""
    path = Path(os.environ["SEQ2POINT_DATA"]) / f"{file}.parquet"
    return load_recording(path, [appliance], case.period_s)


def trained(case: Case, appliance: str, missing: float, seed: int) -> Model:
    """A case's network, from the folder where it is there."""
    path = FOLDER / f"{case.period_s:g}s-{appliance}-missing{missing:g}-seed{seed}.safetensors"
    if not path.exists():
        shape = Architecture(window=case.window, channels=(16, 16, 24, 24, 24), hidden=64)
        model = train_with_history(
            recording(case, case.train, appliance),
            appliance,
            network=shape,
            missing=missing,
            seed=seed,
            threads=1,
            progress=False,
            **RECIPE,
        ).model
        model.save(path)
    return Model.load(path)


def without_readings(whole: Recording, bursts: bool) -> Recording:
    """One mains reading in ten removed, singly or in bursts of BURST."""
    random = np.random.default_rng(0)
    length = BURST if bursts else 1
    begins = random.random(len(whole)) < LOST / length
    lost = np.convolve(begins, np.ones(length))[: len(whole)] > 0
    return replace(whole, mains_w=np.where(lost, np.float32(np.nan), whole.mains_w))


def main() -> None:
    if not os.environ.get("SEQ2POINT_DATA"):
        print("fill: skipped, SEQ2POINT_DATA is not set")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        for appliance in case.appliances:
            test = recording(case, case.test, appliance)
            test = test.take_days(TEST_DAYS, appliance)
            truth_w = test.appliance_w(appliance)
            print(
                f"\n{appliance}, {case.period_s:g} s, {case.test}, zero {np.nanmean(truth_w):.1f} W"
            )
            print("| removed | missing in training | limit | coverage | MAE, W | complete, W |")
            print("|---|---|---|---|---|---|")
            for seed in SEEDS:
                for missing in MISSING:
                    model = trained(case, appliance, missing, seed)
                    complete_w = model.predict_w(test)[:, 0]
                    for bursts in (False, True):
                        broken = without_readings(test, bursts)
                        for limit in LIMITS:
                            power_w = model.predict_w(replace(broken, fill=limit))[:, 0]
                            possible = ~(np.isnan(complete_w) | np.isnan(truth_w))
                            known = possible & ~np.isnan(power_w)
                            errors = [
                                np.abs(w - truth_w)[known].mean() if known.any() else np.nan
                                for w in (power_w, complete_w)
                            ]
                            print(
                                f"| {f'bursts of {BURST}' if bursts else 'singly'} | {missing:g} |"
                                f" {limit} | {known.sum() / possible.sum():.1%} | {errors[0]:.2f} |"
                                f" {errors[1]:.2f} |",
                                flush=True,
                            )
