"""Networks for 256 KB of flash and 64 KB of RAM: what their C answers on a real house, beside the
networks they come from.

Goes on from the networks of `experiments pruning` (dense and small): the small
network loses half of its hidden units and a channel of each convolution, and trains on. Its C runs
over all of ukdale_house1_6s_b. Instructions are those of a Cortex-M4 in QEMU.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from experiments.houses import load_ukdale1
from experiments.pruning import CACHE, OURS, load_stage, plan_stage
from tests.deploy.microcontroller.emulated import count_instructions, find_missing

from seq2point.compression.pruning import find_pruner
from seq2point.deploy.c_program import open_source
from seq2point.deploy.c_sizes import measure_sizes
from seq2point.deploy.fixed_point import STEPS_PER_WATT, FixedPoint
from seq2point.deploy.microcontroller import build_c_export, count_cost
from seq2point.model.evaluation import evaluate
from seq2point.model.model_file import Model
from seq2point.predictor import Predictor
from seq2point.recording import Recording, Watts
from seq2point.report.deployment import describe_arithmetic
from seq2point.runtime import ExportMetadata, Runtime
from seq2point.studies.trainings import StudyTraining, run_trainings

FOLDER = Path("runs/microcontroller")
HALVED: dict[str, Any] = {
    "granularity": "both",
    "units_sparsity": 0.5,
    "channels_sparsity": 0.07,
    "sparsity": 0.5,
}
GRADUAL_STEPS = 200
FINETUNE_STEPS = {("kettle", 0): 3000, ("washing_machine", 0): 3000, ("washing_machine", 2): 4000}
SHOWN = ("mae_w", "on_mae_w", "sae", "f1")


class Twin(Runtime):
    """A model that is answered for by its twin in Python."""

    chunk = 1 << 20

    def __init__(self, metadata: ExportMetadata, network: FixedPoint):
        super().__init__(metadata)
        self._network = network

    def _run(self, mains_w: Watts) -> Watts:
        steps = np.stack([self._network.predict_steps(chunk_w) for chunk_w in mains_w])
        return steps.astype(np.float32) / np.float32(STEPS_PER_WATT)


def load_smallest(appliance: str, seed: int, train: Recording) -> Model:
    """Return the network that fits, trained where it is not there yet."""
    pruner = find_pruner("structured", schedule="polynomial", frequency=5, **HALVED)
    gradually = OURS | {"seed": seed, "steps": GRADUAL_STEPS, "learning_rate": 1e-3}
    name = f"{appliance}-seed{seed}"
    pruned = StudyTraining(
        f"{name}-halved",
        appliance,
        [train],
        gradually,
        start=plan_stage(appliance, seed, "small"),
        pruner=pruner,
        compacts=True,
    )
    finetuning = gradually | {"steps": FINETUNE_STEPS[appliance, seed], "learning_rate": 2e-3}
    smallest = StudyTraining(f"{name}-smallest", appliance, [train], finetuning, start=pruned)
    run_trainings(CACHE, [smallest], print, threads=1)
    return smallest.load_model(CACHE)


def row(of: str, name: str, parameters: int, model: Predictor, test: Recording) -> None:
    (found,) = evaluate(model, [test]).metrics.values()
    values = " | ".join(f"{found[metric]:.4g}" for metric in SHOWN)
    print(f"| {of} | {name} | {parameters:,} | {values} |", flush=True)


def main() -> None:
    if not os.environ.get("SEQ2POINT_DATA"):
        print("microcontroller: skipped, SEQ2POINT_DATA is not set")
        return
    print(
        "| appliance | network | parameters | MAE W | on-MAE W | SAE | F1 |",
        "|---|---|---|---|---|---|---|",
        sep="\n",
    )
    costs = []
    for appliance, seed in FINETUNE_STEPS:
        train, test = load_ukdale1(appliance)
        folder, name = FOLDER / f"{appliance}-{seed}", f"{appliance}, seed {seed}"
        folder.mkdir(parents=True, exist_ok=True)
        for stage in ("dense", "small"):
            native = load_stage(appliance, seed, stage)
            row(name, stage, native.architecture.parameters, native, test)
        model = load_smallest(appliance, seed, train)
        parameters, source = model.architecture.parameters, folder / "model.c"
        row(name, "smallest, float", parameters, model, test)
        made = build_c_export(model, train, "model.h")
        made.write(source, folder / "model.h")
        program = open_source(source)
        row(
            name,
            f"smallest, C, features in {made.network.feature_bits} bits",
            parameters,
            program,
            test,
        )
        in_bytes = build_c_export(
            model, train, "model.h", ram_bytes=count_cost(model.architecture, 8).ram_bytes
        )
        row(
            name,
            "smallest, features in 8 bits",
            parameters,
            Twin(program.metadata, in_bytes.network),
            test,
        )
        costs.append(
            (
                name,
                made,
                measure_sizes(folder / "model.h"),
                None
                if find_missing()
                else count_instructions(source, model.window, test.mains_w, "-O2"),
            )
        )
    for name, made, sizes, count in costs:
        print(
            f"\n{name}: {count or 0:,.0f} instructions a reading",
            *describe_arithmetic(made.report()),
            sep="\n",
        )
        print(*(f"{by}: {size}" for by, size in sizes.items()), sep="\n")


if __name__ == "__main__":
    main()
