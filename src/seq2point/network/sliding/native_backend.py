"""Sliding evaluation by the C kernels: float32 on the CPU, where they are to be had."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from seq2point.architecture import Layer
from seq2point.kernels import (
    MOST_CONVOLUTIONS,
    Blocking,
    Convolutions,
    Library,
    Shape,
    load_kernels,
    prefers_windows,
)
from seq2point.kernels.fft_lengths import find_fast_length
from seq2point.network import Architecture, Seq2Point
from seq2point.system.device import count_kernel_threads

__all__ = [
    "HiddenAndOutput",
    "choose_blocking",
    "extract_features",
    "predict_pass",
    "prefers_windows",
    "supports",
    "takes_convolutions",
]


def supports(series: Tensor) -> bool:
    """Return whether the kernels can take this series, or these chunks."""
    return (
        series.dtype == torch.float32 and series.device.type == "cpu" and load_kernels() is not None
    )


def _require_kernels() -> Library:
    kernels = load_kernels()
    assert kernels is not None
    return kernels


def choose_blocking(shape: Architecture, windows: int, memory_mb: float, _: Tensor) -> Blocking:
    """Return how a series of so many windows is cut, for the kernels' number of threads."""
    return Blocking.choose(shape, windows, memory_mb, count_kernel_threads())


def predict_pass(network: Seq2Point, piece_T: Tensor, blocking: Blocking) -> Tensor:
    """Return the predictions [A, windows of the pass] of one pass over a piece of the series.

    They are without the output's bias.
    """
    kernels, shape, threads = _require_kernels(), network.architecture, count_kernel_threads()
    features = piece_T.new_empty(shape.channels[-1], len(piece_T) - shape.window + shape.taps)
    layers = shape.convolution_layers
    if len(layers) <= MOST_CONVOLUTIONS:
        series, weights, biases = (
            piece_T.contiguous(),
            [network.get_parameter(layer.weight_name) for layer in layers],
            [network.get_parameter(layer.bias_name) for layer in layers],
        )
        kernels.convolve(
            Convolutions.of(layers, threads),
            series.data_ptr(),
            len(series),
            [each.data_ptr() for each in weights],
            [each.data_ptr() for each in biases],
            features.data_ptr(),
            features.stride(0),
        )
    else:
        features.copy_(network.extract_features(piece_T[None])[0])
    sizes = blocking.make_shape(shape, features.shape[1], threads)
    weight, bias = (network.get_parameter(name) for name in shape.first_linear.parameter_names)
    output = network.get_parameter(shape.output_layer.weight_name)
    return _run_forward(kernels, sizes, features, weight, bias, output)[0].flatten(1)


def _run_forward(
    kernels: Library,
    sizes: Shape,
    features: Tensor,
    weight: Tensor,
    bias: Tensor,
    output: Tensor,
    kept: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the predictions [A, blocks, hop], without the output's bias, and the spectra.

    The hidden values go to `kept`, where there is a backward pass.
    """
    spectra = torch.empty(kernels.count_spectra(sizes))
    predictions = torch.empty(sizes.outputs, sizes.blocks, sizes.hop)
    kernels.forward(
        sizes,
        features.data_ptr(),
        weight.data_ptr(),
        bias.data_ptr(),
        output.data_ptr(),
        spectra.data_ptr(),
        None if kept is None else kept.data_ptr(),
        predictions.data_ptr(),
    )
    return predictions, spectra


def takes_convolutions(network: Seq2Point) -> bool:
    """Return whether the kernels can take the convolutions of a training: few, without dropout."""
    shape = network.architecture
    dropout = network.training and shape.dropout > 0
    return len(shape.convolution_layers) <= MOST_CONVOLUTIONS and not dropout


def extract_features(network: Seq2Point, chunks_NL: Tensor) -> Tensor:
    """Return the features [N, C, L - sum(kernel - 1)] of scaled mains, with gradients."""
    layers = network.architecture.convolution_layers
    parameters = [network.get_parameter(name) for layer in layers for name in layer.parameter_names]
    apply: Any = ChunkConvolutions.apply
    features: Tensor = apply(chunks_NL, layers, *parameters)
    return features


class ChunkConvolutions(torch.autograd.Function):
    """All convolutions with their ReLUs: chunks [N, L] to features [N, C, L - sum(kernel - 1)].

    The forward pass keeps what each layer gives for the backward pass. Chunks have no gradient.
    """

    @staticmethod
    def forward(ctx: Any, x_NL: Tensor, layers: Sequence[Layer], *parameters: Tensor) -> Tensor:
        """Return the features."""
        kernels, series = _require_kernels(), x_NL.contiguous()
        chunks, samples = series.shape
        sizes = Convolutions.of(layers, count_kernel_threads())
        kept = torch.empty(kernels.count_chunk_floats(sizes, chunks, samples))
        results = samples - sum(layer.taps - 1 for layer in layers)
        features = torch.empty(chunks, layers[-1].outputs, results)
        weights, biases = ([p.data_ptr() for p in parameters[i::2]] for i in (0, 1))
        where = (kept.data_ptr(), features.data_ptr())
        shape = (chunks, samples)
        kernels.convolve_chunks(sizes, shape, series.data_ptr(), weights, biases, *where)
        ctx.save_for_backward(*parameters)
        ctx.result = (sizes, shape, kept)
        return features

    @staticmethod
    def backward(ctx: Any, d_features_NCL: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the weights and biases."""
        parameters, (sizes, shape, kept) = ctx.saved_tensors, ctx.result
        gradients = [torch.empty_like(p) for p in parameters]
        _require_kernels().convolve_chunks_back(
            sizes,
            shape,
            [p.data_ptr() for p in parameters[::2]],
            kept.data_ptr(),
            d_features_NCL.contiguous().data_ptr(),
            *([g.data_ptr() for g in gradients[i::2]] for i in (0, 1)),
        )
        return None, None, *gradients


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
        sizes = Shape(channels, taps, hidden, len(v_AH))
        sizes.blocks, sizes.length = blocks, find_fast_length(samples)
        sizes.hop, sizes.samples = samples - taps + 1, samples
        sizes.channel_stride, sizes.block_stride = samples, channels * samples
        sizes.threads, sizes.dropout = count_kernel_threads(), dropout
        sizes.seed = int(torch.randint(2**32, ())) if dropout else 0
        kept = torch.empty(kernels.count_kept(sizes))
        sums, spectra = _run_forward(kernels, sizes, features, w_HCK, b_H, v_AH, kept)
        ctx.save_for_backward(w_HCK, v_AH)
        ctx.result = _ForwardResult(sizes, spectra, kept)
        return sums

    @staticmethod
    def backward(ctx: Any, grad_ANT: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of features, weights, biases and output weights."""
        w_HCK, v_AH = ctx.saved_tensors
        sizes, spectra, kept = ctx.result
        gradient, df = (
            grad_ANT.contiguous(),
            w_HCK.new_empty(sizes.blocks, sizes.channels, sizes.samples),
        )
        dw, db, dv = torch.empty_like(w_HCK), torch.empty(sizes.hidden), torch.empty_like(v_AH)
        tensors = (w_HCK, v_AH, gradient, spectra, kept, df, dw, db, dv)
        _require_kernels().backward(sizes, *(t.data_ptr() for t in tensors))
        return df, dw, db, dv, None
