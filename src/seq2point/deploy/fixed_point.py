"""A network in whole numbers: int8 weights, 16-bit activations, 32-bit sums, as the C of a
microcontroller computes them.

Every layer is the same: sums of products over the last `columns` columns of what the layer before
it gave (taps of a kernel, time steps of the first Linear, or one), then a rounded multiplication by
multiplier / 2^shift, then a clamp. Weights have a scale for each output (symmetric, by the largest
magnitude), activations one for each layer, without a zero point: after a ReLU nothing is negative.
An activation gets as many bits, at most 15, as keep every 32-bit sum from overflowing, whatever
comes in. The scheme is that of Jacob et al. 2018 (arXiv 1712.05877), with wider activations.
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
from seq2point.network import Layer as FloatLayer
from seq2point.recording import Recording, Watts
from seq2point.recording.windows import find_gapless_spans, predict_spans

FeatureBits = Literal[8, 16]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WEIGHT_MOST = 127
SHORT_MOST, BYTE_MOST = 32767, 255
HALF_A_SUM = 2**30
"""What the products may add up to, and what the bias may be: together less than an int32 holds."""
STEPS_PER_WATT = 64
HEADROOM = 1.5
"""How far beyond the largest activation seen a 16-bit one reaches.

An 8-bit one has no steps to spare for it.
"""
MAINS_HEADROOM, MOST_INPUT_SHIFT = 2, 4
CHUNK, SOME = 16_384, 1_024
BLOCK_BYTES = 1 << 26


class Ranges(NamedTuple):
    """The largest magnitudes in a recording: of the mains in watts, and of what each layer but the
    last gives.
    """

    mains_w: float
    layers: tuple[float, ...]


class Layer(NamedTuple):
    """One layer in whole numbers: weights i8[O, K, C] over K columns of C inputs, and i64[O] of
    what belongs to each output.
    """

    weights: npt.NDArray[np.int8]
    bias: Integers
    multiplier: Integers
    shift: Integers
    least: int
    most: int

    def run(self, x_TC: Integers) -> Integers:
        """All outputs over a series of columns, [T, C] to [T - K + 1, O].

        The sums are exact: float64 holds every whole number that an int32 does.
        """
        outputs, columns, inputs = self.weights.shape
        w = self.weights.astype(np.float64).transpose(2, 1, 0).reshape(inputs * columns, outputs)
        windows = sliding_window_view(x_TC.astype(np.float64), columns, axis=0)
        out = np.empty((len(windows), outputs), dtype=np.int64)
        rows = max(BLOCK_BYTES // (8 * len(w)), 1)
        for at in range(0, len(windows), rows):
            block = windows[at : at + rows]
            out[at : at + rows] = block.reshape(len(block), -1) @ w
        return self._rescaled(out + self.bias)

    def _rescaled(self, sums: Integers) -> Integers:
        rounded = (np.abs(sums) * self.multiplier + (np.int64(1) << (self.shift - 1))) >> self.shift
        limited: Integers = np.clip(np.sign(sums) * rounded, self.least, self.most)
        return limited


@dataclass(frozen=True)
class FixedPoint:
    """A network in whole numbers, from watts to watts: readings come in steps of 2^-`input_shift`
    W, answers in 1/64 W.

    `features` is the number of the first Linear among `layers`; what it reads takes `feature_bits`
    a number.
    """

    layers: tuple[Layer, ...]
    features: int
    feature_bits: FeatureBits
    input_shift: int
    input_most: int
    window: int
    target_index: int

    def readings(self, mains_w: Watts) -> Integers:
        """Watts as steps, the nearest, halves away from zero, cut off at the largest: i64[T]."""
        steps = np.clip(
            np.ldexp(mains_w.astype(np.float64), self.input_shift),
            -self.input_most,
            self.input_most,
        )
        whole: Integers = np.trunc(steps + np.copysign(0.5, steps)).astype(np.int64)
        return whole

    def answers(self, mains_w: Watts) -> Integers:
        """The answers to all full windows of a gapless series, in order, in 1/64 W: i64[T - W + 1,
        A].
        """
        x = self.readings(mains_w)[:, None]
        for layer in self.layers:
            x = layer.run(x)
        return x

    def predict_w(self, recording: Recording) -> Watts:
        """The appliances' power for every sample, f32[T, A] in watts; NaN where no full window of
        readings reaches.
        """

        def answer(readings_w: Watts) -> Watts:
            return self.answers(readings_w).astype(np.float32) / np.float32(STEPS_PER_WATT)

        return predict_spans(
            recording, self.window, self.target_index, len(self.layers[-1].bias), answer
        )


def measure_ranges(model: Model, recording: Recording, starts: npt.NDArray[np.int64]) -> Ranges:
    """True largest magnitudes: of mains and convolutions over a whole recording, of Linear layers
    over the windows `starts`.
    """
    network, shape, scale = model.network, model.architecture, model.scale
    mains = torch.from_numpy(recording.filled_mains_w).to(next(network.parameters()))
    mains = (mains - scale.mains_mean_w) / scale.mains_std_w
    convolutions, (*linear, _) = shape.convolution_layers, shape.linear_layers
    largest = dict.fromkeys((*convolutions, *linear), 0.0)

    def run(layer: FloatLayer, x: Tensor) -> Tensor:
        y = network.run_layer(layer, x)
        largest[layer] = max(largest[layer], float(y.abs().max()))
        return y

    network.eval()
    with torch.inference_mode():
        for first, end in find_gapless_spans(recording):
            for at in range(first, end - shape.window + 1, CHUNK):
                f = mains[None, None, at : min(at + CHUNK + shape.window - 1, end)]
                for layer in convolutions:
                    f = run(layer, f)
                windows = f[0].unfold(1, shape.taps, 1).transpose(0, 1)
                here = torch.from_numpy(
                    starts[(at <= starts) & (starts < at + len(windows))] - at
                ).to(mains.device)
                for some in torch.split(here, SOME):
                    x = windows[some].flatten(1)
                    for layer in linear:
                        x = run(layer, x)
    return Ranges(float(np.nanmax(np.abs(recording.mains_w))), tuple(largest.values()))


def quantise(model: Model, seen: Ranges, feature_bits: FeatureBits) -> FixedPoint:
    """A model in whole numbers; raises ModelFileError for weights that are no numbers or too far
    apart for 32 bits.
    """
    shape, scale = model.architecture, model.scale
    if not all(bool(torch.isfinite(p).all()) for p in model.network.parameters()):
        raise ModelFileError("the model has weights that are no finite numbers; train it again")
    reals = _fold_scales(model)
    input_shift = min(
        MOST_INPUT_SHIFT,
        int(np.floor(np.log2(SHORT_MOST / (MAINS_HEADROOM * max(seen.mains_w, 1.0))))),
    )
    units = [_row_units(real.weights) for real in reals]
    most = [
        _find_largest_input(real.weights, unit) for real, unit in zip(reals, units, strict=True)
    ]
    features = len(shape.convolution_layers)
    if feature_bits == 8:
        most[features] = min(most[features], BYTE_MOST)
    steps = [2.0**-input_shift]
    for i, largest in enumerate(seen.layers, start=1):
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
    """The network's layers, with the mains' deviation and the appliances' scale inside; the mains'
    mean is not yet.

    It is taken off once the weights are whole numbers, so that their rounding leaves a steady load
    out of the first sums.
    """
    scale, parameters = model.scale, model.network.state_dict()

    def numbers(name: str) -> Floats:
        found: Floats = parameters[name].cpu().double().numpy()
        return found

    def real(layer: FloatLayer) -> _RealLayer:
        weights_OIK = numbers(layer.weight_name).reshape(layer.outputs, layer.inputs, layer.taps)
        bias = numbers(layer.bias_name) if layer.bias else np.zeros(layer.outputs)
        return _RealLayer(weights_OIK.transpose(0, 2, 1), bias, layer.rectified)

    first, *middle, output = map(real, model.architecture.layers())
    first = first._replace(weights=first.weights / scale.mains_std_w)
    std_w, mean_w = np.array(scale.appliance_std_w), np.array(scale.appliance_mean_w)
    output = _RealLayer(
        output.weights * std_w[:, None, None], output.bias * std_w + mean_w, rectified=True
    )
    return [first, *middle, output]


def _row_units(weights_OKC: Floats) -> Floats:
    """What one step of each output's weights is worth; a row of zeros takes any."""
    largest = np.abs(weights_OKC).max(axis=(1, 2))
    return np.where(largest > 0, largest, 1.0) / WEIGHT_MOST


