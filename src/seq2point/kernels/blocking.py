"""How a series is cut for the kernels: passes of blocks, by the cost of their transforms."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

from seq2point.architecture import Architecture
from seq2point.kernels.fft_lengths import find_fast_length
from seq2point.kernels.library import Shape

LANES = 16
"""Series that the kernels transform at once."""
LENGTHS = [n for n in range(32, 4097, 32) if find_fast_length(n) == n]
"""Lengths of transforms to choose from."""
CACHED = 2048
"""Points of the longest transform of which LANES fit a common processor's second-level cache."""
FEWEST_BLOCKS = 32
"""The fewest blocks of a pass, however little memory there is: with fewer, the spectra of the
weights, which each pass computes anew, would take longer than the windows."""
FLOAT_BYTES = 4


def has_one_hidden(shape: Architecture) -> bool:
    """Return whether the Linear layers are one with a ReLU, and the output: what the kernels
    take.
    """
    return [layer.rectified for layer in shape.linear_layers] == [True, False]


@lru_cache(maxsize=256)
def prefers_windows(shape: Architecture, count: int) -> bool:
    """Return whether `count` windows are faster one by one."""
    best = min(_estimate_cycles(shape, count).values())
    return count * shape.multiply_adds / LANES < best


def _estimate_cycles(shape: Architecture, windows: int) -> dict[int, float]:
    """Return about how many cycles of one core `windows` take, by the length of the transforms."""
    taps = shape.taps
    lengths = [n for n in LENGTHS if n >= taps + 16] or [find_fast_length(2 * taps)]
    return {n: _estimate_cycles_at(shape, windows, taps, n) for n in lengths}


def _estimate_cycles_at(shape: Architecture, windows: int, taps: int, length: int) -> float:
    """Return about how many cycles of one core `windows` take with transforms of `length`.

    A core does LANES numbers at once. The factors are from measurements of the kernels.
    """
    blocks = math.ceil(windows / (length - taps + 1))
    transform = 4.5 * length * math.log2(length) * (1 if length <= CACHED else 1.3)
    channels, units = shape.channels[-1], math.ceil(shape.hidden / LANES)
    per_block = 4 * channels * length / 2 + transform / 2 + 4 * length
    features = blocks / 2 * math.ceil(channels / LANES) * transform
    return features + units * (channels / 2 * transform + blocks * per_block)


@dataclass(frozen=True)
class Blocking:
    """How a series is cut: a pass takes `blocks` blocks of `length` feature samples.

    Each block gives `hop` windows.
    """

    length: int
    taps: int
    blocks: int

    @property
    def hop(self) -> int:
        """Return how many windows a block gives."""
        return self.length - self.taps + 1

    @property
    def windows(self) -> int:
        """Return how many windows a pass gives."""
        return self.hop * self.blocks

    def limit(self, windows: int) -> "Blocking":
        """Return this blocking with no more blocks than `windows` need."""
        return replace(self, blocks=min(self.blocks, math.ceil(windows / self.hop)))

    @classmethod
    def choose(
        cls, shape: Architecture, windows: int, memory_mb: float, threads: int
    ) -> "Blocking":
        """Return the blocking of the fewest operations, in about equal passes that fit the memory,
        or else of FEWEST_BLOCKS.

        Features, their spectra and each thread's predictions grow with the blocks of a pass. Each
        thread's spectra of a few units' weights, and its tables, do not.
        """
        cycles = _estimate_cycles(shape, windows)
        length = min(cycles, key=lambda n: cycles[n])
        channels = shape.channels[-1]
        block_bytes = FLOAT_BYTES * (
            channels * (2 * length) + (threads + 1) * shape.outputs * length
        )
        fixed_bytes = FLOAT_BYTES * threads * LANES * (channels * length + 9 * 2 * length)
        blocks = max(int((memory_mb * 1e6 - fixed_bytes) / block_bytes), FEWEST_BLOCKS)
        largest = cls(length, shape.taps, blocks)
        passes = math.ceil(windows / largest.windows)
        return largest.limit(math.ceil(windows / passes))

    def make_shape(self, network: Architecture, samples: int, threads: int) -> Shape:
        """Return the sizes of a pass over features [channels, samples], contiguous."""
        shape = Shape(network.channels[-1], network.taps, network.hidden, network.outputs)
        shape.blocks, shape.length, shape.hop = self.blocks, self.length, self.hop
        shape.channel_stride, shape.block_stride = samples, self.hop
        shape.samples, shape.threads = samples, threads
        return shape
