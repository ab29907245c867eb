"""Sliding evaluation of a network with a rank: the projection is the correlation, the hidden layer
a product at every sample.

A rank is a few dozen rows where the full first Linear has a thousand, so that torch's own
operations and gradients serve.
"""

import torch
from torch import Tensor

from seq2point.network.network import Seq2Point
from seq2point.network.sliding.fft_lengths import find_fast_length
from seq2point.network.sliding.torch_backend import Blocking, prefers_windows

__all__ = ["Blocking", "predict_features", "predict_pass", "prefers_windows"]

BLOCKS = 8


def predict_features(network: Seq2Point, f_NCL: Tensor) -> Tensor:
    """All answers over features, with gradients, without the output's bias: [A, N, L - K + 1]."""
    shape, length = network.architecture, f_NCL.shape[2]
    assert network.projection is not None
    size = find_fast_length(length)
    w_FRC = torch.fft.rfft(
        network.projection.weight.view(-1, shape.channels[-1], shape.taps), n=size
    ).permute(2, 0, 1)
    f_FCN = torch.fft.rfft(f_NCL, n=size).permute(2, 1, 0)
    z_NTR = torch.fft.irfft(torch.bmm(w_FRC.conj(), f_FCN).permute(2, 1, 0), n=size)[
        ..., : length - shape.taps + 1
    ].mT
    hidden = network.dropout(torch.relu(network.hidden(z_NTR)))
    return torch.nn.functional.linear(hidden, network.output.weight).permute(2, 0, 1)


def predict_pass(network: Seq2Point, piece_T: Tensor, cut: Blocking) -> Tensor:
    """The answers of one pass over a piece of the series, without the output's bias: [A, windows of
    the pass].
    """
    features = network.features(piece_T[None])[0]
    features = torch.nn.functional.pad(
        features, (0, cut.windows + cut.taps - 1 - features.shape[1])
    )
    blocks = features.unfold(1, cut.block, cut.hop).transpose(0, 1)
    return torch.cat(
        [predict_features(network, some) for some in torch.split(blocks, BLOCKS)], dim=1
    ).flatten(1)
