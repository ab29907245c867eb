"""What the models that come with the package cost a microcontroller: bytes, instructions for a
reading, and the energy of a day.

The C is that of `seq2point export NAME --target microcontroller`. Instructions are those of a
Cortex-M4 in QEMU. Cycles and energy are assumptions: CYCLES and JOULES_A_CYCLE.
"""

import tempfile
from pathlib import Path

import numpy as np
from tests.deploy.microcontroller.emulated import count_instructions, find_missing

from seq2point.deploy.c_sizes import measure_sizes
from seq2point.deploy.calibration import simulate_homes
from seq2point.deploy.microcontroller import build_c_export
from seq2point.model import pretrained
from seq2point.model.model_file import Model

CLOCK_HZ = 80e6
CYCLES = 1.5
"""For an instruction: loads take two, and so does a flash that waits. An assumption."""
JOULES_A_CYCLE = 300e-12
"""100 microamperes a megahertz at 3 V, as STM32L476's data sheet gives for its run mode."""
DAY_S = 86400


def main() -> None:
    """Print a row for each model."""
    if missing := find_missing():
        print(f"device: skipped, {missing}")
        return
    print(
        "| model | parameters | flash, bytes | RAM, bytes | instructions a reading | of the"
        " processor | joules a day |",
        "|---|---:|---:|---:|---:|---:|---:|",
        sep="\n",
    )
    for name in pretrained.list_names():
        model = Model.load(pretrained.load_pretrained(name).native)
        calibration = simulate_homes(model)
        mains_w = np.nan_to_num(calibration.mains_w)
        with tempfile.TemporaryDirectory() as folder:
            source, header = Path(folder) / "model.c", Path(folder) / "model.h"
            build_c_export(model, calibration, header.name).write(source, header)
            sizes = measure_sizes(header)
            arm = next(size for by, size in sizes.items() if by.startswith("arm"))
            if isinstance(arm, str):
                raise SystemExit(arm)
            count = count_instructions(source, model.window, mains_w, "-O2")
        cycles = count * CYCLES
        share = cycles / CLOCK_HZ / model.period_s
        joules = cycles * JOULES_A_CYCLE * DAY_S / model.period_s
        print(
            f"| {name} | {model.architecture.parameters:,} | {arm.text:,} | {arm.bss:,} |"
            f" {count:,.0f} | {share:.3%} | {joules:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
