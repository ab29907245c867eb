"""A network in whole numbers, as a microcontroller's C computes it.

Weights are int8, activations 16-bit, sums 32-bit. Every layer does the same. It sums products over
the last columns of the outputs of the layer before it: taps of a kernel, time steps of the first
Linear, or one. It multiplies the sums by multiplier / 2^shift with rounding, and clamps them.

Weights have a symmetric scale for each output, by the largest magnitude. Activations have a scale
for each layer and no zero point, since nothing is negative after a ReLU. An activation has at most
15 bits, and no more than keep every 32-bit sum from overflowing for any input. The scheme is that
of Jacob et al. 2018 (arXiv 1712.05877), with wider activations.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from seq2point.errors import ModelFileError
from seq2point.model.model_file import Model
from seq2point.network import Layer
from seq2point.recording import Recording, Watts
from seq2point.recording.windows import find_gapless_spans, predict_spans

FeatureBits = Literal[8, 16]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WEIGHT_MOST = 127
SHORT_MOST, BYTE_MOST = 32767, 255
HALF_A_SUM = 2**30
"""Largest sum of products, and largest bias: an int32 holds both together."""
STEPS_PER_WATT = 64
HEADROOM = 1.5
"""How far 16-bit activations reach beyond the largest one measured.

8-bit ones have no steps to spare for it.
"""
MAINS_HEADROOM, MOST_INPUT_SHIFT = 2, 4
CHUNK, SOME = 16_384, 1_024
"""Windows of which the convolutions, and the Linear layers, are computed at a time."""
BLOCK_BYTES = 1 << 26
"""Memory of the windows that a layer computes at a time."""


class Ranges(NamedTuple):
    """The largest magnitudes in a recording: of the mains, and of each layer's outputs but the
    last.

    The mains are in watts.
    """

    mains_w: float
    layers: tuple[float, ...]


class IntegerLayer(NamedTuple):
    """One layer in whole numbers: weights i8[O, K, C] over K columns of C inputs.

    Bias, multiplier and shift are i64[O]. Outputs are clamped to `least` and `most`.
    """

    weights: npt.NDArray[np.int8]
    bias: Integers
    multiplier: Integers
    shift: Integers
    least: int
    most: int

    def run(self, x_TC: Integers) -> Integers:
        """Return all outputs [T - K + 1, O] over a series of columns [T, C].

        The sums are exact: float64 holds every whole number that an int32 does.
        """
        outputs, columns, inputs = self.weights.shape
        w = self.weights.astype(np.float64).transpose(2, 1, 0).reshape(inputs * columns, outputs)
        windows = sliding_window_view(x_TC.astype(np.float64), columns, axis=0)
        out = np.empty((len(windows), outputs), dtype=np.int64)
        rows = max(BLOCK_BYTES // (8 * len(w)), 1)
        for first in range(0, len(windows), rows):
            block = windows[first : first + rows]
            out[first : first + rows] = block.reshape(len(block), -1) @ w
        return self._rescale(out + self.bias)

    def _rescale(self, sums: Integers) -> Integers:
        rounded = (np.abs(sums) * self.multiplier + (np.int64(1) << (self.shift - 1))) >> self.shift
        limited: Integers = np.clip(np.sign(sums) * rounded, self.least, self.most)
        return limited


@dataclass(frozen=True)
class FixedPoint:
    """A network in whole numbers, from watts to watts.

    Readings are in steps of 2^-`input_shift` W, predictions in steps of 1/64 W. `features` is the
    index of the first Linear in `layers`; its inputs have `feature_bits`.
    """

    layers: tuple[IntegerLayer, ...]
    features: int
    feature_bits: FeatureBits
    input_shift: int
    input_most: int
    window: int
    target_index: int

    def quantise_readings(self, mains_w: Watts) -> Integers:
        """Return watts f32[T] as the nearest steps i64[T].

        Halves are rounded away from zero. Readings beyond `input_most` are clipped.
        """
        steps = np.clip(
            np.ldexp(mains_w.astype(np.float64), self.input_shift),
            -self.input_most,
            self.input_most,
        )
        whole: Integers = np.trunc(steps + np.copysign(0.5, steps)).astype(np.int64)
        return whole

    def predict_steps(self, mains_w: Watts) -> Integers:
        """Return the predictions i64[T - W + 1, A] of all full windows of a gapless series.

        They are in steps of 1/64 W.
        """
        x = self.quantise_readings(mains_w)[:, None]
        for layer in self.layers:
            x = layer.run(x)
        return x

    def predict_w(self, recording: Recording) -> Watts:
        """Return the appliances' power for every sample, f32[T, A] in watts.

        It is NaN where no full window of readings reaches.
        """

        def predict(readings_w: Watts) -> Watts:
            return self.predict_steps(readings_w).astype(np.float32) / np.float32(STEPS_PER_WATT)

        return predict_spans(
            recording, self.window, self.target_index, len(self.layers[-1].bias), predict
        )


def measure_ranges(model: Model, recording: Recording, starts: npt.NDArray[np.int64]) -> Ranges:
    """Return the largest magnitudes of the mains and of each layer's outputs.

    Those of the convolutions are over the whole recording, those of the Linear layers over the
    windows that begin at `starts`.
    """
    network, shape, scale = model.network, model.architecture, model.scale
    mains = torch.from_numpy(recording.filled_mains_w).to(next(network.parameters()))
    mains = (mains - scale.mains_mean_w) / scale.mains_std_w
    convolutions, (*linear, _) = shape.convolution_layers, shape.linear_layers
    largest = dict.fromkeys((*convolutions, *linear), 0.0)

    def run(layer: Layer, x: Tensor) -> Tensor:
        y = network.run_layer(layer, x)
        largest[layer] = max(largest[layer], float(y.abs().max()))
        return y

    network.eval()
    with torch.inference_mode():
        for first, end in find_gapless_spans(recording):
            for begin in range(first, end - shape.window + 1, CHUNK):
                f = mains[None, None, begin : min(begin + CHUNK + shape.window - 1, end)]
                for layer in convolutions:
                    f = run(layer, f)
                windows = f[0].unfold(1, shape.taps, 1).transpose(0, 1)
                inside = (begin <= starts) & (starts < begin + len(windows))
                chosen = torch.from_numpy(starts[inside] - begin).to(mains.device)
                for part in torch.split(chosen, SOME):
                    x = windows[part].flatten(1)
                    for layer in linear:
                        x = run(layer, x)
    return Ranges(float(np.nanmax(np.abs(recording.mains_w))), tuple(largest.values()))


def quantise(model: Model, ranges: Ranges, feature_bits: FeatureBits) -> FixedPoint:
    """Return a model in whole numbers.

    Raises ModelFileError for weights that are not finite, or too far apart for 32 bits.
    """
    shape, scale = model.architecture, model.scale
    if not all(bool(torch.isfinite(p).all()) for p in model.network.parameters()):
        raise ModelFileError("the model has weights that are not finite numbers; train it again")
    reals = _fold_scales(model)
    input_shift = min(
        MOST_INPUT_SHIFT,
        int(np.floor(np.log2(SHORT_MOST / (MAINS_HEADROOM * max(ranges.mains_w, 1.0))))),
    )
    units = [_measure_units(real.weights) for real in reals]
    most = [
        _find_largest_input(real.weights, unit) for real, unit in zip(reals, units, strict=True)
    ]
    features = len(shape.convolution_layers)
    if feature_bits == 8:
        most[features] = min(most[features], BYTE_MOST)
    steps = [2.0**-input_shift]
    for i, largest in enumerate(ranges.layers, start=1):
        headroom = 1.0 if i == features and feature_bits == 8 else HEADROOM
        steps.append(headroom * (largest or 1.0) / most[i])
    steps.append(1 / STEPS_PER_WATT)
    layers = []
    for i, (real, unit) in enumerate(zip(reals, units, strict=True)):
        last = i + 1 == len(reals)
        bounds = (0, 2**31 - 1) if last else (0 if real.rectified else -most[i + 1], most[i + 1])
        mean_steps = scale.mains_mean_w / steps[0] if i == 0 else 0.0
        layers.append(_quantise_layer(real, unit, steps[i], mean_steps, steps[i + 1], bounds))
    return FixedPoint(
        tuple(layers),
        features,
        feature_bits,
        input_shift,
        most[0],
        shape.window,
        shape.target_index,
    )


class _RealLayer(NamedTuple):
    """A layer in real numbers, watts in, watts out: weights f64[O, K, C], bias f64[O]."""

    weights: Floats
    bias: Floats
    rectified: bool


def _fold_scales(model: Model) -> list[_RealLayer]:
    """Return the network's layers with the mains' deviation and the appliances' scale folded in.

    The mains' mean is subtracted later, when the weights are whole numbers. Their rounding then
    keeps a steady load out of the first sums.
    """
    scale, parameters = model.scale, model.network.state_dict()

    def read_numbers(name: str) -> Floats:
        numbers: Floats = parameters[name].cpu().double().numpy()
        return numbers

    def make_layer(layer: Layer) -> _RealLayer:
        weights_OIK = read_numbers(layer.weight_name).reshape(
            layer.outputs, layer.inputs, layer.taps
        )
        bias = read_numbers(layer.bias_name) if layer.bias else np.zeros(layer.outputs)
        return _RealLayer(weights_OIK.transpose(0, 2, 1), bias, layer.rectified)

    first, *middle, output = map(make_layer, model.architecture.layers())
    first = first._replace(weights=first.weights / scale.mains_std_w)
    std_w, mean_w = np.array(scale.appliance_std_w), np.array(scale.appliance_mean_w)
    output = _RealLayer(
        output.weights * std_w[:, None, None], output.bias * std_w + mean_w, rectified=True
    )
    return [first, *middle, output]


def _measure_units(weights_OKC: Floats) -> Floats:
    """Return the value of a step of each output's weights; any will do for a row of zeros."""
    largest = np.abs(weights_OKC).max(axis=(1, 2))
    return np.where(largest > 0, largest, 1.0) / WEIGHT_MOST


