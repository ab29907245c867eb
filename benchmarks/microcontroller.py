"""Networks for 256 KB of flash and 64 KB of RAM: what their C answers on a real house, beside the networks they come from.

Goes on from the pieces of `benchmarks pruning` (dense and small, in runs/pruning): the small network loses half of its hidden
units and a channel of each convolution, and trains on. Its C runs over all of ukdale_house1_6s_b. Instructions are those of a
Cortex-M4 in QEMU.
"""

import os
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pruning import FOLDER as PIECES
from benchmarks.pruning import TRAINING, houses
from seq2point.compaction import compact
from seq2point.deploy.fixed_point import FixedPoint
from seq2point.deploy.microcontroller import Written, cost, write
from seq2point.evaluation import evaluate
from seq2point.model_file import Model
from seq2point.pruning import PRUNERS
from seq2point.recording import Recording, Watts
from seq2point.training import train_with_history

FOLDER = Path("runs/microcontroller")
TESTS = Path(__file__).parent.parent / "tests" / "deploy"
HALVED: dict[str, Any] = {"granularity": "both", "units_sparsity": 0.5, "channels_sparsity": 0.07, "sparsity": 0.5}
GRADUAL_STEPS = 200
FINETUNE_STEPS = {("kettle", 0): 3000, ("washing_machine", 0): 3000, ("washing_machine", 2): 4000}
SHOWN = ("mae_w", "on_mae_w", "sae", "f1")
CORTEX_M4 = (
    "arm-none-eabi-gcc",
    "-mcpu=cortex-m4",
    "-mthumb",
    "-O2",
    "-std=c99",
    "-nostartfiles",
    "-T",
    str(TESTS / "cortex_m4/mps2.ld"),
)
QEMU = (
    "qemu-system-arm",
    "-machine",
    "mps2-an386",
    "-nographic",
    "-icount",
    "shift=0",
    "-semihosting-config",
    "enable=on,target=native",
)
INSTRUCTIONS_A_TICK = 40


@dataclass
class InC(Model):
    """A model that is answered for by a program of its C."""

    program: Path = Path()

    def predict_w(self, recording: Recording, *_: Any, **__: Any) -> Watts:
        shape = self.architecture
        done = subprocess.run(
            [str(self.program)], input=recording.mains_w.astype("<f4").tobytes(), capture_output=True, check=True
        )
        records = np.frombuffer(done.stdout, dtype=[("answered", "u1"), ("power_w", "<f4", (shape.outputs,))])
        late = shape.window - 1 - shape.target_index
        power_w = np.full((len(recording), shape.outputs), np.nan, dtype=np.float32)
        power_w[: len(power_w) - late] = np.where(records["answered"][late:, None] == 1, records["power_w"][late:], np.nan)
        return power_w


@dataclass
class InWholeNumbers(Model):
    """A model that is answered for by its twin in Python."""

    twin: FixedPoint | None = None

    def predict_w(self, recording: Recording, *_: Any, **__: Any) -> Watts:
        assert self.twin is not None
        return self.twin.predict_w(recording)


def smallest(appliance: str, seed: int, train: Recording) -> Model:
    """The network that fits, trained where it is not there yet."""
    path = FOLDER / f"{appliance}-{seed}.safetensors"
    if not path.exists():
        parent = Model.load(PIECES / f"{appliance}-{seed}-small.safetensors")
        pruner = PRUNERS["structured"](schedule="polynomial", frequency=5, **HALVED)
        options: dict[str, Any] = {**TRAINING, "seed": seed, "threads": 1}
        pruned = train_with_history(
            train, appliance, start=parent, pruning=pruner, steps=GRADUAL_STEPS, learning_rate=1e-3, **options
        )
        start = compact(pruned.model)
        steps = FINETUNE_STEPS[appliance, seed]
        train_with_history(train, appliance, start=start, steps=steps, learning_rate=2e-3, **options).model.save(path)
    return Model.load(path)


def program(written: Written) -> Path:
    path = written.source.with_name("program")
    sources = (str(TESTS / "feed.c"), str(written.source))
    subprocess.run(["cc", "-std=c99", "-O2", "-I", str(path.parent), *sources, "-o", str(path)], check=True)
    return path


def instructions(written: Written, mains_w: Watts) -> float | None:
    """Of a Cortex-M4 for a reading that is answered: the difference between two runs, one of 100 readings more."""
    folder = written.source.parent
    ticks = []
    for readings in (written.network.window, written.network.window + 100):
        (folder / "readings.bin").write_bytes(mains_w[:readings].astype("<f4").tobytes())
        try:
            sources = (str(TESTS / "cortex_m4/main.c"), str(written.source))
            subprocess.run([*CORTEX_M4, "-I", str(folder), *sources, "-o", str(folder / "m4.elf")], check=True)
            subprocess.run([*QEMU, "-kernel", "m4.elf"], cwd=folder, stdin=subprocess.DEVNULL, check=True)
        except FileNotFoundError:
            return None
        ticks.append(int(np.fromfile(folder / "ticks.bin", dtype="<u4")[0]))
    return (ticks[1] - ticks[0]) * INSTRUCTIONS_A_TICK / 100


def row(of: str, name: str, model: Model, test: Recording) -> None:
    (found,) = evaluate(model, [test]).metrics.values()
    values = " | ".join(f"{found[metric]:.4g}" for metric in SHOWN)
    print(f"| {of} | {name} | {model.architecture.parameters:,} | {values} |", flush=True)


def main() -> None:
    if not os.environ.get("SEQ2POINT_DATA"):
        print("microcontroller: skipped, SEQ2POINT_DATA is not set")
        return
    print("| appliance | network | parameters | MAE W | on-MAE W | SAE | F1 |", "|---|---|---|---|---|---|---|", sep="\n")
    costs = []
    for appliance, seed in FINETUNE_STEPS:
        train, test = houses(appliance)
        folder, name = FOLDER / f"{appliance}-{seed}", f"{appliance}, seed {seed}"
        (folder / "bytes").mkdir(parents=True, exist_ok=True)
        for stage in ("dense", "small"):
            row(name, stage, Model.load(PIECES / f"{appliance}-{seed}-{stage}.safetensors"), test)
        model = smallest(appliance, seed, train)
        row(name, "smallest, float", model, test)
        values = {field.name: getattr(model, field.name) for field in fields(Model)}
        written = write(model, folder, train)
        row(name, f"smallest, C, features in {written.network.feature_bits} bits", InC(**values, program=program(written)), test)
        in_bytes = write(model, folder / "bytes", train, ram_bytes=cost(model.architecture, 8).ram_bytes)
        row(name, "smallest, features in 8 bits", InWholeNumbers(**values, twin=in_bytes.network), test)
        costs.append((name, written, instructions(written, test.mains_w)))
    for name, written, count in costs:
        print(f"\n{name}: {count or 0:,.0f} instructions a reading, {written.differences_w}")
        print(*(" ".join(cells) for cells in written.rows()), *written.notes(), sep="\n")


if __name__ == "__main__":
    main()
