"""The layers of an architecture: those of the paper, what follows from them, and the way back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from seq2point.network import NETWORKS, Architecture, Layer

PAPER = [
    ("convolutions.0", 1, 30, 10, 590, "convolutions.1", 1),
    ("convolutions.1", 30, 30, 8, 583, "convolutions.2", 1),
    ("convolutions.2", 30, 40, 6, 578, "convolutions.3", 1),
    ("convolutions.3", 40, 50, 5, 574, "convolutions.4", 1),
    ("convolutions.4", 50, 50, 5, 570, "hidden", 570),
    ("hidden", 50, 1024, 570, 1, "output", 1),
    ("output", 1024, 1, 1, 1, None, 1),
]
LOW_RANK = [
    ("convolutions.0", 1, 4, 5, 29, "convolutions.1", 1),
    ("convolutions.1", 4, 6, 3, 27, "projection", 27),
    ("projection", 6, 2, 27, 1, "hidden", 1),
    ("hidden", 2, 8, 1, 1, "output", 1),
    ("output", 8, 3, 1, 1, None, 1),
]
LOW_RANK_SHAPE = Architecture(
    window=33, channels=(4, 6), kernels=(5, 3), hidden=8, outputs=3, rank=2
)


@st.composite
def shapes(draw: st.DrawFn) -> Architecture:
    kernels = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    window = sum(k - 1 for k in kernels) + draw(st.integers(1, 12))
    return Architecture(
        window=window,
        target_index=draw(st.integers(0, window - 1)),
        channels=tuple(draw(st.integers(1, 6)) for _ in kernels),
        kernels=kernels,
        hidden=draw(st.integers(1, 9)),
        outputs=draw(st.integers(1, 3)),
        dropout=draw(st.sampled_from([0.0, 0.5])),
        rank=draw(st.none() | st.integers(1, 9)),
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [(Architecture(), PAPER), (LOW_RANK_SHAPE, LOW_RANK)],
    ids=["paper", "low rank"],
)
def test_the_layers_are_in_order_with_what_reads_them(
    shape: Architecture, expected: list[tuple[object, ...]]
):
    layers = [
        (
            layer.name,
            layer.inputs,
            layer.outputs,
            layer.taps,
            layer.samples,
            layer.reader,
            layer.columns_per_output,
        )
        for layer in shape.layers()
    ]
    assert layers == expected
    for layer in shape.layers():
        assert layer.convolves == layer.name.startswith("convolutions")
        assert layer.rectified == (layer.name not in ("projection", "output"))
        assert layer.bias == (layer.name != "projection")


def test_layers_are_found_by_what_they_do():
    assert [layer.name for layer in LOW_RANK_SHAPE.convolution_layers] == [
        "convolutions.0",
        "convolutions.1",
    ]
    assert [layer.name for layer in LOW_RANK_SHAPE.linear_layers] == [
        "projection",
        "hidden",
        "output",
    ]
    assert [layer.name for layer in LOW_RANK_SHAPE.unit_layers] == [
        "convolutions.0",
        "convolutions.1",
        "hidden",
    ]
    assert (LOW_RANK_SHAPE.first_linear.name, LOW_RANK_SHAPE.output_layer.name) == (
        "projection",
        "output",
    )
    assert (LOW_RANK_SHAPE.taps, LOW_RANK_SHAPE.features) == (27, 6 * 27)


@given(shapes())
def test_every_parameter_of_the_network_is_one_of_a_layer(shape: Architecture):
    network = shape.build()
    names = [name for layer in shape.layers() for name in layer.parameter_names]
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())
    for layer in shape.layers():
        weight = network.get_parameter(layer.weight_name)
        columns = (layer.inputs, layer.taps) if layer.convolves else (layer.inputs * layer.taps,)
        assert weight.shape == (layer.outputs, *columns)
    assert shape.parameters == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("shape", [*NETWORKS.values(), LOW_RANK_SHAPE])
def test_the_multiply_adds_are_half_the_operations_that_torch_counts(shape: Architecture):
    with torch.device("meta"):
        network, window = shape.build(), torch.empty(1, shape.window)
    with FlopCounterMode(display=False) as counter:
        network(window)
    assert shape.multiply_adds == counter.get_total_flops() / 2


@given(shapes())
def test_resizing_to_its_own_layers_gives_the_same_architecture(shape: Architecture):
    assert shape.resize(shape.layers(), shape.target_index) == shape


def test_a_resized_architecture_has_the_outputs_and_taps_that_were_asked_for():
    def smaller(layer: Layer) -> Layer:
        if layer.reader is None:
            return layer
        return layer._replace(outputs=layer.outputs - 1, taps=max(layer.taps - 2, 1))

    small = LOW_RANK_SHAPE.resize(map(smaller, LOW_RANK_SHAPE.layers()), target_index=7)
    expected = Architecture(
        window=27, target_index=7, channels=(3, 5), kernels=(3, 1), hidden=7, outputs=3, rank=1
    )
    assert small == expected
    assert small.taps == 25