def _find_largest_input(weights_OKC: Floats, units_O: Floats) -> int:
    """The largest input for which no sum of products can leave its half of an int32."""
    whole = np.rint(weights_OKC / units_O[:, None, None])
    return min(SHORT_MOST, int(HALF_A_SUM // max(np.abs(whole).sum(axis=(1, 2)).max(), 1)))


def _quantise_layer(
    real: _RealLayer,
    units_O: Floats,
    step_in: float,
    mean_steps: float,
    step_out: float,
    bounds: tuple[int, int],
) -> Layer:
    """Whole numbers for one layer; a row whose bias is out of proportion to its weights gets
    coarser ones.
    """
    units_O = np.maximum(units_O, np.abs(real.bias) / (0.9 * HALF_A_SUM * step_in))
    whole = np.rint(real.weights / units_O[:, None, None])
    bias = real.bias / (units_O * step_in) - mean_steps * whole.sum(axis=(1, 2))
    if np.abs(bias).max() > HALF_A_SUM:
        raise ModelFileError(
            "a bias is too large for the weights beside it: no 32-bit sum holds both; train it"
            " again"
        )
    multiplier, shift = _as_fraction(units_O * step_in / step_out)
    return Layer(whole.astype(np.int8), np.rint(bias).astype(np.int64), multiplier, shift, *bounds)


def _as_fraction(ratio: Floats) -> tuple[Integers, Integers]:
    """Positive numbers as multiplier / 2^shift with a multiplier of 31 bits and a shift of 1 to 62."""
    exponent = np.frexp(ratio)[1]
    shift = np.minimum(31 - exponent, 62)
    if shift.min() < 1:
        raise ModelFileError(
            "weights of adjoining layers are too far apart for 32 bits; train it again"
        )
    multiplier = np.minimum(np.rint(np.ldexp(ratio, shift)), 2**31 - 1)
    return multiplier.astype(np.int64), shift.astype(np.int64)
