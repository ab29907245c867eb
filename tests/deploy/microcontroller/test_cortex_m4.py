"""The C on the processor that it is for: linked into 256 KB of flash and 64 KB of RAM, and run in
QEMU.
"""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2point import Architecture, Model, Recording

HERE = Path(__file__).parent / "cortex_m4"
LINK = ("-nostartfiles", "-T", str(HERE / "mps2.ld"))


def test_a_cortex_m4_predictions_as_the_twin_answers(
    tmp_path: Path,
    house: Callable[..., Recording],
    make_model: Callable[..., Model],
    write: Callable[..., Any],
    placed: Callable[..., np.ndarray],
):
    for program in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if not shutil.which(program):
            pytest.skip(f"no {program} here: apt-get install gcc-arm-none-eabi qemu-system-arm")
    shape = Architecture(window=61, channels=(4, 6), kernels=(9, 5), hidden=12, outputs=2)
    written = write(make_model(shape), tmp_path, house(2000, 1))
    mains_w = house(600, 2).mains_w
    mains_w[100] = np.nan
    (tmp_path / "readings.bin").write_bytes(mains_w.astype("<f4").tobytes())
    cc = (
        "arm-none-eabi-gcc",
        "-mcpu=cortex-m4",
        "-mthumb",
        "-Os",
        "-std=c99",
        "-Wall",
        "-Wextra",
        "-Werror",
    )
    sources = (str(HERE / "main.c"), str(written.source))
    subprocess.run(
        [*cc, *LINK, "-I", str(tmp_path), *sources, "-o", str(tmp_path / "program.elf")], check=True
    )
    machine = (
        "-machine",
        "mps2-an386",
        "-nographic",
        "-semihosting-config",
        "enable=on,target=native",
    )
    run = ["qemu-system-arm", *machine, "-kernel", "program.elf"]
    assert (
        subprocess.run(
            run, cwd=tmp_path, stdin=subprocess.DEVNULL, timeout=120, check=False
        ).returncode
        == 0
    )
    answers_w = placed((tmp_path / "answers.bin").read_bytes(), len(mains_w), shape)
    np.testing.assert_array_equal(
        answers_w, written.made.network.predict_w(Recording("home", 6.0, mains_w))
    )
