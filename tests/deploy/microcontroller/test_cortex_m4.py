"""The C on the processor that it is for: linked into 256 KB of flash and 64 KB of RAM, and run in
QEMU.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.deploy.microcontroller.emulated import find_missing, run

from seq2point import Architecture, Model, Recording


def test_a_cortex_m4_predictions_as_the_twin_answers(
    tmp_path: Path,
    house: Callable[..., Recording],
    make_model: Callable[..., Model],
    write: Callable[..., Any],
    placed: Callable[..., np.ndarray],
):
    if missing := find_missing():
        pytest.skip(missing)
    shape = Architecture(window=61, channels=(4, 6), kernels=(9, 5), hidden=12, outputs=2)
    written = write(make_model(shape), tmp_path, house(2000, 1))
    mains_w = house(600, 2).mains_w
    mains_w[100] = np.nan
    answers, instructions = run(written.source, mains_w)
    np.testing.assert_array_equal(
        placed(answers, len(mains_w), shape),
        written.made.network.predict_w(Recording("home", 6.0, mains_w)),
    )
    assert instructions > shape.multiply_adds
