"""Whole numbers: no sum leaves its 32 bits, whatever comes in, and rounding is what it says."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seq2point import Architecture, Model, ModelFileError
from seq2point.deploy.fixed_point import IntegerLayer, Ranges, quantise

shapes = st.builds(
    Architecture,
    window=st.integers(20, 60),
    channels=st.tuples(st.integers(1, 5), st.integers(1, 9)),
    kernels=st.tuples(st.integers(1, 9), st.integers(1, 5)),
    hidden=st.integers(1, 9),
    outputs=st.integers(1, 2),
    rank=st.none() | st.integers(1, 4),
)


@given(shapes, st.integers(0, 99), st.sampled_from([8, 16]), st.floats(-12, 12), st.floats(-6, 6))
def test_no_sum_can_leave_an_int32(
    make_model: Callable[..., Model],
    shape: Architecture,
    seed: int,
    bits: int,
    weights: float,
    biases: float,
):
    model = make_model(shape, seed)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for name, parameter in model.network.named_parameters():
            parameter *= 2.0 ** (biases if "bias" in name else weights / 4)
        model.network.hidden.weight[0] = 0
    ranges = Ranges(
        float(rng.uniform(1, 60_000)),
        tuple(rng.uniform(0, 100, len(shape.channels) + (2 if shape.rank else 1))),
    )
    network = quantise(model, ranges, bits)
    most = network.input_most
    for i, layer in enumerate(network.layers):
        largest = np.abs(layer.weights.astype(np.int64)).sum(axis=(1, 2)) * most + np.abs(
            layer.bias
        )
        assert largest.max() < 2**31
        assert np.abs(layer.weights.astype(int)).max() <= 127
        assert ((layer.shift >= 1) & (layer.shift <= 62) & (layer.multiplier < 2**31)).all()
        if i == network.features and bits == 8:
            assert most <= 255
        most = layer.most
    predictions = network.predict_steps(rng.normal(0, 1e5, 100).astype(np.float32))
    assert predictions.min() >= 0
    assert predictions.max() < 2**31


def test_halves_are_rounded_away_from_zero_and_the_result_is_cut_off():
    weights = np.ones((1, 1, 1), dtype=np.int8)
    half = IntegerLayer(
        weights, np.zeros(1, dtype=np.int64), np.array([2**30]), np.array([31]), -3, 3
    )
    assert half.run(np.array([[-9], [-3], [-1], [0], [1], [2], [3], [9]]))[:, 0].tolist() == [
        -3,
        -2,
        -1,
        0,
        1,
        1,
        2,
        3,
    ]


def test_readings_come_in_halves_or_finer_up_to_the_largest(make_model: Callable[..., Model]):
    model = make_model(Architecture(window=20, channels=(2,), kernels=(3,), hidden=2))
    network = quantise(model, Ranges(8000.0, (1.0, 1.0)), 16)
    readings = network.quantise_readings(
        np.array([0.2, 0.25, -0.25, 300.3, 1e9, -1e9], dtype=np.float32)
    )
    assert (readings / 2.0**network.input_shift).tolist() == [
        0,
        0.5,
        -0.5,
        300.5,
        16383.5,
        -16383.5,
    ]


def test_a_steady_load_is_no_worse_for_coarse_weights(make_model: Callable[..., Model]):
    """The mean is subtracted in whole numbers, too, so that a flat series gives equal results."""
    model = make_model(Architecture(window=20, channels=(2,), kernels=(3,), hidden=2))
    network = quantise(model, Ranges(4000.0, (1.0, 1.0)), 16)
    flat_w = np.full(20, model.scale.mains_mean_w, dtype=np.float32)
    assert network.predict_steps(flat_w)[0, 0] / 64 == pytest.approx(
        float(model.disaggregate(flat_w)[10]), rel=0.01
    )


def test_a_bias_beyond_all_proportion_is_refused(make_model: Callable[..., Model]):
    model = make_model(Architecture(window=20, channels=(2,), kernels=(3,), hidden=2))
    with torch.no_grad():
        model.network.output.weight.fill_(1e30)
    with pytest.raises(ModelFileError, match="too far apart for 32 bits"):
        quantise(model, Ranges(4000.0, (1.0, 1.0)), 16)
