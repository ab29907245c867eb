"""The threads of the kernels: any number gives the same numbers, wherever they are called from."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from seq2point.kernels import Shape, load_kernels

kernels = load_kernels()
pytestmark = pytest.mark.skipif(kernels is None, reason="no C compiler here")
CHANNELS, TAPS, HIDDEN, OUTPUTS, BLOCKS, LENGTH = 21, 40, 70, 2, 7, 160

FORK = """
import os
import numpy as np
from tests.kernels.test_threads import train

before = train(3)
child = os.fork()
if not child:
    after = train(3)
    os._exit(0 if all(np.array_equal(a, b) for a, b in zip(before, after)) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def train(threads: int, seed: int = 0) -> list[np.ndarray]:
    """Predictions of blocks, and the gradients of features, weights, biases and outputs."""
    assert kernels is not None
    random = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    shape = Shape(CHANNELS, TAPS, HIDDEN, OUTPUTS, BLOCKS, LENGTH, LENGTH - TAPS + 1, threads)
    shape.channel_stride, shape.block_stride, shape.samples = LENGTH, CHANNELS * LENGTH, LENGTH
    features, w, b = draw(BLOCKS, CHANNELS, LENGTH), draw(HIDDEN, CHANNELS, TAPS), draw(HIDDEN)
    v, gradient = draw(OUTPUTS, HIDDEN), draw(OUTPUTS, BLOCKS, shape.hop)
    spectra = np.empty(kernels.count_spectra(shape), np.float32)
    kept = np.empty(kernels.count_kept(shape) + 16, np.float32)
    kept = kept[-kept.ctypes.data % 64 // 4 :]  # vectors lie at multiples of 64 bytes
    found = [np.empty_like(each) for each in (gradient, features, w, b, v)]
    read = [each.ctypes.data for each in (features, w, b, v, spectra, kept, found[0])]
    kernels.forward(shape, *read)
    read = [each.ctypes.data for each in (w, v, gradient, spectra, kept, *found[1:])]
    kernels.backward(shape, *read)
    return found


@pytest.mark.parametrize("threads", [2, 5, 40])
def test_any_number_of_threads_trains_alike_to_the_last_bit(threads: int) -> None:
    for several, alone in zip(train(threads), train(1), strict=True):
        np.testing.assert_array_equal(several, alone)


def test_callers_at_the_same_time_get_their_own_numbers() -> None:
    with ThreadPoolExecutor(4) as callers:
        results = list(callers.map(lambda seed: train(3, seed % 3), range(24)))
    for seed, found in enumerate(results):
        for several, alone in zip(found, train(1, seed % 3), strict=True):
            np.testing.assert_array_equal(several, alone)


def test_a_forked_process_starts_threads_of_its_own() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
    assert not subprocess.run(
        command, timeout=60, env=os.environ | {"PYTHONPATH": paths}
    ).returncode
