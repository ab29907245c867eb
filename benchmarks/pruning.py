"""What pruning costs and gives on a real house, in pieces that are kept: run it again and it goes
on where it stopped.

    python -m benchmarks pruning            everything, seeds 0 to 2: hours
    python -m benchmarks pruning_table      the tables and the picture of the pieces that are there

SEQ2POINT_SEEDS=0 runs one seed. Trained on ukdale_house1_6s_a (its last 20 % is the validation
block), tested on ukdale_house1_6s_b. Every piece is a JSON file in runs/pruning, dense and
compacted models lie beside them.

    dense       a parent, DENSE_STEPS steps
    small       from the parent: structured pruning on a schedule (GRADUAL_STEPS), compaction,
                FINETUNE_STEPS more
    longer      the parent, dense as it is, LONGER_STEPS more: what it had not learned yet (the
                first seed alone)
    scratch     the small architecture from fresh weights, SCRATCH_STEPS steps, which cost less
                than all three together
    methods     from the parent: every method at 50, 70, 87 and 95 %, METHOD_STEPS steps (some with
                the first seed alone)
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seq2point.appliances import APPLIANCES
from seq2point.compression.compaction import compact
from seq2point.compression.pruning import PRUNERS
from seq2point.data.table import load_recording
from seq2point.errors import Seq2PointError
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.recording import Recording
from seq2point.system.atomic_files import write_json
from seq2point.training import train_with_history

FOLDER = Path("runs/pruning")
SEEDS = tuple(map(int, os.environ.get("SEQ2POINT_SEEDS", "0,1,2").split(",")))
DENSE_STEPS, GRADUAL_STEPS, FINETUNE_STEPS, METHOD_STEPS = 320, 100, 2000, 100
SCRATCH_STEPS, LONGER_STEPS = 3000, 400
TRAINING: dict[str, Any] = {
    "batch_size": 8 * 727,
    "patience": 1000,
    "progress": False,
    "clipped": False,
}
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


def houses(appliance: str) -> tuple[Recording, Recording]:
    """The recording to train on and the one to test on."""
    folder = Path(os.environ["SEQ2POINT_DATA"])
    train, test = (
        load_recording(folder / f"ukdale_house1_6s_{part}.parquet", [appliance]) for part in "ab"
    )
    return train, test


def measured(model: Model, test: Recording, **more: Any) -> dict[str, Any]:
    """A piece: what a model reaches on the test recording, and its size."""
    evaluation = evaluate(model, [test])
    appliance = model.appliances[0].name
    baselines = {name: metrics[appliance] for name, metrics in evaluation.baselines.items()}
    size = {
        "parameters": model.architecture.parameters,
        "multiply_adds": model.architecture.multiply_adds,
    }
    removed = (
        1
        - sum(int(p.count_nonzero()) for p in model.network.parameters())
        / Model.untrained(appliance, model.period_s).architecture.parameters
    )
    return {
        "metrics": evaluation.metrics[appliance],
        "baselines": baselines,
        "removed": removed,
        **size,
        **more,
    }


def pieces() -> Iterator[Path]:
    """Make every piece that is not there yet."""
    for seed in SEEDS:
        for appliance in APPLIANCES:
            train, test = houses(appliance)
            yield dense(appliance, seed, train, test)
            yield small(appliance, seed, train, test)
            yield scratch(appliance, seed, train, test)
    for appliance in APPLIANCES:
        train, test = houses(appliance)
        yield longer(appliance, SEEDS[0], train, test)
    for methods, seeds in ((METHODS, SEEDS), (SEED_0_METHODS, SEEDS[:1])):
        for seed in seeds:
            for appliance in METHODS_FOR:
                train, test = houses(appliance)
                for method, settings in methods.items():
                    for sparsity in SPARSITIES:
                        yield method_at(method, settings, sparsity, appliance, seed, train, test)


def keep(path: Path, piece: dict[str, Any], model: Model | None = None) -> Path:
    if model is not None:
        model.save(path.with_suffix(".safetensors"))
    write_json(piece, path)
    metrics = piece["metrics"]
    print(
        f"{path.stem:44} MAE {metrics['mae_w']:.2f} W  on-MAE {metrics['on_mae_w']:.0f} W  F1"
        f" {metrics['f1']:.3f}",
        flush=True,
    )
    return path


def dense(appliance: str, seed: int, train: Recording, test: Recording) -> Path:
    path = FOLDER / f"{appliance}-{seed}-dense.json"
    if not path.exists():
        trained = train_with_history(train, appliance, steps=DENSE_STEPS, seed=seed, **TRAINING)
        keep(
            path,
            measured(trained.model, test, seconds=trained.seconds, history=trained.history),
            trained.model,
        )
    return path


def small(appliance: str, seed: int, train: Recording, test: Recording) -> Path:
    path = FOLDER / f"{appliance}-{seed}-small.json"
    if path.exists():
        return path
    parent = Model.load(FOLDER / f"{appliance}-{seed}-dense.safetensors")
    pruner = PRUNERS["structured"](schedule="polynomial", frequency=5, **SMALL)
    options: dict[str, Any] = {"seed": seed, **TRAINING}
    pruned = train_with_history(
        train,
        appliance,
        start=parent,
        pruning=pruner,
        steps=GRADUAL_STEPS,
        learning_rate=1e-3,
        **options,
    )
    compacted = compact(pruned.model)
    before = measured(compacted, test)
    tuned = train_with_history(
        train, appliance, start=compacted, steps=FINETUNE_STEPS, learning_rate=2e-3, **options
    )
    seconds = (
        json.loads((FOLDER / f"{appliance}-{seed}-dense.json").read_text())["seconds"]
        + pruned.seconds
        + tuned.seconds
    )
    piece = measured(
        tuned.model,
        test,
        seconds=seconds,
        before_finetuning=before["metrics"],
        history=tuned.history,
    )
    return keep(path, piece, tuned.model)


def scratch(appliance: str, seed: int, train: Recording, test: Recording) -> Path:
    path = FOLDER / f"{appliance}-{seed}-scratch.json"
    if not path.exists():
        like = Model.load(FOLDER / f"{appliance}-{seed}-small.safetensors").architecture
        trained = train_with_history(
            train,
            appliance,
            network=like,
            steps=SCRATCH_STEPS,
            learning_rate=1e-3,
            seed=seed,
            **TRAINING,
        )
        keep(
            path,
            measured(trained.model, test, seconds=trained.seconds, history=trained.history),
            trained.model,
        )
    return path


def longer(appliance: str, seed: int, train: Recording, test: Recording) -> Path:
    path = FOLDER / f"{appliance}-{seed}-longer.json"
    if not path.exists():
        parent = Model.load(FOLDER / f"{appliance}-{seed}-dense.safetensors")
        trained = train_with_history(
            train,
            appliance,
            start=parent,
            steps=LONGER_STEPS,
            learning_rate=2e-3,
            seed=seed,
            **TRAINING,
        )
        seconds = (
            json.loads((FOLDER / f"{appliance}-{seed}-dense.json").read_text())["seconds"]
            + trained.seconds
        )
        keep(path, measured(trained.model, test, seconds=seconds, history=trained.history))
    return path


def method_at(
    method: str,
    settings: dict[str, Any],
    sparsity: float,
    appliance: str,
    seed: int,
    train: Recording,
    test: Recording,
) -> Path:
    path = FOLDER / f"{appliance}-{seed}-{method}-{sparsity:g}.json"
    if path.exists():
        return path
    parent = Model.load(FOLDER / f"{appliance}-{seed}-dense.safetensors")
    try:
        pruner = PRUNERS[method](sparsity=sparsity, **settings)
        trained = train_with_history(
            train,
            appliance,
            start=parent,
            pruning=pruner,
            steps=METHOD_STEPS,
            learning_rate=1e-3,
            seed=seed,
            **TRAINING,
        )
    except Seq2PointError as error:
        print(f"{path.stem:44} {error}", flush=True)
        return path
    return keep(path, measured(trained.model, test, seconds=trained.seconds))


def main() -> None:
    if not os.environ.get("SEQ2POINT_DATA"):
        print("pruning: skipped, SEQ2POINT_DATA is not set")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for _ in pieces():
        pass
