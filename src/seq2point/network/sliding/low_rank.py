"""Sliding evaluation of any chain of Linear layers: a correlation, then products at every sample.

It serves networks with a rank, and those whose Linear layers the other backends do not know. A rank
is a few dozen rows where the full first Linear has a thousand. Torch's own operations and gradients
are therefore fast enough.
"""

import torch
from torch import Tensor

from seq2point.kernels.fft_lengths import find_fast_length
from seq2point.network import Seq2Point
from seq2point.network.sliding.torch_backend import Blocking, choose_blocking, prefers_windows

__all__ = ["choose_blocking", "predict_features", "predict_pass", "prefers_windows"]

BLOCKS = 8
"""Blocks of features that are predicted at a time."""
ROWS = 512
"""Rows of the first Linear at a time: the spectra of all of them would take gigabytes."""


def predict_features(network: Seq2Point, f_NCL: Tensor) -> Tensor:
    """Return the predictions of all windows of features [N, C, L], with gradients.

    They are [A, N, L - K + 1] for K taps, without the output's bias.
    """
    first, *others, output = network.architecture.linear_layers
    length = f_NCL.shape[2]
    size, windows = find_fast_length(length), length - first.taps + 1
    f_FCN = torch.fft.rfft(f_NCL, n=size).permute(2, 1, 0)
    parts = []
    for rows in torch.split(network.module(first).weight, ROWS):
        w_FRC = torch.fft.rfft(rows.view(-1, first.inputs, first.taps), n=size).permute(2, 0, 1)
        product_NRF = torch.bmm(w_FRC.conj(), f_FCN).permute(2, 1, 0)
        parts.append(torch.fft.irfft(product_NRF, n=size)[..., :windows].mT)
    z_NTR = parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)
    if first.bias:
        z_NTR = z_NTR + network.get_parameter(first.bias_name)
    z_NTR = network.finish_layer(first, z_NTR)
    for layer in others:
        z_NTR = network.run_layer(layer, z_NTR)
    return torch.nn.functional.linear(z_NTR, network.module(output).weight).permute(2, 0, 1)


def predict_pass(network: Seq2Point, piece_T: Tensor, blocking: Blocking) -> Tensor:
    """Return the predictions [A, windows of the pass] of one pass over a piece of the series.

    They are without the output's bias.
    """
    features = network.extract_features(piece_T[None])[0]
    features = torch.nn.functional.pad(
        features, (0, blocking.windows + blocking.taps - 1 - features.shape[1])
    )
    blocks = features.unfold(1, blocking.block, blocking.hop).transpose(0, 1)
    parts = [predict_features(network, part) for part in torch.split(blocks, BLOCKS)]
    return torch.cat(parts, dim=1).flatten(1)
