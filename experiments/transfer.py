"""What a trained network is worth to another appliance and to another house.

    python -m experiments transfer    everything; SEQ2POINT_ONLY=a, SEQ2POINT_SEEDS=0 for less
    python -m experiments transfer_table     tables and picture of the results that are there

Parents are 'dense', the paper's network, and 'small', pruned from it by structure and compacted.
Every training of a comparison takes the same steps. Expected on one free core: (a) 25 minutes, (b)
an hour, (c) 10 minutes; no training much above 40 s. Two processes may share it by seeds, once the
first has made the parents.

    a   another appliance in UK-DALE house 1 at 6 s: the washing machine's parents (those of
        `experiments pruning`) to the other four, convolutions frozen, against the same
        architecture from fresh weights; trained on ukdale_house1_6s_a, tested on its part b
    b   another house at 30 s, windows of 199 samples: REFIT house 2 to REFIT house 20, and UK-DALE
        house 1 (its 6 s averaged) to REFIT house 2; curves over days of labels, tested on the
        target's last 60 days of readings. Each seed learns from days of its own, 28 after those of
        the seed before. By default frozen layers are without augmentation, so 'augmented' is the
        small network's frozen curve with what the others have
    c   seconds: UK-DALE house 1 at 8 s (its 6 s averaged) to 7 days of REFIT house 2, the
        dishwasher, 2 threads, tested on the fortnight nine months later

The parents of b and c learn with synthetic loads and stretched programmes, as those that go to
other houses should.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from experiments import pruning
from experiments.houses import list_seeds, load_house, load_ukdale1
from experiments.pruning import SMALL, TRAINING
from seq2point.appliances import APPLIANCES, find_appliance
from seq2point.choices import Freeze
from seq2point.compression.pruning import find_pruner
from seq2point.configuration.training import GAIN, TRANSPLANT
from seq2point.data.clipping import Clipping
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.report.transfer_curve import make_report
from seq2point.studies import ResultCache
from seq2point.studies.grids import Report
from seq2point.studies.trainings import StudyTraining, run_trainings
from seq2point.studies.transfer_choices import FROM_NOTHING
from seq2point.studies.transfer_curve import TransferCurve

CACHE = ResultCache("runs/transfer")
TEST = "test"
ALL_SEEDS = (0, 1, 2)
SEEDS = list_seeds("0,1,2")
ONLY = os.environ.get("SEQ2POINT_ONLY", "abc")
PARENTS = ("dense", "small")
RATE = 3e-3
AUGMENTED = {"transplant": TRANSPLANT, "gain": GAIN}
FOR_OTHER_HOUSES = {"loads": 3, "stretch": 0.25, "absolute": 0.1}  # as in protocols/one_minute.toml

A_PARENT = "washing_machine"
A_STEPS, A_RATES = {"dense": 60, "small": 1000}, {"dense": RATE, "small": 1e-3}
A_WAYS = ("transfer", "from scratch")

B_SHAPE, B_PERIOD_S, B_TEST_DAYS, B_STAGGER = Architecture(window=199), 30.0, 60.0, 28.0
B_STEPS = {"dense": 120, "small": 600}
B_DAYS = {"dense": (0, 7, 28), "small": (0, 1, 7, 28)}
B_APPLIANCES = ("kettle", "washing_machine")
B_CHOICES = ("none", "convolutions", FROM_NOTHING)
B_NETWORKS = (*PARENTS, "augmented")
PAIRS = {"refit2-refit20": "refit_house20_30s", "ukdale1-refit2": "refit_house2_30s"}
B_SOURCE_DAYS = 100.0

C_APPLIANCE, C_PERIOD_S, C_DAYS, C_THREADS = "dishwasher", 8.0, 7.0, 2
C_STEPS = {"dense": 60, "small": 400}
C_FREEZES: tuple[Freeze, ...] = ("convolutions", "none")

ROUNDS = {B_PERIOD_S: ((140, RATE), (140, 2e-3), (140, 1e-3)), C_PERIOD_S: ((70, RATE), (70, 2e-3))}
PRUNING_STEPS = {B_PERIOD_S: 60, C_PERIOD_S: 40}
SMALL_STEPS = 800


@cache
def plan_appliance(appliance: str, seed: int, parent: str, way: str) -> StudyTraining:
    """Return (a): a parent, transferred to an appliance, or its shape trained from scratch."""
    train, test = load_ukdale1(appliance)
    settings = {"steps": A_STEPS[parent], "learning_rate": A_RATES[parent], "seed": seed}
    return StudyTraining(
        f"{appliance}-seed{seed}-{parent}-{way}",
        appliance,
        [train],
        TRAINING | settings,
        start=pruning.plan_stage(A_PARENT, seed, parent),
        learning="transfer" if way == "transfer" else "from scratch",
        tests={TEST: [test]},
    )


@cache
def plan_parent(source: str, kind: str, appliance: str, period_s: float) -> StudyTraining:
    """Return a parent of (b) and (c).

    The dense one learns in rounds of a lower and lower rate; the small one goes on from it.
    """
    houses = load_source(source, appliance, period_s)
    shape: Architecture | None = B_SHAPE if period_s == B_PERIOD_S else Architecture()
    name = f"parent-{source}-{appliance}"
    training: StudyTraining | None = None
    for i, (steps, rate) in enumerate(ROUNDS[period_s]):
        settings = FOR_OTHER_HOUSES | TRAINING | {"steps": steps, "learning_rate": rate}
        training = StudyTraining(
            f"{name}-dense{i}", appliance, houses, settings, start=training, network=shape
        )
        shape = None
    assert training is not None
    if kind == "dense":
        return training
    settings = FOR_OTHER_HOUSES | TRAINING
    pruner = find_pruner("structured", schedule="polynomial", frequency=5, **SMALL)
    gradually = settings | {"steps": PRUNING_STEPS[period_s], "learning_rate": 1e-3}
    pruned = StudyTraining(
        f"{name}-pruned", appliance, houses, gradually, training, pruner=pruner, compacts=True
    )
    finetuning = settings | {"steps": SMALL_STEPS, "learning_rate": 2e-3}
    return StudyTraining(f"{name}-small", appliance, houses, finetuning, start=pruned)


def load_source(source: str, appliance: str, period_s: float) -> list[Recording]:
    """Return the recordings that a parent learns from."""
    if source == "ukdale1":
        return [load_house(f"ukdale_house1_6s_{part}", appliance, period_s) for part in "ab"]
    return [load_house("refit_house2_30s", appliance).take_days(B_SOURCE_DAYS, appliance)]


def plan_curve(
    pair: str, appliance: str, network: str, report: Report = lambda _: None
) -> TransferCurve:
    """Return (b): the curve of a parent's transfer to a house; makes the parent first."""
    source, augmented = pair.partition("-")[0], network == "augmented"
    kind = "small" if augmented else network
    parent = plan_parent(source, kind, appliance, B_PERIOD_S)
    run_trainings(CACHE, [parent], report)
    house = load_house(PAIRS[pair], appliance)
    test = house.take_days(B_TEST_DAYS, appliance, house.count_days(appliance) - B_TEST_DAYS)
    settings = {"steps": B_STEPS[kind], "learning_rate": RATE, "batch_size": TRAINING["batch_size"]}
    return TransferCurve(
        parent.load_model(CACHE),
        find_appliance(appliance),
        house,
        [test],
        B_DAYS[kind],
        ("convolutions",) if augmented else B_CHOICES,
        SEEDS,
        stagger=B_STAGGER,
        training=settings | (AUGMENTED if augmented else {}),
        threads=1,
    )


