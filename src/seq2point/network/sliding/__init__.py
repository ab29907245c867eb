"""Sliding evaluation: the predictions of every window of a series at once, exactly.

All windows of a series share their convolutions. The first Linear is a correlation over time, of
`taps` samples, from the last convolution's channels to the hidden units. It is computed by FFT. A
block of B feature samples gives hop = B - taps + 1 windows:

    features  f[c, t]                                      the convolutions, once
    hidden    h[o, t] = b[o] + sum W[o, c, k] f[c, t + k]  per frequency conj(W^) f^ (overlap-save)
    output    y[a, t] = sum v[a, o] relu(h[o, t]) + d[a]

The gradients are the same kind of product: df^ = W^ g^ and dW^ = conj(g^) f^.

Two backends compute this: `native_backend` by the C of `seq2point.kernels`, for float32 on the CPU
where there are C kernels, and `torch_backend` for everything else. Both take a few hidden units
and blocks at a time, so that what lies between the products stays in the cache
(docs/lab/performance.md).
`low_rank` serves networks with other Linear layers: a first one in two factors, or more of them.
"""

import math
from types import ModuleType

import torch
from torch import Tensor

from seq2point.kernels import has_one_hidden
from seq2point.kernels.fft_lengths import find_fast_length
from seq2point.limits import ABSURD_W
from seq2point.network import Architecture, Seq2Point
from seq2point.network.sliding import low_rank, native_backend, torch_backend
from seq2point.predictor import Progress
from seq2point.recording.on_off import find_runs

__all__ = [
    "LARGEST",
    "MEMORY_MB",
    "choose_chunk_windows",
    "predict",
    "predict_chunks",
    "predict_features",
    "predict_windows",
    "uses_kernels",
]

MEMORY_MB = 512
"""Memory that `predict` takes beside the series and its predictions, by default."""
LARGEST = ABSURD_W
"""The largest scaled sample that can be power: the smallest deviation that a scale divides by is
1 W."""


def predict_windows(
    network: Seq2Point, series_T: Tensor, batch_size: int = 1000, progress: Progress | None = None
) -> Tensor:
    """Return the predictions of all full windows of a scaled series f32[T], window by window.

    They are f32[T - W + 1], or f32[T - W + 1, A] for several appliances. This is the reference that
    `predict` must equal. `progress` is called with the number of windows of each batch.
    """
    predictions = []
    with torch.inference_mode():
        for windows in torch.split(series_T.unfold(0, network.architecture.window, 1), batch_size):
            predictions.append(network(windows))
            if progress:
                progress(len(windows))
    return torch.cat(predictions).squeeze(-1)


def predict(
    network: Seq2Point,
    series_T: Tensor,
    memory_mb: float = MEMORY_MB,
    progress: Progress | None = None,
) -> Tensor:
    """Return the predictions of all full windows of a scaled series f32[T], in order.

    They are f32[T - W + 1], or f32[T - W + 1, A] for several appliances. They equal those of
    `predict_windows` for a small fraction of the work. Whatever the length, memory stays about
    `memory_mb` megabytes beside the series and the predictions. A series too short to gain anything
    goes window by window. `progress` is called with the number of windows of each pass.

    A sample that is not finite, or beyond `LARGEST`, is missing. Windows that hold one are NaN. All
    others are as they would be without it: each stretch between missing samples is transformed by
    itself. Predictions are rounded to about a millionth of the largest sample near them, so scale
    the mains first, by `Scale`.
    """
    if _is_complete(series_T):
        return _predict_stretch(network, series_T, memory_mb, progress)
    window, outputs = network.architecture.window, network.architecture.outputs
    count = len(series_T) - window + 1
    predictions = series_T.new_full((count, outputs) if outputs > 1 else (count,), math.nan)
    known = (series_T.abs() <= LARGEST).cpu().numpy()
    for first, length in zip(*(ends.tolist() for ends in find_runs(known)), strict=True):
        if length >= window:
            stretch = series_T[first : first + length]
            predictions[first : first + length - window + 1] = _predict_stretch(
                network, stretch, memory_mb, progress
            )
    return predictions


