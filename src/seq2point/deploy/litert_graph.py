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
from seq2point.deploy.weights import fold_scale, layers
from seq2point.model.model_file import Model
from seq2point.recording import Watts
from seq2point.runtime.litert import INPUT, METADATA, OUTPUT

Extremes = Mapping[str, tuple[float, float]]

MAINS = "mains"
BATCH = 64


def find_extremes(model: Model, windows_w: Watts) -> dict[str, tuple[float, float]]:
    """The lowest and highest numbers of the mains and of what each layer gives, over windows of
    mains f32[N, W].
    """
    network, scale = model.network, model.scale
    seen: dict[str, tuple[float, float]] = {MAINS: (float(windows_w.min()), float(windows_w.max()))}
    handles = []
    for name in layers(model.architecture):

        def watch(_: Any, __: Any, given: torch.Tensor, name: str = name) -> None:
            low, high = float(given.min()), float(given.max())
            before = seen.get(name, (low, high))
            seen[name] = min(before[0], low), max(before[1], high)

        handles.append(network.get_submodule(name).register_forward_hook(watch))
    mains = (
        torch.from_numpy(np.ascontiguousarray(windows_w)) - scale.mains_mean_w
    ) / scale.mains_std_w
    network.eval()
    with torch.inference_mode():
        for batch in torch.split(mains, BATCH):
            network(batch)
    for handle in handles:
        handle.remove()
    return {
        name: of if name in (MAINS, "projection") else (0.0, max(of[1], 0.0))
        for name, of in seen.items()
    }


def build_graph(model: Model, in_float: Sequence[str], seen: Extremes, text: str = "") -> bytes:
    """The model as a flatbuffer with these layers in float32; `text` goes into its metadata."""
    shape, weights, graph = model.architecture, fold_scale(model), Graph()
    names, last = layers(shape), MAINS
    floats = {*in_float, "output"}

    def scale_of(name: str) -> Scale | None:
        return None if name in floats else Scale.between(seen[name])

    graph.at = mains = graph.tensor(INPUT, [ANY_BATCH, shape.window], FLOAT32)
    length, inputs = shape.window, 1
    graph.reshape("signal", [ANY_BATCH, 1, length, inputs])
    for name, outputs, kernel in zip(names, shape.channels, shape.kernels, strict=False):
        graph.become(name in floats, name, [ANY_BATCH, 1, length, inputs], seen.get(last))
        filters = weights[f"{name}.weight"].transpose(0, 2, 1)[:, None]
        length, inputs, last = length - kernel + 1, outputs, name
        graph.layer(
            name, filters, weights[f"{name}.bias"], [ANY_BATCH, 1, length, outputs], scale_of(name)
        )
    graph.reshape("flat", [ANY_BATCH, length * inputs])
    for name in names[len(shape.kernels) :]:
        matrix = weights[f"{name}.weight"]
        if last.startswith("convolutions"):
            matrix = (
                matrix.reshape(len(matrix), inputs, length)
                .transpose(0, 2, 1)
                .reshape(len(matrix), -1)
            )
        graph.become(name in floats, name, [ANY_BATCH, matrix.shape[1]], seen.get(last))
        called, bias = OUTPUT if name == "output" else name, weights.get(f"{name}.bias")
        graph.layer(
            called,
            matrix,
            bias,
            [ANY_BATCH, len(matrix)],
            scale_of(name),
            rectified=name != "projection",
        )
        last = name
    return graph.packed(mains, (INPUT, OUTPUT), (METADATA, text))
