"""Every window of a series at once, exactly: shared convolutions, then the first Linear as a correlation by FFT.

All windows of a series share their convolutions, and the first Linear is a correlation over time: of `taps` samples, from the
last convolution's channels to the hidden units. A block of B feature samples gives hop = B - taps + 1 windows:

    features  f[c, t]                                the convolutions, once
    hidden    h[o, t] = b[o] + sum W[o, c, k] f[c, t + k]      per frequency  conj(W^) f^       (overlap-save)
    output    y[a, t] = sum v[a, o] relu(h[o, t]) + d[a]

and the gradients are the same kind of product:  df^ = W^ g^,  dW^ = conj(g^) f^.  Everything runs over a few hidden units and
blocks at a time, so that what lies between the products stays in the cache (docs/performance.md).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from seq2point.network import Architecture, Seq2Point

Progress = Callable[[int], None]

MEMORY_MB = 512
UNITS = 16
BLOCKS = 32


def predict_windows(network: Seq2Point, series_T: Tensor, batch_size: int = 1000, progress: Progress | None = None) -> Tensor:
    """The predictions of all full windows of a scaled series f32[T], one window at a time: f32[T - W + 1] (or [.., A]).

    The plain way, kept as the reference that `predict` must equal.
    """
    answers = []
    with torch.inference_mode():
        for windows in torch.split(series_T.unfold(0, network.architecture.window, 1), batch_size):
            answers.append(network(windows))
            if progress:
                progress(len(windows))
    return torch.cat(answers).squeeze(-1)


@dataclass(frozen=True)
class Blocking:
    """How a series is cut: blocks of `block` feature samples that give `hop` windows each, `groups` times `blocks` in a pass."""

    block: int
    taps: int
    blocks: int
    groups: int

    @property
    def hop(self) -> int:
        """Windows that a block gives."""
        return self.block - self.taps + 1

    @property
    def windows(self) -> int:
        """Windows that a pass gives."""
        return self.hop * self.blocks * self.groups

    def no_more_than(self, windows: int) -> "Blocking":
        """The same cut, with as few groups as so many windows need."""
        return replace(self, groups=min(self.groups, math.ceil(windows / (self.hop * self.blocks))))

    @classmethod
    def of(cls, shape: Architecture, windows: int, memory_mb: float, item_bytes: int) -> "Blocking":
        """A blocking for so many windows in so much memory.

        Longer blocks waste less on windows that span two of them, but leave the cache. What grows with the blocks of a pass:
        features (two layers at a time), their spectra (turned by copying) and the answers.
        """
        block = fast_length(max(math.ceil(3.5 * shape.taps), 512))
        frequencies, channels = block // 2 + 1, shape.channels[-1]
        widest = max(shape.channels)
        per_block = item_bytes * (block * (2 * widest + shape.outputs) + 4 * frequencies * channels)
        fixed = item_bytes * UNITS * (frequencies * 2 * (2 * channels + 2 * BLOCKS) + block * (BLOCKS + channels))
        fit = max((memory_mb * 1e6 - fixed) / per_block, 1)
        need = math.ceil(windows / (block - shape.taps + 1))
        blocks = max(min(need, int(fit)), 1)
        groups = math.ceil(blocks / BLOCKS)
        return cls(block, shape.taps, math.ceil(blocks / groups), groups)


def predict(network: Seq2Point, series_T: Tensor, memory_mb: float = MEMORY_MB, progress: Progress | None = None) -> Tensor:
    """The predictions of all full windows of a scaled series f32[T], in order: f32[T - W + 1] (or [.., A]).

    The same answers as `predict_windows`, for a small fraction of the work; memory stays about `memory_mb` megabytes beside
    the series and the answer, whatever the length. `progress` is told of windows as they are done.
    """
    shape = network.architecture
    count = len(series_T) - shape.window + 1
    if count <= shape.taps:
        return predict_windows(network, series_T, progress=progress)
    cut = Blocking.of(shape, count, memory_mb, series_T.element_size())
    out = series_T.new_empty(shape.outputs, count)
    with torch.inference_mode():
        for first in range(0, count, cut.windows):
            piece = series_T[first : first + cut.windows + shape.window - 1]
            answer = _predict_pass(network, piece, cut.no_more_than(count - first))
            out[:, first : first + cut.windows] = answer[:, : count - first]
            if progress:
                progress(min(cut.windows, count - first))
    return out[0] if shape.outputs == 1 else out.T.contiguous()


def _predict_pass(network: Seq2Point, piece_T: Tensor, cut: Blocking) -> Tensor:
    """The answers of one pass over a piece of the series, [A, windows of the pass]."""
    features = network.features(piece_T[None])[0]
    features = torch.nn.functional.pad(features, (0, cut.windows + cut.taps - 1 - features.shape[1]))
    spectra_FCN = _frequency_first(torch.fft.rfft(features.unfold(1, cut.block, cut.hop)))
    groups = [group.contiguous() for group in torch.split(spectra_FCN, cut.blocks, dim=2)]
    answers = network.output.bias[:, None].repeat(1, cut.groups * cut.blocks * cut.block)
    parts = torch.split(answers, cut.blocks * cut.block, dim=1)
    weight = network.hidden.weight.view(network.architecture.hidden, -1, cut.taps)
    for first in range(0, len(weight), UNITS):
        units = slice(first, first + UNITS)
        w_FUC = _frequency_first(torch.fft.rfft(weight[units], n=cut.block)).conj_physical_()
        constant = network.hidden.bias[units, None] * cut.block
        output = network.output.weight[:, units]
        product = w_FUC.new_empty(w_FUC.shape[0], w_FUC.shape[1], cut.blocks)
        turned = w_FUC.new_empty(w_FUC.shape[1], cut.blocks, w_FUC.shape[0])
        hidden = weight.new_empty(w_FUC.shape[1], cut.blocks, cut.block)
        for group, part in zip(groups, parts, strict=True):
            torch.bmm(w_FUC, group, out=product)
            turned.copy_(product.permute(1, 2, 0))
            turned[..., 0] += constant
            torch.fft.irfft(turned, n=cut.block, out=hidden)
            part.addmm_(output, hidden.relu_().flatten(1))
    return answers.view(len(answers), -1, cut.block)[..., : cut.hop].flatten(1)


def _frequency_first(spectra: Tensor) -> Tensor:
    """[P, Q, F] to [F, P, Q], contiguous."""
    return spectra.permute(2, 0, 1).contiguous()


def predict_chunks(network: Seq2Point, chunks_NL: Tensor) -> Tensor:
    """The predictions of all windows of equal chunks of scaled mains f32[N, L], with gradients: [N, L - W + 1, A].

    For training; the convolutions are torch's own, the rest is one differentiable function. Dropout is drawn for every position
    of every layer: any one window sees exactly the dropout of the plain network, and only neighbouring windows share draws.
    """
    shape = network.architecture
    features = network.features(chunks_NL)
    dropout = shape.dropout if network.training else 0.0
    weight = network.hidden.weight.view(shape.hidden, shape.channels[-1], shape.taps)
    answer: Tensor = HiddenAndOutput.apply(
        features, weight, network.hidden.bias, network.output.weight, network.output.bias, dropout
    )  # type: ignore[no-untyped-call]
    return answer


def chunk_windows(shape: Architecture) -> int:
    """How many windows a training chunk of an architecture holds, so that its features fill an FFT of a quick length.

    Shorter than the blocks of inference: the weights change with every step and so do their spectra, whose cost grows with the
    block, and shorter chunks from more places teach more.
    """
    return fast_length(max(math.ceil(2.25 * shape.taps), 512)) - shape.taps + 1


def fast_length(least: int) -> int:
    """The shortest length of at least `least` with no prime factor above 5, even: what an FFT does quickly."""
    length = least + least % 2
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 2


class HiddenAndOutput(torch.autograd.Function):
    """First Linear, ReLU, dropout and output over features [N, C, B]: [N, B - K + 1, A], with its own backward pass.

    Weights [H, C, K], biases [H], output weights [A, H] and biases [A]. The hidden layer's values are kept for the backward pass,
    a few units at a time, and so are the weights' spectra.
    """

    @staticmethod
    def forward(ctx: Any, f_NCB: Tensor, w_HCK: Tensor, b_H: Tensor, v_AH: Tensor, d_A: Tensor, dropout: float) -> Tensor:
        """The answers; keeps spectra and hidden values for the way back."""
        chunks, _, length = f_NCB.shape
        taps, size = w_HCK.shape[2], fast_length(length)
        f_FCN = _frequency_first(torch.fft.rfft(f_NCB, n=size).transpose(0, 1))
        total = f_NCB.new_zeros(len(v_AH), chunks * size)
        kept: list[tuple[Tensor, Tensor]] = []
        for first in range(0, len(w_HCK), UNITS):
            units = slice(first, first + UNITS)
            s_FUC = _frequency_first(torch.fft.rfft(w_HCK[units], n=size)).conj_physical_()
            h_UNF = torch.bmm(s_FUC, f_FCN).permute(1, 2, 0).contiguous()
            h_UNF[..., 0] += b_H[units, None] * size
            h = torch.relu_(torch.fft.irfft(h_UNF, n=size)).flatten(1)
            if dropout:
                torch.nn.functional.dropout(h, dropout, inplace=True)
            total.addmm_(v_AH[:, units], h)
            kept.append((s_FUC, h))
        ctx.save_for_backward(f_FCN, v_AH, *(tensor for pair in kept for tensor in pair))
        ctx.taps, ctx.length, ctx.size, ctx.dropout = taps, length, size, dropout
        answer = total.view(len(v_AH), chunks, size)[..., : length - taps + 1] + d_A[:, None, None]
        return answer.permute(1, 2, 0).contiguous()

    @staticmethod
    def backward(ctx: Any, grad_NTA: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of features, weights, biases, output weights and output biases."""
        f_FCN, v_AH, *kept = ctx.saved_tensors
        taps, length, size = ctx.taps, ctx.length, ctx.size
        channels, chunks = f_FCN.shape[1:]
        outputs, hidden = v_AH.shape
        grad = v_AH.new_zeros(outputs, chunks, size)
        grad[..., : grad_NTA.shape[1]] = grad_NTA.permute(2, 0, 1)
        grad = grad.view(outputs, -1)
        dw = v_AH.new_empty(hidden, channels, taps)
        db, dv = v_AH.new_empty(hidden), torch.empty_like(v_AH)
        df_FCN = torch.zeros_like(f_FCN)
        for i in range(0, len(kept), 2):
            s_FUC, h = kept[i], kept[i + 1]
            units = slice(i // 2 * UNITS, i // 2 * UNITS + UNITS)
            dv[:, units] = grad @ h.T
            g = torch.ops.aten.threshold_backward(v_AH[:, units].T @ grad, h, 0)
            if ctx.dropout:
                g.mul_(1 / (1 - ctx.dropout))
            db[units] = g.sum(1)
            g_FUN = _frequency_first(torch.fft.rfft(g.view(len(g), chunks, size)))
            df_FCN.baddbmm_(s_FUC.mH, g_FUN)
            turned = torch.bmm(g_FUN, f_FCN.mH).permute(1, 2, 0).contiguous()
            back = torch.fft.irfft(turned, n=size)
            dw[units, :, 0] = back[..., 0]
            dw[units, :, 1:] = back[..., size - taps + 1 :].flip(-1)
        df = torch.fft.irfft(df_FCN.permute(2, 1, 0).contiguous(), n=size)[..., :length]
        return df, dw, db, dv, grad_NTA.sum((0, 1)), None
