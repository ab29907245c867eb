"""Static int8 ONNX by ONNX Runtime's quantiser.

Weights are quantised by channel, activations between their true minimum and maximum.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

from seq2point.configuration import Tolerances
from seq2point.deploy.mixed_precision import BATCH, Layers, search_layers
from seq2point.deploy.onnx_graph import CLIP, build_graph
from seq2point.model.model_file import Model
from seq2point.recording import Recording, Watts
from seq2point.runtime.onnx import INPUT, OUTPUT, open_session

PREPROCESSED = {"onnx.quant.pre_process": "onnxruntime.quant"}
"""Keeps ONNX Runtime from advising preprocessing: the graph has nothing to fold or fuse."""


def quantise_mixed(
    model: Model, sliding: bool, recording: Recording, limits: Tolerances
) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Return the int8 model of mixed precision that loses least, and a report of the search.

    See `mixed_precision.search_layers`.
    """
    shape = model.architecture
    last_convolution, output = shape.convolution_layers[-1].name, shape.output_layer.name

    def make_content(windows_w: Watts, in_float: Layers) -> bytes:
        if in_float == shape.layer_names:
            proto = build_graph(model, sliding)
        else:
            dimensions = 2 if last_convolution in in_float else 1
            proto = quantise(build_graph(model, sliding, dimensions), windows_w, in_float, output)
        content: bytes = proto.SerializeToString()
        return content

    content, report = search_layers(
        model, recording, limits, ((), (output,)), make_content, _make_predict
    )
    return onnx.load_from_string(content), report


def _make_predict(content: bytes) -> Callable[[Watts], Watts]:
    session = open_session(content)

    def predict(windows_w: Watts) -> Watts:
        power_w: Watts = session.run([OUTPUT], {INPUT: windows_w})[0]
        return power_w

    return predict


class _Windows(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, mains_w: Watts):
        self._batches: Iterator[Watts] = iter(
            [mains_w[i : i + BATCH] for i in range(0, len(mains_w), BATCH)]
        )

    def get_next(self) -> dict[str, Watts] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def quantise(
    proto: onnx.ModelProto, windows_w: Watts, in_float: Sequence[str], output: str
) -> onnx.ModelProto:
    """Return an int8 copy of a float32 model, with ranges from windows of mains f32[N, W].

    Layers named `in_float` stay float32, and so does the sum of the layer named `output`.
    """
    with TemporaryDirectory() as folder:
        before, after = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        source = onnx.ModelProto()
        source.CopyFrom(proto)
        onnx.helper.set_model_props(source, PREPROCESSED)
        onnx.save(source, before)
        quantize_static(
            before,
            after,
            _Windows(windows_w),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Gemm", "Relu", "Reshape"],
            nodes_to_exclude=[*in_float, CLIP],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
        )
        small = onnx.load(after)
    _keep_output_in_float(small.graph, output)
    onnx.helper.set_model_props(small, {})
    return small


def _keep_output_in_float(graph: onnx.GraphProto, output: str) -> None:
    """Remove the rounding of the output layer's sum: 256 steps from 0 to 3 kW would be 12 W
    each.
    """
    rounded = [
        node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == output
    ]
    for node in rounded:
        back = next(other for other in graph.node if node.output[0] in other.input)
        for reader in graph.node:
            for i, name in enumerate(reader.input):
                if name == back.output[0]:
                    reader.input[i] = output
        for removed in (node, back):
            graph.node.remove(removed)
        for constant in [c for c in graph.initializer if c.name in node.input[1:]]:
            graph.initializer.remove(constant)