def _find_largest_input(weights_OKC: Floats, units_O: Floats) -> int:
    """Return the largest input for which no sum of products exceeds half of an int32."""
    whole = np.rint(weights_OKC / units_O[:, None, None])
    return min(SHORT_MOST, int(HALF_A_SUM // max(np.abs(whole).sum(axis=(1, 2)).max(), 1)))


def _quantise_layer(
    real: _RealLayer,
    units_O: Floats,
    step_in: float,
    mean_steps: float,
    step_out: float,
    bounds: tuple[int, int],
) -> IntegerLayer:
    """Return one layer in whole numbers.

    A row whose bias is large beside its weights gets coarser weights.
    """
    units_O = np.maximum(units_O, np.abs(real.bias) / (0.9 * HALF_A_SUM * step_in))
    whole = np.rint(real.weights / units_O[:, None, None])
    bias = real.bias / (units_O * step_in) - mean_steps * whole.sum(axis=(1, 2))
    if np.abs(bias).max() > HALF_A_SUM:
        raise ModelFileError(
            "a bias is too large beside its weights for a 32-bit sum; train the model again"
        )
    multiplier, shift = _to_fraction(units_O * step_in / step_out)
    return IntegerLayer(
        whole.astype(np.int8), np.rint(bias).astype(np.int64), multiplier, shift, *bounds
    )


def _to_fraction(ratio: Floats) -> tuple[Integers, Integers]:
    """Return positive numbers as a multiplier of 31 bits and a shift of 1 to 62: m / 2^s."""
    exponent = np.frexp(ratio)[1]
    shift = np.minimum(31 - exponent, 62)
    if shift.min() < 1:
        raise ModelFileError(
            "weights of adjoining layers are too far apart for 32 bits; train the model again"
        )
    multiplier = np.minimum(np.rint(np.ldexp(ratio, shift)), 2**31 - 1)
    return multiplier.astype(np.int64), shift.astype(np.int64)
