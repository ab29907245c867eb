"""A network as a LiteRT (TensorFlow Lite) graph, written from its weights: watts in, watts out.

    mains_w [batch, window]        -> Reshape, Conv2D over a height of one, Reshape,
    FullyConnected                 -> power_w [batch, appliances]

Scaling is folded into the first and the last weights, as in ONNX. The last layer's ReLU clips at
zero. Layers that do not stay float32 are int8, with activations between their lowest and highest
values. The last layer always stays float32: 256 steps from 0 to 3 kW would be 12 W each.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from seq2point.deploy.litert_writer import ANY_BATCH, FLOAT32, Graph, TensorScale
from seq2point.deploy.weights import fold_scale
from seq2point.model.model_file import Model
from seq2point.network import Layer
from seq2point.recording import Watts
from seq2point.runtime.litert import INPUT, METADATA, OUTPUT

Extremes = Mapping[str, tuple[float, float]]

MAINS = "mains"
BATCH = 64


def find_extremes(model: Model, windows_w: Watts) -> dict[str, tuple[float, float]]:
    """Return the lowest and highest values of the mains and of each layer's outputs.

    They are over windows of mains f32[N, W] in watts.
    """
    network, scale, layers = model.network, model.scale, model.architecture.layers()
    extremes: dict[str, tuple[float, float]] = {
        MAINS: (float(windows_w.min()), float(windows_w.max()))
    }
    handles = []
    for layer in layers:

        def watch(_: Any, __: Any, outputs: torch.Tensor, name: str = layer.name) -> None:
            low, high = float(outputs.min()), float(outputs.max())
            before = extremes.get(name, (low, high))
            extremes[name] = min(before[0], low), max(before[1], high)

        handles.append(network.module(layer).register_forward_hook(watch))
    mains = (
        torch.from_numpy(np.ascontiguousarray(windows_w)) - scale.mains_mean_w
    ) / scale.mains_std_w
    network.eval()
    with torch.inference_mode():
        for batch in torch.split(mains, BATCH):
            network(batch)
    for handle in handles:
        handle.remove()
    for layer in filter(_is_rectified, layers):
        extremes[layer.name] = 0.0, max(extremes[layer.name][1], 0.0)
    return extremes


def _is_rectified(layer: Layer) -> bool:
    """Return whether the graph's layer has a ReLU: that of the output clips at zero."""
    return layer.rectified or layer.reader is None


def build_graph(model: Model, in_float: Sequence[str], extremes: Extremes, text: str = "") -> bytes:
    """Return the model as a flatbuffer with these layers in float32 and `text` in its metadata."""
    shape, weights, graph = model.architecture, fold_scale(model), Graph()
    last, output = MAINS, shape.output_layer.name
    floats = {*in_float, output}

    def make_scale(name: str) -> TensorScale | None:
        return None if name in floats else TensorScale.fit(extremes[name])

    graph.last = mains = graph.add_tensor(INPUT, [ANY_BATCH, shape.window], FLOAT32)
    graph.add_reshape("signal", [ANY_BATCH, 1, shape.window, 1])
    for layer in shape.layers():
        name, weight, bias = layer.name, weights[layer.weight_name], weights.get(layer.bias_name)
        if layer.convolves:
            reads = [ANY_BATCH, 1, layer.samples + layer.taps - 1, layer.inputs]
            gives = [ANY_BATCH, 1, layer.samples, layer.outputs]
            weight = weight.transpose(0, 2, 1)[:, None]
        else:
            reads, gives = [ANY_BATCH, layer.taps * layer.inputs], [ANY_BATCH, layer.outputs]
            weight = (
                weight.reshape(layer.outputs, layer.inputs, layer.taps)
                .transpose(0, 2, 1)
                .reshape(layer.outputs, -1)
            )
        if layer == shape.first_linear:
            graph.add_reshape("flat", reads)
        graph.convert_to(name in floats, name, reads, extremes.get(last))
        label = OUTPUT if name == output else name
        graph.add_layer(
            label, weight, bias, gives, make_scale(name), rectified=_is_rectified(layer)
        )
        last = name
    return graph.pack(mains, (INPUT, OUTPUT), (METADATA, text))
