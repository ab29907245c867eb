"""A Cortex-M4 in QEMU: C that is linked into 256 KB of flash and 64 KB of RAM, and run."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

from seq2point.recording import Watts

HERE = Path(__file__).parent / "cortex_m4"
CC = "arm-none-eabi-gcc"
TARGET = ("-mcpu=cortex-m4", "-mthumb", "-nostartfiles", "-T", str(HERE / "mps2.ld"))
QEMU = (
    *("qemu-system-arm", "-machine", "mps2-an386", "-nographic", "-icount", "shift=0"),
    *("-semihosting-config", "enable=on,target=native", "-kernel", "program.elf"),
)
INSTRUCTIONS_A_TICK = 40
COUNTED = 100


def find_missing() -> str | None:
    """Return what is not installed, and how to have it; None where all is."""
    for program in (CC, QEMU[0]):
        if not shutil.which(program):
            return f"no {program} here: apt-get install gcc-arm-none-eabi qemu-system-arm"
    return None


def run(source: Path, mains_w: Watts, optimise: str = "-Os") -> tuple[bytes, int]:
    """Return the answers to readings f32[T], and the instructions that they took.

    `source` is a model.c beside its header; the files of the run go to its folder. Raises
    CalledProcessError where the C does not fit, and where its self-test fails.
    """
    folder = source.parent
    (folder / "readings.bin").write_bytes(mains_w.astype("<f4").tobytes())
    flags = (optimise, "-std=c99", "-Wall", "-Wextra", "-Werror", "-I", str(folder))
    sources = (str(HERE / "main.c"), str(source), "-o", str(folder / "program.elf"))
    subprocess.run([CC, *TARGET, *flags, *sources], check=True)
    subprocess.run(QEMU, cwd=folder, stdin=subprocess.DEVNULL, timeout=300, check=True)
    ticks = int(np.fromfile(folder / "ticks.bin", dtype="<u4")[0])
    return (folder / "answers.bin").read_bytes(), ticks * INSTRUCTIONS_A_TICK


def count_instructions(source: Path, window: int, mains_w: Watts, optimise: str) -> float:
    """Return the instructions for a reading that is answered.

    They are the difference between two runs, one of 100 readings more. Raises as `run` does.
    """
    counts = [run(source, mains_w[:end], optimise)[1] for end in (window, window + COUNTED)]
    return (counts[1] - counts[0]) / COUNTED
