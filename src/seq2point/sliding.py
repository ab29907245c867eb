"""Every window of a series at once, exactly: shared convolutions, then the first Linear as a convolution by FFT."""

import torch
from torch import Tensor

from seq2point.network import Seq2Point


def predict_windows(network: Seq2Point, series_T: Tensor, batch_size: int = 1000) -> Tensor:
    """The predictions of all full windows of a scaled series f32[T], one window at a time: f32[T - W + 1, A].

    The plain way, kept as the reference that `predict` must equal.
    """
    windows = series_T.unfold(0, network.architecture.window, 1)
    with torch.inference_mode():
        return torch.cat([network(windows[i : i + batch_size]) for i in range(0, len(windows), batch_size)])


def predict(network: Seq2Point, series_T: Tensor) -> Tensor:
    """The predictions of all full windows of a scaled series f32[T], in order: f32[T - W + 1] (or [.., A]).

    Overlap-save: blocks of features are correlated with the first Linear's weights by FFT, a few hidden units at a time.
    """
    shape = network.architecture
    count = len(series_T) - shape.window + 1
    if count < 4 * shape.taps:
        return predict_windows(network, series_T).squeeze(-1)
    block = max(2048, 1 << (shape.taps * 3).bit_length())
    hop, group, units = block - shape.taps + 1, 8, 16
    margin = shape.window - shape.taps
    out = series_T.new_empty(count, shape.outputs)
    with torch.inference_mode():
        weight = network.hidden.weight.view(shape.hidden, shape.channels[-1], shape.taps)
        spectra = [
            torch.fft.rfft(w, n=block).conj().permute(2, 0, 1).resolve_conj().contiguous() for w in torch.split(weight, units)
        ]
        for first in range(0, count, hop * group):
            piece = series_T[first : first + hop * group + shape.taps - 1 + margin]
            features = network.features(piece[None])[0]
            blocks = -(-(features.shape[1] - shape.taps + 1) // hop)
            features = torch.nn.functional.pad(features, (0, blocks * hop + shape.taps - 1 - features.shape[1]))
            f = torch.fft.rfft(features.unfold(1, block, hop)).permute(2, 0, 1).contiguous()
            total = network.output.bias[None, :, None].repeat(blocks, 1, hop)
            for i, w in enumerate(spectra):
                part = slice(i * units, (i + 1) * units)
                h = torch.fft.irfft(torch.bmm(w, f).permute(2, 1, 0), n=block)[..., :hop]
                h = torch.relu_(h + network.hidden.bias[part, None])
                total += torch.matmul(network.output.weight[:, part], h)
            answer = total.permute(0, 2, 1).reshape(blocks * hop, shape.outputs)
            out[first : first + blocks * hop] = answer[: count - first]
    return out.squeeze(-1)