def _is_complete(series_T: Tensor) -> bool:
    """Return whether no sample is missing, without copying the series."""
    lowest, highest = series_T.aminmax()
    return bool(lowest >= -LARGEST and highest <= LARGEST)


def _predict_stretch(
    network: Seq2Point, series_T: Tensor, memory_mb: float, progress: Progress | None
) -> Tensor:
    shape = network.architecture
    count = len(series_T) - shape.window + 1
    backend = _choose_backend(shape, series_T)
    if backend.prefers_windows(shape, count):
        return predict_windows(network, series_T, progress=progress)
    blocking = backend.choose_blocking(shape, count, memory_mb, series_T)
    out = series_T.new_empty(shape.outputs, count)
    bias_A = network.get_parameter(shape.output_layer.bias_name)
    with torch.inference_mode():
        for first in range(0, count, blocking.windows):
            todo = min(blocking.windows, count - first)
            piece_T = series_T[first : first + todo + shape.window - 1]
            sums = backend.predict_pass(network, piece_T, blocking.limit(todo))
            torch.add(sums[:, :todo], bias_A[:, None], out=out[:, first : first + todo])
            if progress:
                progress(todo)
    return out[0] if shape.outputs == 1 else out.T.contiguous()


def _choose_backend(shape: Architecture, series_T: Tensor) -> ModuleType:
    """Return the backend for an architecture and the type and device of a series."""
    if not has_one_hidden(shape):
        return low_rank
    return native_backend if native_backend.supports(series_T) else torch_backend


def uses_kernels(shape: Architecture, series_T: Tensor) -> bool:
    """Return whether the C kernels compute what is heavy, for an architecture and a series."""
    return _choose_backend(shape, series_T) is native_backend


def predict_chunks(network: Seq2Point, chunks_NL: Tensor) -> Tensor:
    """Return the predictions [N, L - W + 1, A] of all windows of scaled mains f32[N, L].

    They have gradients, for training. The convolutions are one differentiable function, and the
    rest is another. Dropout is drawn for every position of every layer. Any one window sees
    the dropout of the network itself; only neighbouring windows share draws.
    """
    if uses_kernels(network.architecture, chunks_NL) and native_backend.takes_convolutions(network):
        return predict_features(network, native_backend.extract_features(network, chunks_NL))
    return predict_features(network, network.extract_features(chunks_NL))


def predict_features(network: Seq2Point, features_NCL: Tensor) -> Tensor:
    """Return the predictions [N, L - taps + 1, A] of all windows of features [N, C, L].

    They have gradients.
    """
    shape = network.architecture
    if not has_one_hidden(shape):
        sums_ANT = low_rank.predict_features(network, features_NCL)
    else:
        dropout = shape.dropout if network.training else 0.0
        first = shape.first_linear
        weight, bias = (network.get_parameter(name) for name in first.parameter_names)
        output = network.get_parameter(shape.output_layer.weight_name)
        weight_HCK = weight.view(first.outputs, first.inputs, first.taps)
        backend = native_backend if native_backend.supports(features_NCL) else torch_backend
        sums_ANT = backend.HiddenAndOutput.apply(features_NCL, weight_HCK, bias, output, dropout)
    return sums_ANT.permute(1, 2, 0) + network.get_parameter(shape.output_layer.bias_name)


def choose_chunk_windows(shape: Architecture) -> int:
    """Return how many windows a training chunk holds, so that its features fill a fast FFT.

    Chunks are shorter than the blocks of inference. The weights change with every step, and so do
    their spectra, whose cost grows with the block. Shorter chunks from more places also teach more.
    """
    return find_fast_length(max(math.ceil(2.25 * shape.taps), 512)) - shape.taps + 1
