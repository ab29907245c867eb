"""A network as a LiteRT (TensorFlow Lite) graph, written from its weights: watts in, watts out.

    mains_w [batch, window]    Reshape, Conv2D over a height of one, Reshape, FullyConnected    power_w [batch, appliances]

Scaling is a part of the first and of the last weights, as in ONNX; the last layer's ReLU clips at
zero. Layers that are not to stay float32 are int8, their activations between the lowest and the
highest value seen. The last always stays float32: 256 steps from 0 to 3 kW would be 12 W each.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from seq2point.deploy.litert_writer import ANY_BATCH, FLOAT32, Graph, Scale
from seq2point.deploy.weights import fold_scale
from seq2point.model.model_file import Model
from seq2point.network import Layer
from seq2point.recording import Watts
from seq2point.runtime.litert import INPUT, METADATA, OUTPUT

Extremes = Mapping[str, tuple[float, float]]

MAINS = "mains"
BATCH = 64


def find_extremes(model: Model, windows_w: Watts) -> dict[str, tuple[float, float]]:
    """The lowest and highest numbers of the mains and of what each layer gives, over windows of
    mains f32[N, W].
    """
    network, scale, layers = model.network, model.scale, model.architecture.layers()
    seen: dict[str, tuple[float, float]] = {MAINS: (float(windows_w.min()), float(windows_w.max()))}
    handles = []
    for layer in layers:

        def watch(_: Any, __: Any, given: torch.Tensor, name: str = layer.name) -> None:
            low, high = float(given.min()), float(given.max())
            before = seen.get(name, (low, high))
            seen[name] = min(before[0], low), max(before[1], high)

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
        seen[layer.name] = 0.0, max(seen[layer.name][1], 0.0)
    return seen


def _is_rectified(layer: Layer) -> bool:
    """Whether the graph's layer has a ReLU: the output's clips at zero."""
    return layer.rectified or layer.reader is None


def build_graph(model: Model, in_float: Sequence[str], seen: Extremes, text: str = "") -> bytes:
    """The model as a flatbuffer with these layers in float32; `text` goes into its metadata."""
    shape, weights, graph = model.architecture, fold_scale(model), Graph()
    last, output = MAINS, shape.output_layer.name
    floats = {*in_float, output}

    def scale_of(name: str) -> Scale | None:
        return None if name in floats else Scale.between(seen[name])

    graph.at = mains = graph.tensor(INPUT, [ANY_BATCH, shape.window], FLOAT32)
    graph.reshape("signal", [ANY_BATCH, 1, shape.window, 1])
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
            graph.reshape("flat", reads)
        graph.become(name in floats, name, reads, seen.get(last))
        called = OUTPUT if name == output else name
        graph.layer(called, weight, bias, gives, scale_of(name), rectified=_is_rectified(layer))
        last = name
    return graph.packed(mains, (INPUT, OUTPUT), (METADATA, text))
