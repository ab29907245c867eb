"""A network of any architecture on NumPy's arrays: for windows, and for a series at once.

This is what predicts where there are no C kernels, and for networks that the C kernels do not know:
those with a rank, with several hidden layers, or with many convolutions. Convolutions are products
of matrices, one for each tap. The first Linear of a series goes by FFT, as network/sliding says.
Each function takes a part that is small enough for memory.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from seq2point.architecture import Architecture, Layer
from seq2point.kernels.fft_lengths import find_fast_length
from seq2point.limits import ABSURD_W, NOISE_W
from seq2point.recording.scaling import Scale

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, Floats]
Bounds = npt.NDArray[np.float64]

UNITS = 16
"""Rows of the first Linear whose spectra are computed at a time."""


def predict_windows(shape: Architecture, weights: Weights, windows_BW: Floats) -> Floats:
    """Return scaled power f32[B, A] for windows of scaled mains f32[B, W]."""
    return predict_features(shape, weights, extract_features(shape, weights, windows_BW))


def predict_features(shape: Architecture, weights: Weights, features_BCK: Floats) -> Floats:
    """Return scaled power f32[B, A] for what the convolutions make of windows, f32[B, C, K]."""
    z_NB = features_BCK.reshape(len(features_BCK), -1).T
    for layer in shape.linear_layers:
        z_NB = _finish(layer, weights, weights[layer.weight_name] @ z_NB)
    return z_NB.T


def extract_features(shape: Architecture, weights: Weights, x_BL: Floats) -> Floats:
    """Return what the convolutions make of scaled mains f32[B, L].

    The features are f32[B, C, L - sum(kernel - 1)].
    """
    f_BCL = x_BL[:, None]
    for layer in shape.convolution_layers:
        by_tap = np.ascontiguousarray(weights[layer.weight_name].transpose(2, 0, 1))
        length = f_BCL.shape[2] - layer.taps + 1
        sums = by_tap[0] @ f_BCL[..., :length]
        product = np.empty_like(sums)
        for tap in range(1, layer.taps):
            sums += np.matmul(by_tap[tap], f_BCL[..., tap : tap + length], out=product)
        f_BCL = _finish(layer, weights, sums)
    return f_BCL


def _finish(layer: Layer, weights: Weights, sums: Floats) -> Floats:
    """Add the biases of a layer to its sums [..., outputs, N], and rectify them, in place."""
    if layer.bias:
        sums += weights[layer.bias_name][:, None]
    return np.maximum(sums, 0, out=sums) if layer.rectified else sums


def choose_block(shape: Architecture) -> int:
    """Return how many feature samples a block has: longer ones waste less, but leave the cache."""
    return find_fast_length(max(int(3.5 * shape.taps), 512))


def predict_series(shape: Architecture, weights: Weights, series_T: Floats, block: int) -> Floats:
    """Return scaled power f32[A, T - W + 1] for all windows of scaled mains f32[T].

    The features are cut into blocks. The rows of the first Linear are transformed a few at a time,
    and added up to the sums of the second.
    """
    first, second, *others = shape.linear_layers
    features_CT = extract_features(shape, weights, series_T[None])[0]
    hop, windows = block - first.taps + 1, features_CT.shape[1] - first.taps + 1
    blocks = -(-windows // hop)
    missing = blocks * hop + first.taps - 1 - features_CT.shape[1]
    padded = np.pad(features_CT, ((0, 0), (0, missing)))
    cut_CNL = np.lib.stride_tricks.sliding_window_view(padded, block, axis=1)[:, ::hop]
    spectra_FCN = _put_frequency_first(np.fft.rfft(cut_CNL))
    w_RCK = weights[first.weight_name].reshape(first.outputs, first.inputs, first.taps)
    w_SR = weights[second.weight_name]
    sums = np.zeros((second.outputs, blocks * hop), np.float32)
    for row in range(0, first.outputs, UNITS):
        rows = slice(row, row + UNITS)
        w_FRC = _put_frequency_first(np.fft.rfft(w_RCK[rows], n=block))
        product_RNF = (np.conj(w_FRC, out=w_FRC) @ spectra_FCN).transpose(1, 2, 0)
        z_RNL = np.fft.irfft(product_RNF, n=block)[..., :hop]
        z_RT = z_RNL.reshape(len(z_RNL), -1)
        if first.bias:
            z_RT += weights[first.bias_name][rows, None]
        if first.rectified:
            np.maximum(z_RT, 0, out=z_RT)
        sums += w_SR[:, rows] @ z_RT
    z = _finish(second, weights, sums[:, :windows])
    for layer in others:
        z = _finish(layer, weights, weights[layer.weight_name] @ z)
    return z


def _put_frequency_first(
    spectra: npt.NDArray[np.complexfloating],
) -> npt.NDArray[np.complex64]:
    """Return spectra [P, Q, F] as [F, P, Q], contiguous."""
    return np.ascontiguousarray(spectra.transpose(2, 0, 1), dtype=np.complex64)


def count_block_bytes(shape: Architecture, block: int) -> int:
    """Return about how many bytes `predict_series` takes for each block."""
    widest = max(layer.outputs for layer in shape.convolution_layers)
    features = 4 * block * (3 * widest + shape.first_linear.inputs)
    spectra = 8 * (block // 2 + 1) * (2 * shape.first_linear.inputs + 2 * UNITS)
    hidden = 4 * block * (2 * UNITS + 2 * sum(layer.outputs for layer in shape.linear_layers[1:]))
    return features + spectra + hidden


def bound_outputs(
    layers: Sequence[Layer], weights: Weights, low: float, high: float
) -> tuple[Bounds, Bounds]:
    """Return bounds f64[A] on the outputs for windows whose samples lie from `low` to `high`.

    They come from interval arithmetic. They are equal only where every such window has the same
    output.
    """
    middle, radius = np.array([(low + high) / 2]), np.array([(high - low) / 2])
    for layer in layers:
        w_OIK = weights[layer.weight_name].reshape(layer.outputs, layer.inputs, layer.taps)
        middle = w_OIK.sum(2, dtype=np.float64) @ middle
        radius = np.abs(w_OIK).sum(2, dtype=np.float64) @ radius
        if layer.bias:
            middle = middle + weights[layer.bias_name]
        if layer.rectified:
            lows, highs = np.maximum(middle - radius, 0), np.maximum(middle + radius, 0)
            middle, radius = (lows + highs) / 2, (highs - lows) / 2
    return middle - radius, middle + radius


def find_constants_w(
    shape: Architecture, weights: Weights, scale: Scale, names: Sequence[str]
) -> dict[str, float]:
    """Return the power of each appliance whose prediction is the same whatever the mains are.

    Either no weight that is left leads from the mains to such a prediction, or all of its
    predictions are clipped at zero.
    """
    low, high = ((watts - scale.mains_mean_w) / scale.mains_std_w for watts in (-NOISE_W, ABSURD_W))
    std_w, mean_w = np.array(scale.appliance_std_w), np.array(scale.appliance_mean_w)
    lows_w, highs_w = (
        np.maximum(bound * std_w + mean_w, 0).tolist()
        for bound in bound_outputs(shape.layers(), weights, low, high)
    )
    bounds = zip(names, lows_w, highs_w, strict=True)
    return {name: low_w for name, low_w, high_w in bounds if low_w == high_w}
