"""What a trained network is worth to another appliance and to another house, in pieces that are
kept.

    python -m benchmarks transfer            everything, or a share by environment variables
    python -m benchmarks transfer_table      the tables and the picture of the pieces that are there

The variables are SEQ2POINT_ONLY=a, b or c and SEQ2POINT_SEEDS=0. Parents are 'dense', the paper's
network, and 'small', pruned from it by structure and compacted.
Every training of a comparison takes the same steps. Expected on one free core: (a) 25 minutes, (b)
an hour, (c) 10 minutes; no piece much above 40 s. Run again it goes on where it stopped; two
processes may share it by seeds, once the first has made the parents.

    a   another appliance in the house, UK-DALE house 1 at 6 s: the washing machine's parents (those
        of `benchmarks pruning`) to the other four, convolutions frozen, against the same
        architecture from fresh weights; trained on ukdale_house1_6s_a, tested on ukdale_house1_6s_b
    b   another house at 30 s, windows of 199 samples: REFIT house 2 to REFIT house 20, and UK-DALE
        house 1 (its 6 s averaged) to REFIT house 2; curves over days of labels
        (experiment/curve.py), tested on the target's last 60 days of readings. Each seed learns
        from days of its own, 28 after those of the seed before. By default frozen layers are
        without augmentation, so 'augmented' is the small network's frozen curve with what the
        others have
    c   seconds: UK-DALE house 1 at 8 s (its 6 s averaged) to 7 days of REFIT house 2, the
        dishwasher, 2 threads, tested on the fortnight nine months later

The parents of b and c learn with synthetic loads and stretched programmes, as those that go to
other houses should.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import pruning
from benchmarks.pruning import SEEDS, SMALL, keep, measured
from seq2point.appliances import APPLIANCES, find_appliance
from seq2point.choices import Freeze
from seq2point.compression.compaction import compact
from seq2point.compression.pruning import PRUNERS
from seq2point.configuration.training import GAIN, TRANSPLANT
from seq2point.data.clipping import Clipping
from seq2point.data.table import load_recording
from seq2point.model.model_file import Model
from seq2point.network import Architecture
from seq2point.recording import Recording
from seq2point.report.transfer_curve import make_report
from seq2point.studies import ResultCache
from seq2point.studies.transfer_curve import FROM_NOTHING, TransferCurve
from seq2point.system.atomic_files import write_json
from seq2point.training import train_with_history
from seq2point.training.transfer import train_from_scratch, transfer

FOLDER = Path("runs/transfer")
ALL_SEEDS = (0, 1, 2)
ONLY = os.environ.get("SEQ2POINT_ONLY", "abc")
TRAINING: dict[str, Any] = {"batch_size": 8 * 727, "patience": 1000, "progress": False}
PARENTS = ("dense", "small")
RATE = 3e-3
AUGMENTED = {"transplant": TRANSPLANT, "gain": GAIN}
FOR_OTHER_HOUSES = {"loads": 3, "stretch": 0.25, "absolute": 0.1}  # as in protocols/one_minute.toml

A_STEPS, A_RATES = {"dense": 60, "small": 1000}, {"dense": RATE, "small": 1e-3}

B_SHAPE, B_PERIOD_S, B_TEST_DAYS, B_STAGGER = Architecture(window=199), 30.0, 60.0, 28.0
B_STEPS = {"dense": 120, "small": 600}
B_DAYS = {"dense": (0, 7, 28), "small": (0, 1, 7, 28)}
B_APPLIANCES = ("kettle", "washing_machine")
B_CHOICES = ("none", "convolutions", FROM_NOTHING)
PAIRS = {"refit2-refit20": "refit_house20_30s", "ukdale1-refit2": "refit_house2_30s"}
B_SOURCE_DAYS = 100.0

C_APPLIANCE, C_PERIOD_S, C_DAYS, C_THREADS = "dishwasher", 8.0, 7.0, 2
C_STEPS = {"dense": 60, "small": 400}
C_FREEZES: tuple[Freeze, ...] = ("convolutions", "none")

ROUNDS = {B_PERIOD_S: ((140, RATE), (140, 2e-3), (140, 1e-3)), C_PERIOD_S: ((70, RATE), (70, 2e-3))}
PRUNING_STEPS = {B_PERIOD_S: 60, C_PERIOD_S: 40}
SMALL_STEPS = 800


def load(name: str, appliance: str, period_s: float | None = None) -> Recording:
    return load_recording(
        Path(os.environ["SEQ2POINT_DATA"]) / f"{name}.parquet", [appliance], period_s
    )


def pieces() -> Iterator[object]:
    """Make every piece that is not there yet."""
    if "a" in ONLY:
        for seed in SEEDS:
            for appliance in APPLIANCES:
                if appliance != "washing_machine":
                    yield from to_appliance(appliance, seed)
    if "b" in ONLY:
        for pair in PAIRS:
            for appliance in B_APPLIANCES:
                for parent in PARENTS:
                    yield to_house(pair, appliance, parent)
                yield to_house(pair, appliance, "small", augmented=True)
    if "c" in ONLY:
        for seed in SEEDS:
            for parent in PARENTS:
                for freeze in C_FREEZES:
                    yield in_seconds(parent, freeze, seed)


def to_appliance(appliance: str, seed: int) -> Iterator[Path]:
    train, test = pruning.houses(appliance)
    begun = pruning.houses("washing_machine")
    for parent in PARENTS:
        pruning.dense("washing_machine", seed, *begun)
        if parent == "small":
            pruning.small("washing_machine", seed, *begun)
        model = Model.load(pruning.FOLDER / f"washing_machine-{seed}-{parent}.safetensors")
        for way in ("frozen", "fresh"):
            path = FOLDER / f"a-{appliance}-{seed}-{parent}-{way}.json"
            if not path.exists():
                learn = transfer if way == "frozen" else train_from_scratch
                options = {
                    "steps": A_STEPS[parent],
                    "learning_rate": A_RATES[parent],
                    "seed": seed,
                    "threads": 1,
                    **TRAINING,
                }
                trained = learn(model, train, find_appliance(appliance), **options)
                keep(
                    path,
                    measured(trained.model, test, seconds=trained.seconds, history=trained.history),
                )
            yield path


def parent_of(
    name: str, kind: str, houses: list[Recording], appliance: str, shape: Architecture
) -> Model:
    """A parent as it was made before, or made now: the dense one in rounds of a lower and lower
    rate, the small one from it.
    """
    period_s = houses[0].period_s
    model: Model | None = None
    for i, (steps, rate) in enumerate(ROUNDS[period_s]):
        path = FOLDER / f"parent-{name}-{appliance}-dense{i}.safetensors"
        if not path.exists():
            options = {"network": shape} if model is None else {"start": model}
            options |= FOR_OTHER_HOUSES | TRAINING
            train_with_history(
                houses, appliance, steps=steps, learning_rate=rate, **options
            ).model.save(path)
            print(path.stem, flush=True)
        model = Model.load(path)
    if kind == "dense":
        return model
    path = FOLDER / f"parent-{name}-{appliance}-small.safetensors"
    if not path.exists():
        pruner = PRUNERS["structured"](schedule="polynomial", frequency=5, **SMALL)
        options = {"learning_rate": 1e-3, **FOR_OTHER_HOUSES, **TRAINING}
        pruned = train_with_history(
            houses, appliance, start=model, pruning=pruner, steps=PRUNING_STEPS[period_s], **options
        )
        options["learning_rate"] = 2e-3
        train_with_history(
            houses, appliance, start=compact(pruned.model), steps=SMALL_STEPS, **options
        ).model.save(path)
        print(path.stem, flush=True)
    return Model.load(path)


def ukdale1(appliance: str, period_s: float) -> list[Recording]:
    return [load(f"ukdale_house1_6s_{part}", appliance, period_s) for part in "ab"]


def to_house(pair: str, appliance: str, parent: str, augmented: bool = False) -> Path:
    """The curve of one parent; its report is of all seeds that are there, whichever process made
    them.
    """
    source, name = pair.partition("-")[0], "augmented" if augmented else parent
    if source == "ukdale1":
        begun = ukdale1(appliance, B_PERIOD_S)
    else:
        begun = [load("refit_house2_30s", appliance).take_days(B_SOURCE_DAYS, appliance)]
    house = load(PAIRS[pair], appliance)
    test = house.take_days(B_TEST_DAYS, appliance, house.count_days(appliance) - B_TEST_DAYS)
    curve = TransferCurve(
        parent_of(source, parent, begun, appliance, B_SHAPE),
        find_appliance(appliance),
        house,
        [test],
        B_DAYS[parent],
        ("convolutions",) if augmented else B_CHOICES,
        SEEDS,
        stagger=B_STAGGER,
        training={
            "steps": B_STEPS[parent],
            "learning_rate": RATE,
            "batch_size": TRAINING["batch_size"],
        }
        | (AUGMENTED if augmented else {}),
        threads=1,
    )
    store = ResultCache(FOLDER / "parts", any_code=True)
    curve.run(store, lambda line: print(f"{pair} {name}: {line}", flush=True))
    whole = replace(curve, seeds=ALL_SEEDS)
    there = [
        (point, result)
        for point in whole.points
        if (result := store.found(whole.part(point))) is not None
    ]
    path = FOLDER / f"b-{pair}-{appliance}-{name}.json"
    write_json(make_report(whole, there), path)
    return path


def moving(house: Recording) -> Recording:
    """A house without the hours in which its mains stood still; for 13 of them its dishwasher stood
    at 2,163 W with them.
    """
    return Clipping(stuck_s=3600).apply(house, find_appliance(C_APPLIANCE))


def in_seconds(parent: str, freeze: Freeze, seed: int) -> Path:
    """What one fine-tuning costs, from the readings in memory to the model."""
    path = FOLDER / f"c-{parent}-{freeze}-{seed}.json"
    if path.exists():
        return path
    model = parent_of(
        "ukdale1", parent, ukdale1(C_APPLIANCE, C_PERIOD_S), C_APPLIANCE, Architecture()
    )
    house = moving(load("refit_house2_8s", C_APPLIANCE))
    test = house.slice(house.jumps[0].sample, len(house))
    start = time.perf_counter()
    trained = transfer(
        model,
        house,
        freeze=freeze,
        days=C_DAYS,
        hold_out=0,
        steps=C_STEPS[parent],
        learning_rate=RATE,
        seed=seed,
        threads=C_THREADS,
        **TRAINING,
    )
    wall_s = time.perf_counter() - start
    piece = measured(trained.model, test, seconds=wall_s, before=measured(model, test)["metrics"])
    return keep(path, piece)


def main() -> None:
    if not os.environ.get("SEQ2POINT_DATA"):
        print("transfer: skipped, SEQ2POINT_DATA is not set")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for _ in pieces():
        pass
