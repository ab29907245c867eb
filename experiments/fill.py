"""What filling missing readings is worth: coverage and error against the limit, with readings
removed singly and in bursts.

    python -m experiments fill        about half an hour on one core; kept in runs/fill

At each sampling period a small network is trained on one house as it is, and with readings missing
in training (`missing`), and tested where one mains reading in ten is removed. `complete` is the
error at the same samples with no reading removed; the truth is never touched.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.houses import list_seeds, load_house
from experiments.tables import print_table
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.studies import CachedResult, ResultCache
from seq2point.studies.grids import Result, Step, run_grid
from seq2point.studies.trainings import StudyTraining

VERSION = 1
"""Of what is measured with readings removed; raise it when `measure_limits` gives other numbers."""

CACHE = ResultCache("runs/fill")
LIMITS = (0, 1, 2, 3, 5, 7, 10)
LOST = 0.1
BURST = 6
MISSING = (0.0, 0.2)
TEST_DAYS = 28
SEEDS = list_seeds("0")
RECIPE: dict[str, Any] = {
    "steps": 400,
    "batch_size": 11632,
    "learning_rate": 2e-3,
    "absolute": 0.1,
    "loads": 3,
    "stretch": 0.25,
    "patience": 1000,
}
HEADINGS = ("removed", "missing in training", "limit", "coverage", "MAE, W", "complete, W")


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


class Point(NamedTuple):
    """A trained network, and how readings are removed from its test house."""

    training: StudyTraining
    test: Recording
    missing: float
    bursts: bool

    def list_steps(self) -> list[Step]:
        """Return what it takes: the network, then its errors by limit."""
        appliance = self.training.appliance
        decides = {
            "what": "filled readings",
            "of": self.training.part.key,
            "test": self.test.fingerprint(appliance),
            "limits": LIMITS,
            "lost": LOST,
            "burst": BURST if self.bursts else 1,
        }
        name = f"{self.training.name}-{'bursts' if self.bursts else 'singly'}"
        measure = partial(measure_limits, self)
        steps = self.training.list_steps(CACHE, threads=1)
        return [*steps, Step(CachedResult(name, decides, VERSION), measure)]


def plan_training(case: Case, appliance: str, missing: float, seed: int) -> StudyTraining:
    """Return the training of a case's network."""
    shape = Architecture(window=case.window, channels=(16, 16, 24, 24, 24), hidden=64)
    house = load_house(case.train, appliance, case.period_s)
    name = f"{case.period_s:g}s-{appliance}-missing{missing:g}-seed{seed}"
    settings = RECIPE | {"missing": missing, "seed": seed}
    return StudyTraining(name, appliance, [house], settings, network=shape)


def remove_readings(whole: Recording, bursts: bool) -> Recording:
    """Return a house without one mains reading in ten, removed singly or in bursts of BURST."""
    random = np.random.default_rng(0)
    length = BURST if bursts else 1
    begins = random.random(len(whole)) < LOST / length
    lost = np.convolve(begins, np.ones(length))[: len(whole)] > 0
    return replace(whole, mains_w=np.where(lost, np.float32(np.nan), whole.mains_w))


def measure_limits(point: Point, _: Path) -> Result:
    """Return coverage and errors with readings removed, for each limit of filling."""
    model, test = point.training.load_model(CACHE), point.test
    truth_w = test.appliance_w(point.training.appliance)
    complete_w = model.predict_w(test)[:, 0]
    possible = ~(np.isnan(complete_w) | np.isnan(truth_w))
    broken, limits = remove_readings(test, point.bursts), []
    for limit in LIMITS:
        power_w = model.predict_w(replace(broken, fill=limit))[:, 0]
        known = possible & ~np.isnan(power_w)
        mae_w, complete_mae_w = (
            float(np.abs(estimate_w - truth_w)[known].mean()) if known.any() else None
            for estimate_w in (power_w, complete_w)
        )
        coverage = float(known.sum() / possible.sum())
        limits.append({"coverage": coverage, "mae_w": mae_w, "complete_mae_w": complete_mae_w})
    return {"limits": limits}


def make_rows(point: Point, result: Result) -> list[Sequence[str]]:
    """Return a row for each limit."""
    removed = f"bursts of {BURST}" if point.bursts else "singly"
    return [
        [
            removed,
            f"{point.missing:g}",
            str(limit),
            f"{measured['coverage']:.1%}",
            *(
                "-" if measured[key] is None else f"{measured[key]:.2f}"
                for key in ("mae_w", "complete_mae_w")
            ),
        ]
        for limit, measured in zip(LIMITS, result["limits"], strict=True)
    ]


def main() -> None:
    """Make what is not there yet, and print a table for each appliance and period."""
    for case in CASES:
        for appliance in case.appliances:
            test = load_house(case.test, appliance, case.period_s).take_days(TEST_DAYS, appliance)
            points = [
                Point(plan_training(case, appliance, missing, seed), test, missing, bursts)
                for seed, missing, bursts in product(SEEDS, MISSING, (False, True))
            ]
            results = run_grid(
                CACHE,
                points,
                Point.list_steps,
                lambda point, _: f"{point.training.name}, {'bursts' if point.bursts else 'singly'}",
                lambda line: print(line, flush=True),
            )
            rows = [
                row
                for point, result in zip(points, results, strict=True)
                for row in make_rows(point, result or {})
            ]
            zero_w = np.nanmean(test.appliance_w(appliance))
            title = f"{appliance}, {case.period_s:g} s, {case.test}, zero {zero_w:.1f} W"
            print_table(title, HEADINGS, rows, labels=2)
