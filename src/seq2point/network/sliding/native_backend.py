"""Sliding evaluation by the C kernels: float32 on the CPU, where a C compiler could build them."""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seq2point.network import Architecture, Seq2Point
from seq2point.network.sliding.fft_lengths import find_fast_length
from seq2point.network.sliding.native import MOST_CONVOLUTIONS, Library, Shape, load_kernels

LANES = 16
"""Series that the kernels transform at once."""
LENGTHS = [n for n in range(32, 4097, 2) if find_fast_length(n) == n and n % 32 == 0]
"""Lengths of transforms to choose from."""
CACHED = 2048
"""Points of the longest transform of which LANES fit a common processor's second-level cache."""


def supports(series: Tensor) -> bool:
    """Return whether the kernels can take this series, or these chunks."""
    return (
        series.dtype == torch.float32 and series.device.type == "cpu" and load_kernels() is not None
    )


def _require_kernels() -> Library:
    kernels = load_kernels()
    assert kernels is not None
    return kernels


def _estimate_cycles(shape: Architecture, windows: int, length: int) -> float:
    """Return about how many cycles of one core `windows` take with transforms of `length`.

    A core does LANES numbers at once. The factors are from measurements of the kernels.
    """
    blocks = math.ceil(windows / (length - shape.taps + 1))
    transform = 4.5 * length * math.log2(length) * (1 if length <= CACHED else 1.3)
    channels, units = shape.channels[-1], math.ceil(shape.hidden / LANES)
    per_block = 4 * channels * length / 2 + transform / 2 + 4 * length
    features = blocks / 2 * math.ceil(channels / LANES) * transform
    return features + units * (channels / 2 * transform + blocks * per_block)


def prefers_windows(shape: Architecture, count: int) -> bool:
    """Return whether `count` windows are faster one by one."""
    best = min(_estimate_cycles(shape, count, length) for length in _list_lengths(shape))
    return count * shape.multiply_adds / LANES < best


def _list_lengths(shape: Architecture) -> list[int]:
    return [n for n in LENGTHS if n >= shape.taps + 16] or [find_fast_length(2 * shape.taps)]


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
        cls, shape: Architecture, windows: int, memory_mb: float, item_bytes: int
    ) -> "Blocking":
        """Return the blocking of the fewest operations, in about equal passes that fit the memory.

        Features, their spectra and each thread's predictions grow with the blocks of a pass. Each
        thread's spectra of a few units' weights, and its tables, do not.
        """
        length = min(_list_lengths(shape), key=lambda n: _estimate_cycles(shape, windows, n))
        channels, threads = shape.channels[-1], torch.get_num_threads()
        block_bytes = item_bytes * (
            channels * (2 * length) + (threads + 1) * shape.outputs * length
        )
        fixed_bytes = item_bytes * threads * LANES * (channels * length + 9 * 2 * length)
        largest = cls(
            length, shape.taps, max(int((memory_mb * 1e6 - fixed_bytes) / block_bytes), 1)
        )
        passes = math.ceil(windows / largest.windows)
        return largest.limit(math.ceil(windows / passes))


def predict_pass(network: Seq2Point, piece_T: Tensor, blocking: Blocking) -> Tensor:
    """Return the predictions [A, windows of the pass] of one pass over a piece of the series.

    They are without the output's bias.
    """
    kernels, shape = _require_kernels(), network.architecture
    features = piece_T.new_empty(shape.channels[-1], len(piece_T) - shape.window + shape.taps)
    layers = [*network.convolutions]
    if len(layers) <= MOST_CONVOLUTIONS:
        kernels.convolve(
            piece_T.contiguous(), [c.weight for c in layers], [c.bias for c in layers], features
        )
    else:
        features.copy_(network.extract_features(piece_T[None])[0])
    sizes = _make_shape(shape.channels[-1], shape.taps, shape.hidden, shape.outputs)
    sizes.blocks, sizes.length, sizes.hop = blocking.blocks, blocking.length, blocking.hop
    sizes.channel_stride, sizes.block_stride = features.stride(0), blocking.hop
    sizes.samples = features.shape[1]
    spectra = kernels.allocate_spectra(sizes)
    weight, bias = (network.get_parameter(name) for name in shape.first_linear.parameter_names)
    output = network.get_parameter(shape.output_layer.weight_name)
    predictions = kernels.forward(sizes, features, weight, bias, output, spectra, None)
    return predictions.flatten(1)


def _make_shape(channels: int, taps: int, hidden: int, outputs: int) -> Shape:
    sizes = Shape(channels, taps, hidden, outputs)
    sizes.threads = torch.get_num_threads()
    return sizes


class _ForwardResult(NamedTuple):
    """What the backward pass needs of the forward pass, beside the weights."""

    sizes: Shape
    spectra: Tensor
    hidden: Tensor


class HiddenAndOutput(torch.autograd.Function):
    """First Linear, ReLU, dropout and output: features [N, C, L] to sums [A, N, L - K + 1].

    Weights are [H, C, K], biases [H], output weights [A, H]. The sums are without the output's
    bias. The forward pass keeps the features' spectra and the hidden values for the backward pass.
    """

    @staticmethod
    def forward(
        ctx: Any, f_NCL: Tensor, w_HCK: Tensor, b_H: Tensor, v_AH: Tensor, dropout: float
    ) -> Tensor:
        """Return the sums."""
        kernels, features = _require_kernels(), f_NCL.contiguous()
        blocks, channels, samples = features.shape
        hidden, _, taps = w_HCK.shape
        sizes = _make_shape(channels, taps, hidden, len(v_AH))
        sizes.blocks, sizes.length = blocks, find_fast_length(samples)
        sizes.hop, sizes.samples = samples - taps + 1, samples
        sizes.channel_stride, sizes.block_stride = samples, channels * samples
        sizes.dropout = dropout
        sizes.seed = int(torch.randint(2**32, ())) if dropout else 0
        spectra, kept = kernels.allocate_spectra(sizes), kernels.allocate_kept(sizes)
        sums = kernels.forward(sizes, features, w_HCK, b_H, v_AH, spectra, kept)
        ctx.save_for_backward(w_HCK, v_AH)
        ctx.result = _ForwardResult(sizes, spectra, kept)
        return sums

    @staticmethod
    def backward(ctx: Any, grad_ANT: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of features, weights, biases and output weights."""
        w_HCK, v_AH = ctx.saved_tensors
        sizes, spectra, kept = ctx.result
        df = w_HCK.new_empty(sizes.blocks, sizes.channels, sizes.samples)
        dw, db, dv = _require_kernels().backward(
            sizes, w_HCK, v_AH, grad_ANT.contiguous(), spectra, kept, df
        )
        return df, dw, db, dv, None
