"""Native model files, as training writes them, on NumPy's arrays: no torch, on the CPU.

Recordings go through the C kernels, as in `network.sliding`. Where they are not to be had, and for
networks that the kernels do not know, NumPy computes the same (`array_network`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seq2point.appliances import Appliance
from seq2point.architecture import Architecture
from seq2point.kernels import (
    MOST_CONVOLUTIONS,
    Blocking,
    Convolutions,
    Library,
    has_one_hidden,
    load_kernels,
    prefers_windows,
)
from seq2point.limits import ABSURD_W
from seq2point.predictor import Progress
from seq2point.recording import Watts
from seq2point.recording.on_off import find_runs
from seq2point.recording.scaling import Scale
from seq2point.runtime import array_network
from seq2point.runtime.array_network import Floats, Weights
from seq2point.runtime.metadata import ExportMetadata
from seq2point.runtime.native_file import ModelHeader, read_model_file, split_masks
from seq2point.runtime.runtime import Runtime
from seq2point.system.hardware import count_threads

MEMORY_MB = 32
"""Memory that a pass takes beside the series and its predictions."""
BATCH_FLOATS = 2_000_000
"""Numbers of the widest convolution's features that windows are predicted with at a time."""
LARGEST = ABSURD_W
"""The largest scaled sample that can be power, as in `network.sliding`."""


