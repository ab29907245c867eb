"""Sliding evaluation by the compiled kernels: float32 on the CPU, where a C compiler could build
them.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seq2point.network.network import Architecture, Seq2Point
from seq2point.network.sliding.fft_lengths import find_fast_length
from seq2point.network.sliding.native import MOST_CONVOLUTIONS, Library, Shape, load_kernels

LANES = 16
LENGTHS = [n for n in range(32, 4097, 2) if find_fast_length(n) == n and n % 32 == 0]
CACHED = (
    2048  # points of a transform, LANES of which fit the second-level cache of common processors
)


def supports(series: Tensor) -> bool:
    """Whether the kernels can take this series (or these chunks)."""
    return (
        series.dtype == torch.float32 and series.device.type == "cpu" and load_kernels() is not None
    )


def _kernels() -> Library:
    found = load_kernels()
    assert found is not None
    return found


def _cycles(shape: Architecture, windows: int, length: int) -> float:
    """About how many cycles of one core so many windows take with transforms of a length (16
    numbers at once).
    """
    blocks = math.ceil(windows / (length - shape.taps + 1))
    transform = 4.5 * length * math.log2(length) * (1 if length <= CACHED else 1.3)
    channels, units = shape.channels[-1], math.ceil(shape.hidden / LANES)
    a_block = 4 * channels * length / 2 + transform / 2 + 4 * length
    features = blocks / 2 * math.ceil(channels / LANES) * transform
    return features + units * (channels / 2 * transform + blocks * a_block)


def prefers_windows(shape: Architecture, count: int) -> bool:
    """Whether so few windows are quicker done one by one."""
    best = min(_cycles(shape, count, length) for length in _lengths(shape))
    return count * shape.multiply_adds / LANES < best


def _lengths(shape: Architecture) -> list[int]:
    return [n for n in LENGTHS if n >= shape.taps + 16] or [find_fast_length(2 * shape.taps)]


@dataclass(frozen=True)
class Blocking:
    """How a series is cut: `blocks` blocks of `length` feature samples in a pass, each of which
    gives `hop` windows.
    """

    length: int
    taps: int
    blocks: int

    @property
    def hop(self) -> int:
        """Windows that a block gives."""
        return self.length - self.taps + 1

    @property
    def windows(self) -> int:
        """Windows that a pass gives."""
        return self.hop * self.blocks

    def no_more_than(self, windows: int) -> "Blocking":
        """The same cut, with as few blocks as so many windows need."""
        return replace(self, blocks=min(self.blocks, math.ceil(windows / self.hop)))

    @classmethod
    def of(cls, shape: Architecture, windows: int, memory_mb: float, item_bytes: int) -> "Blocking":
        """The cut that takes the fewest operations, in passes that fit the memory and are about
        equal.

        What grows with the blocks of a pass: features, their spectra, and each thread's answers.
        What does not: each thread's spectra of the weights of a few units, and its tables.
        """
        length = min(_lengths(shape), key=lambda n: _cycles(shape, windows, n))
        channels, threads = shape.channels[-1], torch.get_num_threads()
        a_block = item_bytes * (channels * (2 * length) + (threads + 1) * shape.outputs * length)
        fixed = item_bytes * threads * LANES * (channels * length + 9 * 2 * length)
        cut = cls(length, shape.taps, max(int((memory_mb * 1e6 - fixed) / a_block), 1))
        passes = math.ceil(windows / cut.windows)
        return cut.no_more_than(math.ceil(windows / passes))


def predict_pass(network: Seq2Point, piece_T: Tensor, cut: Blocking) -> Tensor:
    """The answers of one pass over a piece of the series, without the output's bias: [A, windows of
    the pass].
    """
    kernels, shape = _kernels(), network.architecture
    features = piece_T.new_empty(shape.channels[-1], len(piece_T) - shape.window + shape.taps)
    layers = [*network.convolutions]
    if len(layers) <= MOST_CONVOLUTIONS:
        kernels.features(
            piece_T.contiguous(), [c.weight for c in layers], [c.bias for c in layers], features
        )
    else:
        features.copy_(network.features(piece_T[None])[0])
    sizes = _shape(shape.channels[-1], shape.taps, shape.hidden, shape.outputs)
    sizes.blocks, sizes.length, sizes.hop = cut.blocks, cut.length, cut.hop
    sizes.channel_stride, sizes.block_stride, sizes.samples = (
        features.stride(0),
        cut.hop,
        features.shape[1],
    )
    spectra = kernels.new_spectra(sizes)
    weight, bias = (network.get_parameter(name) for name in shape.first_linear.parameter_names)
    output = network.get_parameter(shape.output_layer.weight_name)
    answer = kernels.forward(sizes, features, weight, bias, output, spectra, None)
    return answer.flatten(1)


def _shape(channels: int, taps: int, hidden: int, outputs: int) -> Shape:
    sizes = Shape(channels, taps, hidden, outputs)
    sizes.threads = torch.get_num_threads()
    return sizes


class _Kept(NamedTuple):
    """What the way back needs of the way there, beside tensors."""

    sizes: Shape
    spectra: Tensor
    hidden: Tensor


class HiddenAndOutput(torch.autograd.Function):
    """First Linear, ReLU, dropout and output over features [N, C, L], without the output's bias:
    [A, N, L - K + 1].

    Weights [H, C, K], biases [H] and output weights [A, H]. Its own backward pass; the features'
    spectra and the hidden layer's values are kept for it.
    """

    @staticmethod
    def forward(
        ctx: Any, f_NCL: Tensor, w_HCK: Tensor, b_H: Tensor, v_AH: Tensor, dropout: float
    ) -> Tensor:
        """The answers."""
        kernels, features = _kernels(), f_NCL.contiguous()
        blocks, channels, samples = features.shape
        hidden, _, taps = w_HCK.shape
        sizes = _shape(channels, taps, hidden, len(v_AH))
        sizes.blocks, sizes.length, sizes.hop = (
            blocks,
            find_fast_length(samples),
            samples - taps + 1,
        )
        sizes.channel_stride, sizes.block_stride, sizes.samples = (
            samples,
            channels * samples,
            samples,
        )
        sizes.dropout = dropout
        sizes.seed = int(torch.randint(2**32, ())) if dropout else 0
        spectra, kept = kernels.new_spectra(sizes), kernels.new_kept(sizes)
        answer = kernels.forward(sizes, features, w_HCK, b_H, v_AH, spectra, kept)
        ctx.save_for_backward(w_HCK, v_AH)
        ctx.kept = _Kept(sizes, spectra, kept)
        return answer

    @staticmethod
    def backward(ctx: Any, grad_ANT: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of features, weights, biases and output weights."""
        w_HCK, v_AH = ctx.saved_tensors
        sizes, spectra, kept = ctx.kept
        df = w_HCK.new_empty(sizes.blocks, sizes.channels, sizes.samples)
        dw, db, dv = _kernels().backward(
            sizes, w_HCK, v_AH, grad_ANT.contiguous(), spectra, kept, df
        )
        return df, dw, db, dv, None
