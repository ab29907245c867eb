"""Every window of a series at once, exactly: shared convolutions, then the first Linear as a
correlation by FFT.

All windows of a series share their convolutions, and the first Linear is a correlation over time:
of `taps` samples, from the last convolution's channels to the hidden units. A block of B feature
samples gives hop = B - taps + 1 windows:

    features  f[c, t]                                the convolutions, once
    hidden    h[o, t] = b[o] + sum W[o, c, k] f[c, t + k]      per frequency  conj(W^) f^       (overlap-save)
    output    y[a, t] = sum v[a, o] relu(h[o, t]) + d[a]

and the gradients are the same kind of product:  df^ = W^ g^,  dW^ = conj(g^) f^.  Two engines compute this: `compiled` in C, for
float32 on the CPU where there is a C compiler, and `plain` in torch, for everything else. Both run over a few hidden units and
blocks at a time, so that what lies between the products stays in the cache (docs/lab/performance.md). `ranked` is for networks
with other Linear layers than these two: a factorised first one, or more of them.
"""

import math

import torch
from torch import Tensor

from seq2point.limits import ABSURD_W
from seq2point.network.network import Architecture, Seq2Point
from seq2point.network.sliding import low_rank, native_backend, torch_backend
from seq2point.network.sliding.fft_lengths import find_fast_length
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
]

MEMORY_MB = 512
# in network units: what can be power, at the smallest deviation that a scale divides by, 1 W
LARGEST = ABSURD_W


def predict_windows(
    network: Seq2Point, series_T: Tensor, batch_size: int = 1000, progress: Progress | None = None
) -> Tensor:
    """The predictions of all full windows of a scaled series f32[T], one window at a time: f32[T -
    W + 1] (or [.., A]).

    The plain way, kept as the reference that `predict` must equal.
    """
    answers = []
    with torch.inference_mode():
        for windows in torch.split(series_T.unfold(0, network.architecture.window, 1), batch_size):
            answers.append(network(windows))
            if progress:
                progress(len(windows))
    return torch.cat(answers).squeeze(-1)


def predict(
    network: Seq2Point,
    series_T: Tensor,
    memory_mb: float = MEMORY_MB,
    progress: Progress | None = None,
) -> Tensor:
    """The predictions of all full windows of a scaled series f32[T], in order: f32[T - W + 1] (or
    [.., A]).

    The same answers as `predict_windows`, for a small fraction of the work; memory stays about
    `memory_mb` megabytes beside the series and the answer, whatever the length. A series too short
    to gain anything goes window by window. `progress` is told of windows as they are done.

    A sample that is not finite, or beyond `LARGEST`, is missing: windows that hold it are NaN, and
    all others are what they are without it, because each stretch between missing samples is
    transformed by itself. What is left is rounded to about a millionth of the largest sample near
    it: scale the mains first, as `Scale` says.
    """
    if _is_complete(series_T):
        return _predict_stretch(network, series_T, memory_mb, progress)
    window, outputs = network.architecture.window, network.architecture.outputs
    count = len(series_T) - window + 1
    answer = series_T.new_full((count, outputs) if outputs > 1 else (count,), math.nan)
    known = (series_T.abs() <= LARGEST).cpu().numpy()
    for first, length in zip(*(ends.tolist() for ends in find_runs(known)), strict=True):
        if length >= window:
            stretch = series_T[first : first + length]
            answer[first : first + length - window + 1] = _predict_stretch(
                network, stretch, memory_mb, progress
            )
    return answer


def _is_complete(series_T: Tensor) -> bool:
    """Whether no sample is missing; without a copy of the series."""
    lowest, highest = series_T.aminmax()
    return bool(lowest >= -LARGEST and highest <= LARGEST)


def _predict_stretch(
    network: Seq2Point, series_T: Tensor, memory_mb: float, progress: Progress | None
) -> Tensor:
    shape = network.architecture
    count = len(series_T) - shape.window + 1
    engine = (
        low_rank
        if not _has_one_hidden(shape)
        else native_backend
        if native_backend.supports(series_T)
        else torch_backend
    )
    if engine.prefers_windows(shape, count):
        return predict_windows(network, series_T, progress=progress)
    cut = engine.Blocking.of(shape, count, memory_mb, series_T.element_size())
    out = series_T.new_empty(shape.outputs, count)
    bias_A = network.get_parameter(shape.output_layer.bias_name)
    with torch.inference_mode():
        for first in range(0, count, cut.windows):
            todo = min(cut.windows, count - first)
            answer = engine.predict_pass(
                network, series_T[first : first + todo + shape.window - 1], cut.no_more_than(todo)
            )
            torch.add(answer[:, :todo], bias_A[:, None], out=out[:, first : first + todo])
            if progress:
                progress(todo)
    return out[0] if shape.outputs == 1 else out.T.contiguous()


def _has_one_hidden(shape: Architecture) -> bool:
    """Whether the Linear layers are those that `compiled` and `plain` know: one with a ReLU, and
    the output.
    """
    return [layer.rectified for layer in shape.linear_layers] == [True, False]


def predict_chunks(network: Seq2Point, chunks_NL: Tensor) -> Tensor:
    """The predictions of all windows of equal chunks of scaled mains f32[N, L], with gradients: [N,
    L - W + 1, A].

    For training; the convolutions are torch's own, the rest is one differentiable function. Dropout
    is drawn for every position of every layer: any one window sees exactly the dropout of the plain
    network, and only neighbouring windows share draws.
    """
    return predict_features(network, network.features(chunks_NL))


def predict_features(network: Seq2Point, features_NCL: Tensor) -> Tensor:
    """The predictions of all windows of chunks whose convolutions are done, with gradients: [N, L -
    taps + 1, A].
    """
    shape = network.architecture
    if not _has_one_hidden(shape):
        answer_ANT = low_rank.predict_features(network, features_NCL)
    else:
        dropout = shape.dropout if network.training else 0.0
        first = shape.first_linear
        weight, bias = (network.get_parameter(name) for name in first.parameter_names)
        output = network.get_parameter(shape.output_layer.weight_name)
        weight_HCK = weight.view(first.outputs, first.inputs, first.taps)
        engine = native_backend if native_backend.supports(features_NCL) else torch_backend
        answer_ANT = engine.HiddenAndOutput.apply(features_NCL, weight_HCK, bias, output, dropout)
    return answer_ANT.permute(1, 2, 0) + network.get_parameter(shape.output_layer.bias_name)


def choose_chunk_windows(shape: Architecture) -> int:
    """How many windows a training chunk of an architecture holds, so that its features fill an FFT
    of a quick length.

    Shorter than the blocks of inference: the weights change with every step and so do their
    spectra, whose cost grows with the block, and shorter chunks from more places teach more.
    """
    return find_fast_length(max(math.ceil(2.25 * shape.taps), 512)) - shape.taps + 1