class NativeRuntime(Runtime):
    """A native model file with its weights f32, which takes windows and series of any length.

    `threads` are those of the C kernels. NumPy's own are set by the environment.
    """

    def __init__(self, path: Path, header: ModelHeader, weights: Weights, threads: int):
        shape = header.architecture
        super().__init__(
            ExportMetadata(
                appliances=header.appliances,
                period_s=header.period_s,
                window=shape.window,
                target_index=shape.target_index,
                sliding=True,
                scale=header.scale,
                model=shape.model_dump(mode="json"),
                quantization=None,
                provenance=header.provenance,
            )
        )
        self.path = path
        self.architecture, self.weights, self.threads = shape, weights, threads

    @property
    def scale(self) -> Scale:
        """Return how watts become the network's numbers."""
        return self.metadata.scale

    def check(self, path: Path) -> None:
        """Accept the file: reading it has compared every tensor with the architecture."""

    def constants_w(self) -> dict[str, float]:
        """Return the power of each appliance whose prediction is the same whatever the mains are.

        See `array_network.find_constants_w`.
        """
        names = [appliance.name for appliance in self.appliances]
        return array_network.find_constants_w(self.architecture, self.weights, self.scale, names)

    def describe(self) -> dict[str, Any]:
        """Return what reports hold of a model, as JSON."""
        return describe_network(
            self.architecture,
            self.scale,
            self.appliances,
            self.period_s,
            self.constants_w(),
        )

    def _run(self, mains_w: Watts) -> Watts:
        if mains_w.shape[1] > self.window:
            return np.stack([self._predict_chunks(chunk_w, None) for chunk_w in mains_w])
        return self._to_watts(self._predict_each(self._scale(mains_w), None))[:, None]

    def _predict_chunks(self, mains_w: Watts, progress: Progress | None) -> Watts:
        """Return the power f32[L - W + 1, A] for all windows of mains f32[L], NaN where one holds a
        sample that is missing.

        A sample that is not finite, or beyond LARGEST when scaled, is missing. Each stretch between
        such samples is transformed by itself.
        """
        series_T, window = self._scale(mains_w), self.window
        count = len(series_T) - window + 1
        with np.errstate(invalid="ignore"):
            known = np.abs(series_T) <= LARGEST
        if known.all():
            return self._to_watts(self._predict_stretch(series_T, progress))
        scaled_AT = np.full((self.architecture.outputs, count), np.nan, np.float32)
        for first, length in zip(*(ends.tolist() for ends in find_runs(known)), strict=True):
            if length >= window:
                scaled_AT[:, first : first + length - window + 1] = self._predict_stretch(
                    series_T[first : first + length], progress
                )
        return self._to_watts(scaled_AT)

    def _scale(self, mains_w: Watts) -> Floats:
        scale = self.scale
        scaled = mains_w - np.float32(scale.mains_mean_w)
        scaled /= np.float32(scale.mains_std_w)
        return scaled

    def _to_watts(self, scaled_AT: Floats) -> Watts:
        """Return power f32[T, A] that is never negative, in the memory of the scaled power."""
        scale = self.scale
        scaled_AT *= np.array(scale.appliance_std_w, np.float32)[:, None]
        scaled_AT += np.array(scale.appliance_mean_w, np.float32)[:, None]
        return np.maximum(scaled_AT, 0, out=scaled_AT).T

    def _predict_stretch(self, series_T: Floats, progress: Progress | None) -> Floats:
        """Return scaled power f32[A, T - W + 1] for all windows of a series without a gap."""
        shape = self.architecture
        count = len(series_T) - shape.window + 1
        kernels = load_kernels() if has_one_hidden(shape) else None
        if prefers_windows(shape, count) if kernels else count <= shape.taps:
            return self._predict_few(kernels, series_T, progress)
        out = np.empty((shape.outputs, count), np.float32)
        windows, predict_piece = self._choose_pass(kernels, count)
        for first in range(0, count, windows):
            todo = min(windows, count - first)
            piece_T = series_T[first : first + todo + shape.window - 1]
            out[:, first : first + todo] = predict_piece(piece_T)
            if progress:
                progress(todo)
        return out

    def _predict_few(
        self, kernels: Library | None, series_T: Floats, progress: Progress | None
    ) -> Floats:
        """Return scaled power f32[A, T - W + 1] for windows that share their convolutions alone."""
        shape, weights = self.architecture, self.weights
        if kernels is None:
            windows_BW = np.lib.stride_tricks.sliding_window_view(series_T, shape.window)
            return self._predict_each(windows_BW, progress)
        features_CL = _extract_features(kernels, shape, weights, series_T, self.threads)
        features_CBK = np.lib.stride_tricks.sliding_window_view(features_CL, shape.taps, axis=1)
        batch = max(BATCH_FLOATS // (shape.channels[-1] * shape.taps), 1)
        out = np.empty((shape.outputs, features_CBK.shape[1]), np.float32)
        for first in range(0, out.shape[1], batch):
            part_BCK = features_CBK[:, first : first + batch].transpose(1, 0, 2)
            out[:, first : first + batch] = array_network.predict_features(
                shape, weights, part_BCK
            ).T
            if progress:
                progress(len(part_BCK))
        return out

    def _predict_each(self, windows_BW: Floats, progress: Progress | None) -> Floats:
        """Return scaled power f32[A, B] for windows, one by one."""
        shape = self.architecture
        batch = max(BATCH_FLOATS // (max(shape.channels) * shape.window), 1)
        out = np.empty((shape.outputs, len(windows_BW)), np.float32)
        for first in range(0, len(windows_BW), batch):
            part_BW = windows_BW[first : first + batch]
            out[:, first : first + batch] = array_network.predict_windows(
                shape, self.weights, part_BW
            ).T
            if progress:
                progress(len(part_BW))
        return out

    def _choose_pass(
        self, kernels: Library | None, count: int
    ) -> tuple[int, Callable[[Floats], Floats]]:
        """Return how many of `count` windows a pass takes, and what predicts those of a piece."""
        shape, weights = self.architecture, self.weights
        if kernels is None:
            block = array_network.choose_block(shape)
            blocks = int(MEMORY_MB * 1e6) // array_network.count_block_bytes(shape, block)
            hop = block - shape.taps + 1
            return max(blocks, 1) * hop, partial(
                array_network.predict_series, shape, weights, block=block
            )
        blocking = Blocking.choose(shape, count, MEMORY_MB, self.threads)
        return blocking.windows, partial(
            _predict_by_kernels, kernels, shape, weights, blocking, self.threads
        )


def _predict_by_kernels(
    kernels: Library,
    shape: Architecture,
    weights: Weights,
    blocking: Blocking,
    threads: int,
    series_T: Floats,
) -> Floats:
    """Return scaled power f32[A, T - W + 1] for all windows of a series, in one pass."""
    windows = len(series_T) - shape.window + 1
    features = _extract_features(kernels, shape, weights, series_T, threads)
    sizes = blocking.limit(windows).make_shape(shape, features.shape[1], threads)
    spectra = np.empty(kernels.count_spectra(sizes), np.float32)
    sums_ANT = np.empty((sizes.outputs, sizes.blocks, sizes.hop), np.float32)
    kernels.forward(
        sizes,
        features.ctypes.data,
        weights[shape.first_linear.weight_name].ctypes.data,
        weights[shape.first_linear.bias_name].ctypes.data,
        weights[shape.output_layer.weight_name].ctypes.data,
        spectra.ctypes.data,
        None,
        sums_ANT.ctypes.data,
    )
    sums_AT: Floats = sums_ANT.reshape(sizes.outputs, -1)[:, :windows]
    sums_AT += weights[shape.output_layer.bias_name][:, None]
    return sums_AT


def _extract_features(
    kernels: Library, shape: Architecture, weights: Weights, series_T: Floats, threads: int
) -> Floats:
    """Return what the convolutions make of a series: f32[C, L], contiguous."""
    layers = shape.convolution_layers
    if len(layers) > MOST_CONVOLUTIONS:
        features: Floats = array_network.extract_features(shape, weights, series_T[None])[0]
        return features
    features = np.empty((shape.channels[-1], len(series_T) - shape.window + shape.taps), np.float32)
    kernels.convolve(
        Convolutions.of(layers, threads),
        series_T.ctypes.data,
        len(series_T),
        [weights[layer.weight_name].ctypes.data for layer in layers],
        [weights[layer.bias_name].ctypes.data for layer in layers],
        features.ctypes.data,
        features.shape[1],
    )
    return features


def describe_network(
    shape: Architecture,
    scale: Scale,
    appliances: Sequence[Appliance],
    period_s: float,
    constants_w: Mapping[str, float],
) -> dict[str, Any]:
    """Return what `seq2point info` shows and metrics.json holds of a native model, as JSON."""
    return {
        "appliances": [a.name for a in appliances],
        "period_s": period_s,
        "architecture": shape.model_dump(mode="json"),
        "parameters": shape.parameters,
        "multiply_adds": shape.multiply_adds,
        "scale": scale.model_dump(mode="json"),
        "constants_w": dict(constants_w),
    }


def open_model(path: Path, threads: int | None = None) -> NativeRuntime:
    """Open a native model file, for the C kernels to run with so many threads.

    Raises ModelFileError for a file that is missing, damaged or altered.
    """
    header, tensors = read_model_file(path)
    weights, _ = split_masks(tensors)
    return NativeRuntime(path, header, weights, count_threads(threads))
