"""A network as an ONNX graph, written from its weights: watts in, watts out.

    mains_w [batch, window] -> convolutions, Reshape, Gemm, Gemm, Relu
        -> power_w [batch, appliances]
    mains_w [batch, length] -> convolutions, Conv of `taps`, Conv of 1, Relu
        -> power_w [batch, length - window + 1, appliances]

The second shares the convolutions among all windows of a chunk: the first Linear of a window is a
convolution of `taps` samples. Scaling is folded into the first and the last weights in double
precision, so that it costs nothing. The last Relu clips at zero. Nodes have the names of the
network's layers.

ONNX Runtime has its fastest kernels for float32 convolutions of two dimensions, over a height of
one. For int8 they are those of one dimension.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from seq2point.deploy.weights import Weights, fold_scale
from seq2point.model.model_file import Model
from seq2point.network import Layer
from seq2point.runtime.onnx import INPUT, OUTPUT

OPSET, IR_VERSION = 17, 8
CLIP = "clip"


class _Graph:
    """Nodes and constants as they are added; `last` is the tensor that the last node gave."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.last = INPUT

    def add_constant(self, name: str, value: npt.ArrayLike, kind: type = np.float32) -> str:
        self.constants.append(
            numpy_helper.from_array(np.ascontiguousarray(value, dtype=kind), name)
        )
        return name

    def add_node(
        self, kind: str, *inputs: str, name: str, output: str | None = None, **attributes: Any
    ) -> None:
        self.nodes.append(
            helper.make_node(kind, [self.last, *inputs], [output or name], name=name, **attributes)
        )
        self.last = output or name

    def add_layer(
        self, kind: str, layer: Layer, weights: Weights, shape: tuple[int, ...], **attributes: Any
    ) -> None:
        """Add a layer with its weights in a shape, and with its bias and ReLU where it has them."""
        inputs = [self.add_constant(layer.weight_name, weights[layer.weight_name].reshape(shape))]
        if layer.bias:
            inputs.append(self.add_constant(layer.bias_name, weights[layer.bias_name]))
        self.add_node(kind, *inputs, name=layer.name, **attributes)
        if layer.rectified:
            self.add_node("Relu", name=f"{layer.name}.relu")


def build_graph(model: Model, sliding: bool = False, dimensions: int = 2) -> onnx.ModelProto:
    """Return the model as an ONNX model in float32, for windows or for chunks.

    `dimensions` of the convolutions are 1 or 2.
    """
    shape = model.architecture
    weights = fold_scale(model)
    graph = _Graph()
    height = (1,) * (dimensions - 1)
    graph.add_node(
        "Unsqueeze", graph.add_constant("signal.axes", [1, 2][:dimensions], np.int64), name="signal"
    )
    for layer in shape.layers():
        if layer.convolves or sliding:
            graph.add_layer(
                "Conv", layer, weights, (layer.outputs, layer.inputs, *height, layer.taps)
            )
            continue
        if layer == shape.first_linear:
            graph.add_node(
                "Reshape", graph.add_constant("flat.shape", [0, -1], np.int64), name="flat"
            )
        graph.add_layer(
            "Gemm", layer, weights, (layer.outputs, layer.inputs * layer.taps), transB=1
        )
    if sliding:
        if height:
            graph.add_node("Squeeze", graph.add_constant("flat.axes", [2], np.int64), name="flat")
        graph.add_node("Transpose", name="answer", perm=[0, 2, 1])
    graph.add_node("Relu", name=CLIP, output=OUTPUT)
    mains: list[str | int | None] = ["batch", "length" if sliding else shape.window]
    power: list[str | int | None] = ["batch", *(["windows"] if sliding else []), shape.outputs]
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "seq2point",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, mains)],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, power)],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="seq2point",
    )
