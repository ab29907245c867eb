"""Sliding evaluation in torch's own operations, for any type and any device, with gradients."""

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from seq2point.kernels.fft_lengths import find_fast_length
from seq2point.network import Architecture, Seq2Point

UNITS = 16
"""Hidden units that are computed at a time."""
BLOCKS = 32
"""Blocks of features that are multiplied at a time, at most."""


@dataclass(frozen=True)
class Blocking:
    """How a series is cut: a pass takes `groups` times `blocks` blocks of `block` feature samples.

    Each block gives `hop` windows.
    """

    block: int
    taps: int
    blocks: int
    groups: int

    @property
    def hop(self) -> int:
        """Return how many windows a block gives."""
        return self.block - self.taps + 1

    @property
    def windows(self) -> int:
        """Return how many windows a pass gives."""
        return self.hop * self.blocks * self.groups

    def limit(self, windows: int) -> "Blocking":
        """Return this blocking with no more groups than `windows` need."""
        return replace(self, groups=min(self.groups, math.ceil(windows / (self.hop * self.blocks))))

    @classmethod
    def choose(
        cls, shape: Architecture, windows: int, memory_mb: float, item_bytes: int
    ) -> "Blocking":
        """Return a blocking for so many windows in so much memory.

        Longer blocks waste less on windows that span two of them, but leave the cache. Features
        (two layers at a time), their spectra (and a transposed copy) and the predictions grow with
        the blocks of a pass.
        """
        block = find_fast_length(max(math.ceil(3.5 * shape.taps), 512))
        frequencies, channels = block // 2 + 1, shape.channels[-1]
        widest = max(shape.channels)
        block_bytes = item_bytes * (
            block * (2 * widest + shape.outputs) + 4 * frequencies * channels
        )
        fixed_bytes = (
            item_bytes
            * UNITS
            * (frequencies * 2 * (2 * channels + 2 * BLOCKS) + block * (BLOCKS + channels))
        )
        fit = max((memory_mb * 1e6 - fixed_bytes) / block_bytes, 1)
        need = math.ceil(windows / (block - shape.taps + 1))
        blocks = max(min(need, int(fit)), 1)
        groups = math.ceil(blocks / BLOCKS)
        return cls(block, shape.taps, math.ceil(blocks / groups), groups)


def choose_blocking(
    shape: Architecture, windows: int, memory_mb: float, series: Tensor
) -> Blocking:
    """Return how a series of so many windows is cut."""
    return Blocking.choose(shape, windows, memory_mb, series.element_size())


def prefers_windows(shape: Architecture, count: int) -> bool:
    """Return whether `count` windows are faster one by one."""
    return count <= shape.taps


def predict_pass(network: Seq2Point, piece_T: Tensor, blocking: Blocking) -> Tensor:
    """Return the predictions [A, windows of the pass] of one pass over a piece of the series.

    They are without the output's bias.
    """
    features = network.extract_features(piece_T[None])[0]
    features = torch.nn.functional.pad(
        features, (0, blocking.windows + blocking.taps - 1 - features.shape[1])
    )
    spectra_FCN = _frequency_first(torch.fft.rfft(features.unfold(1, blocking.block, blocking.hop)))
    groups = [group.contiguous() for group in torch.split(spectra_FCN, blocking.blocks, dim=2)]
    predictions = piece_T.new_zeros(
        network.architecture.outputs, blocking.groups * blocking.blocks * blocking.block
    )
    parts = torch.split(predictions, blocking.blocks * blocking.block, dim=1)
    hidden_layer, output_layer = network.architecture.linear_layers
    weight_HF, bias_H = (network.get_parameter(name) for name in hidden_layer.parameter_names)
    output_AH = network.get_parameter(output_layer.weight_name)
    weight = weight_HF.view(len(weight_HF), -1, blocking.taps)
    for first in range(0, len(weight), UNITS):
        units = slice(first, first + UNITS)
        w_FUC = _frequency_first(torch.fft.rfft(weight[units], n=blocking.block)).conj_physical_()
        constant = bias_H[units, None] * blocking.block
        output = output_AH[:, units]
        product = w_FUC.new_empty(w_FUC.shape[0], w_FUC.shape[1], blocking.blocks)
        transposed = w_FUC.new_empty(w_FUC.shape[1], blocking.blocks, w_FUC.shape[0])
        hidden = weight.new_empty(w_FUC.shape[1], blocking.blocks, blocking.block)
        for group, part in zip(groups, parts, strict=True):
            torch.bmm(w_FUC, group, out=product)
            transposed.copy_(product.permute(1, 2, 0))
            transposed[..., 0] += constant
            torch.fft.irfft(transposed, n=blocking.block, out=hidden)
            part.addmm_(output, hidden.relu_().flatten(1))
    return predictions.view(len(predictions), -1, blocking.block)[..., : blocking.hop].flatten(1)


def _frequency_first(spectra: Tensor) -> Tensor:
    """Return spectra [P, Q, F] as [F, P, Q], contiguous."""
    return spectra.permute(2, 0, 1).contiguous()


class HiddenAndOutput(torch.autograd.Function):
    """First Linear, ReLU, dropout and output: features [N, C, L] to sums [A, N, L - K + 1].

    Weights are [H, C, K], biases [H], output weights [A, H]. The sums are without the output's
    bias. The forward pass keeps the hidden values and the weights' spectra for the backward pass, a
    few units at a time.
    """

    @staticmethod
    def forward(
        ctx: Any, f_NCB: Tensor, w_HCK: Tensor, b_H: Tensor, v_AH: Tensor, dropout: float
    ) -> Tensor:
        """Return the sums."""
        chunks, _, length = f_NCB.shape
        taps, size = w_HCK.shape[2], find_fast_length(length)
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
        return total.view(len(v_AH), chunks, size)[..., : length - taps + 1].contiguous()

    @staticmethod
    def backward(ctx: Any, grad_ANT: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of features, weights, biases and output weights."""
        f_FCN, v_AH, *kept = ctx.saved_tensors
        taps, length, size = ctx.taps, ctx.length, ctx.size
        channels, chunks = f_FCN.shape[1:]
        outputs, hidden = v_AH.shape
        grad = v_AH.new_zeros(outputs, chunks, size)
        grad[..., : grad_ANT.shape[2]] = grad_ANT
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
            transposed = torch.bmm(g_FUN, f_FCN.mH).permute(1, 2, 0).contiguous()
            back = torch.fft.irfft(transposed, n=size)
            dw[units, :, 0] = back[..., 0]
            dw[units, :, 1:] = back[..., size - taps + 1 :].flip(-1)
        df = torch.fft.irfft(df_FCN.permute(2, 1, 0).contiguous(), n=size)[..., :length]
        return df, dw, db, dv, None