def report_curve(pair: str, appliance: str, network: str) -> dict[str, Any] | None:
    """Return the report of a curve, of all seeds that are there; None where none is."""
    source, kind = pair.partition("-")[0], "small" if network == "augmented" else network
    if plan_parent(source, kind, appliance, B_PERIOD_S).find(CACHE) is None:
        return None
    whole = replace(plan_curve(pair, appliance, network), seeds=ALL_SEEDS)
    results = [(point, CACHE.find(whole.part(point))) for point in whole.points]
    known = [(point, result) for point, result in results if result is not None]
    return make_report(whole, known) if known else None


def load_target() -> Recording:
    """Return (c)'s house without the hours in which its mains stood still.

    For 13 of them its dishwasher stood at 2,163 W with them.
    """
    house = load_house("refit_house2_8s", C_APPLIANCE)
    return Clipping(stuck_s=3600).apply(house, find_appliance(C_APPLIANCE))


@cache
def plan_seconds(parent: str, freeze: Freeze, seed: int) -> StudyTraining:
    """Return (c): one fine-tuning, whose wall time counts from the readings in memory on."""
    house = load_target()
    settings = {"steps": C_STEPS[parent], "learning_rate": RATE, "seed": seed}
    return StudyTraining(
        f"seconds-{parent}-{freeze}-seed{seed}",
        C_APPLIANCE,
        [house],
        TRAINING | settings,
        start=plan_parent("ukdale1", parent, C_APPLIANCE, C_PERIOD_S),
        learning="transfer",
        options={"freeze": freeze, "days": C_DAYS, "hold_out": 0},
        tests={TEST: [house.slice(house.jumps[0].sample, len(house))]},
        resumable=False,
    )


def plan_untouched(parent: str) -> StudyTraining:
    """Return a parent of (c), tested as it is."""
    training = plan_parent("ukdale1", parent, C_APPLIANCE, C_PERIOD_S)
    return replace(training, tests=plan_seconds(parent, "none", 0).tests)


def report(line: str, start: str = "") -> None:
    """Print a line at once."""
    print(start + line, flush=True)


def run_appliances(seeds: Sequence[int]) -> None:
    """Make (a); the parents are those of the study of pruning, in its folder."""
    parents = [pruning.plan_stage(A_PARENT, s, parent) for s in seeds for parent in PARENTS]
    run_trainings(pruning.CACHE, parents, report)
    trainings = [
        plan_appliance(appliance, seed, parent, way)
        for seed in seeds
        for appliance in APPLIANCES
        if appliance != A_PARENT
        for parent in PARENTS
        for way in A_WAYS
    ]
    run_trainings(pruning.CACHE, trainings, report, threads=1)


def main() -> None:
    """Make what is not there yet."""
    if "a" in ONLY:
        run_appliances(SEEDS)
    if "b" in ONLY:
        for pair in PAIRS:
            for appliance in B_APPLIANCES:
                for network in B_NETWORKS:
                    curve = plan_curve(pair, appliance, network, report)
                    curve.run(CACHE, partial(report, start=f"{pair} {network}: "))
    if "c" in ONLY:
        run_trainings(CACHE, [plan_untouched(parent) for parent in PARENTS], report)
        trainings = [
            plan_seconds(parent, freeze, seed)
            for seed in SEEDS
            for parent in PARENTS
            for freeze in C_FREEZES
        ]
        run_trainings(CACHE, trainings, report, threads=C_THREADS)
