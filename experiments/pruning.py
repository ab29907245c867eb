"""What pruning costs and gives on a real house.

    python -m experiments pruning            everything (hours); SEQ2POINT_SEEDS=0 for one seed
    python -m experiments pruning_table      tables and picture of the results that are there

Trained on ukdale_house1_6s_a (its last 20 % is the validation block), tested on ukdale_house1_6s_b.

    dense       a parent, 320 steps
    pruned      from the parent: structured pruning on a schedule, 100 steps, compacted
    small       the compacted network, 2,000 steps more
    longer      the parent, dense as it is, 400 steps more (the first seed alone)
    scratch     the small architecture from fresh weights, 3,000 steps, which cost less than the
                other three together
    methods     from the parent: every method at 50, 70, 87 and 95 %, 100 steps (some with the first
                seed alone)
"""

from functools import cache
from typing import Any

from experiments.houses import list_seeds, load_ukdale1
from seq2point.appliances import APPLIANCES
from seq2point.compression.pruning import find_pruner
from seq2point.model.model_file import Model
from seq2point.studies import ResultCache
from seq2point.studies.trainings import StudyTraining, run_trainings

CACHE = ResultCache("runs/pruning")
TEST = "test"
SEEDS = list_seeds("0,1,2")
DENSE_STEPS, GRADUAL_STEPS, FINETUNE_STEPS, METHOD_STEPS = 320, 100, 2000, 100
SCRATCH_STEPS, LONGER_STEPS = 3000, 400
TRAINING: dict[str, Any] = {"batch_size": 8 * 727, "patience": 1000}
OURS: dict[str, Any] = TRAINING | {"clipped": False}
SMALL: dict[str, Any] = {
    "granularity": "both",
    "units_sparsity": 0.9375,
    "channels_sparsity": 0.73,
    "sparsity": 0.9,
}
SPARSITIES = (0.5, 0.7, 0.87, 0.95)
METHODS: dict[str, dict[str, Any]] = {
    "random": {"schedule": "polynomial", "frequency": 5},
    "magnitude": {"schedule": "polynomial", "frequency": 5},
    "structured": {"schedule": "polynomial", "frequency": 5, "granularity": "units"},
    "spp": {"A": 0.2},
    "entropic": {},
}
SEED_0_METHODS: dict[str, dict[str, Any]] = {
    "global_magnitude": {"schedule": "polynomial", "frequency": 5},
    "lamp": {"schedule": "polynomial", "frequency": 15},
    "threshold": {},
}
METHODS_FOR = ("kettle", "fridge")
STAGES = ("dense", "longer", "small", "scratch")


@cache
def plan_stage(appliance: str, seed: int, stage: str) -> StudyTraining:
    """Return one of the trainings 'dense', 'pruned', 'small', 'longer' and 'scratch'."""
    if stage == "dense":
        return _plan(appliance, seed, stage, DENSE_STEPS)
    if stage == "small":
        pruned = plan_stage(appliance, seed, "pruned")
        return _plan(appliance, seed, stage, FINETUNE_STEPS, 2e-3, start=pruned)
    if stage == "scratch":
        small = plan_stage(appliance, seed, "small")
        rate = 1e-3
        return _plan(
            appliance, seed, stage, SCRATCH_STEPS, rate, start=small, learning="from scratch"
        )
    dense = plan_stage(appliance, seed, "dense")
    if stage == "longer":
        return _plan(appliance, seed, stage, LONGER_STEPS, 2e-3, start=dense)
    pruner = find_pruner("structured", schedule="polynomial", frequency=5, **SMALL)
    return _plan(
        appliance, seed, stage, GRADUAL_STEPS, 1e-3, start=dense, pruner=pruner, compacts=True
    )


@cache
def plan_method(appliance: str, seed: int, method: str, sparsity: float) -> StudyTraining:
    """Return the training of a method at a sparsity, from the dense network."""
    pruner = find_pruner(method, sparsity=sparsity, **(METHODS | SEED_0_METHODS)[method])
    dense = plan_stage(appliance, seed, "dense")
    name = f"{method}-{sparsity:g}"
    return _plan(appliance, seed, name, METHOD_STEPS, 1e-3, start=dense, pruner=pruner)


def _plan(
    appliance: str,
    seed: int,
    name: str,
    steps: int,
    learning_rate: float | None = None,
    **more: Any,
) -> StudyTraining:
    train, test = load_ukdale1(appliance)
    settings = OURS | {"steps": steps, "seed": seed}
    if learning_rate is not None:
        settings["learning_rate"] = learning_rate
    return StudyTraining(
        f"{appliance}-seed{seed}-{name}", appliance, [train], settings, tests={TEST: [test]}, **more
    )


def plan_grid() -> list[StudyTraining]:
    """Return all trainings, in the order in which they are made."""
    trainings = [
        plan_stage(appliance, seed, stage)
        for seed in SEEDS
        for appliance in APPLIANCES
        for stage in ("dense", "pruned", "small", "scratch")
    ]
    trainings += [plan_stage(appliance, SEEDS[0], "longer") for appliance in APPLIANCES]
    trainings += [
        plan_method(appliance, seed, method, sparsity)
        for methods, seeds in ((METHODS, SEEDS), (SEED_0_METHODS, SEEDS[:1]))
        for seed in seeds
        for appliance in METHODS_FOR
        for method in methods
        for sparsity in SPARSITIES
    ]
    return trainings


def load_stage(appliance: str, seed: int, stage: str) -> Model:
    """Return the network of a stage, made where it is not there yet."""
    training = plan_stage(appliance, seed, stage)
    run_trainings(CACHE, [training], print)
    return training.load_model(CACHE)


def main() -> None:
    """Make what is not there yet; a method that cannot reach a sparsity is skipped."""
    run_trainings(CACHE, plan_grid(), lambda line: print(line, flush=True), skip_errors=True)
