"""LiteRT (TensorFlow Lite) flatbuffers: tensors, operators and int8, by LiteRT's own schema.

As LiteRT's specification of int8 has it, weights are int8 by output channel without a zero point,
activations int8 with one, sums int32. The numbers of a layer begin on a multiple of 16 bytes and
lie inside the flatbuffer, where TensorFlow Lite Micro looks for them too.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

Numbers = npt.NDArray[Any]

IDENTIFIER = b"TFL3"
FILE_VERSION = 3
ALIGNMENT = 16
ANY_BATCH = -1
STEPS, LOWEST, WEIGHT_MOST = 255, -128, 127
CONV, DENSE, RESHAPE = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
    schema.BuiltinOperator.RESHAPE,
)
TO_INT8, TO_FLOAT = schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE
FLOAT32, INT8, INT32 = schema.TensorType.FLOAT32, schema.TensorType.INT8, schema.TensorType.INT32
VERSIONS = {CONV: 3, DENSE: 4, RESHAPE: 1, TO_INT8: 1, TO_FLOAT: 2}


class TensorScale(NamedTuple):
    """The value of a step of a quantised tensor, one or one for each output, and its zero point."""

    steps: npt.NDArray[np.float64]
    zero: int

    @classmethod
    def fit(cls, extremes: tuple[float, float]) -> "TensorScale":
        """Return an activation's scale: 256 steps from the lowest to the highest, zero among
        them.
        """
        low, high = min(extremes[0], 0.0), max(extremes[1], 0.0)
        step = float(np.float32((high - low) / STEPS)) or 1.0
        return cls(np.array([step]), round(LOWEST - low / step))


class _Buffer(schema.BufferT):  # type: ignore[misc]
    """An aligned buffer: the schema requires alignment, but its Python writer does not align."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802
        if self.data is None:
            return int(super().Pack(builder))
        content = bytes(self.data)
        builder.StartVector(1, len(content), ALIGNMENT)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        builder.vectorNumElems = len(content)
        vector = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


class Graph:
    """Tensors, buffers and operators as they are added; `last` is the last operator's
    activation.
    """

    def __init__(self) -> None:
        self.tensors: list[schema.TensorT] = []
        self.buffers: list[schema.BufferT] = [schema.BufferT()]
        self.operators: list[schema.OperatorT] = []
        self.kinds: list[int] = []
        self.last = -1
        self.scale: TensorScale | None = None

    def _add_buffer(self, content: bytes) -> int:
        self.buffers.append(_Buffer(data=content))
        return len(self.buffers) - 1

    def add_tensor(
        self,
        name: str,
        shape: Sequence[int],
        kind: int,
        scale: TensorScale | None = None,
        content: bytes | None = None,
    ) -> int:
        """Return the number of a new tensor, a constant where it has a content."""
        tensor = schema.TensorT(
            name=name,
            shape=[1 if n == ANY_BATCH else n for n in shape],
            type=kind,
            hasRank=True,
            isVariable=False,
        )
        tensor.buffer = self._add_buffer(content) if content is not None else 0
        if content is None:
            tensor.shapeSignature = list(shape)
        if scale is not None:
            zeros = [scale.zero] * len(scale.steps)
            tensor.quantization = schema.QuantizationParametersT(
                scale=scale.steps.tolist(), zeroPoint=zeros
            )
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _add_constant(
        self, name: str, value: Numbers, kind: int, scale: TensorScale | None = None
    ) -> int:
        return self.add_tensor(
            name, value.shape, kind, scale, np.ascontiguousarray(value).tobytes()
        )

    def _add_operator(
        self,
        kind: int,
        name: str,
        shape: Sequence[int],
        scale: TensorScale | None,
        inputs: Sequence[int] = (),
        options: Any = None,
    ) -> None:
        """Add an operator on the last activation; its result is int8 with a scale, else float32."""
        if kind not in self.kinds:
            self.kinds.append(kind)
        result = self.add_tensor(name, shape, FLOAT32 if scale is None else INT8, scale)
        operator = schema.OperatorT(
            opcodeIndex=self.kinds.index(kind), inputs=[self.last, *inputs], outputs=[result]
        )
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(
                schema.BuiltinOptions, type(options).__name__.removesuffix("T")
            )
        self.operators.append(operator)
        self.last, self.scale = result, scale

    def add_reshape(self, name: str, shape: Sequence[int]) -> None:
        """Add a change of shape."""
        target = self._add_constant(f"{name}.shape", np.array(shape, dtype=np.int32), INT32)
        self._add_operator(
            RESHAPE, name, shape, self.scale, [target], schema.ReshapeOptionsT(newShape=list(shape))
        )

    def convert_to(
        self, in_float: bool, name: str, shape: Sequence[int], extremes: tuple[float, float] | None
    ) -> None:
        """Convert the last activation to float32, or to int8 between its extremes, if need be."""
        if in_float and self.scale is not None:
            self._add_operator(TO_FLOAT, f"{name}.float", shape, None)
        elif not in_float and self.scale is None:
            if extremes is None:
                raise ValueError(f"{name}: int8 without a range")
            self._add_operator(TO_INT8, f"{name}.int8", shape, TensorScale.fit(extremes))

    def add_layer(
        self,
        name: str,
        weights: Numbers,
        bias: Numbers | None,
        shape: Sequence[int],
        scale: TensorScale | None,
        rectified: bool = True,
    ) -> None:
        """Add a layer, int8 where its input is.

        Weights [outputs, height, width, inputs] make a convolution, [outputs, inputs] a matrix.
        """
        relu = (
            schema.ActivationFunctionType.RELU if rectified else schema.ActivationFunctionType.NONE
        )
        if weights.ndim == 2:
            kind, options = DENSE, schema.FullyConnectedOptionsT(fusedActivationFunction=relu)
        else:
            kind, options = CONV, schema.Conv2DOptionsT(schema.Padding.VALID, 1, 1, relu)
        if self.scale is None:
            numbers = [self._add_constant(f"{name}.weight", weights.astype(np.float32), FLOAT32)]
            if bias is not None:
                numbers.append(self._add_constant(f"{name}.bias", bias.astype(np.float32), FLOAT32))
        else:
            largest = np.abs(weights).reshape(len(weights), -1).max(axis=1)
            by_channel = TensorScale(np.where(largest > 0, largest, 1.0) / WEIGHT_MOST, 0)
            whole = np.rint(
                weights / by_channel.steps.reshape(-1, *[1] * (weights.ndim - 1))
            ).astype(np.int8)
            numbers = [self._add_constant(f"{name}.weight", whole, INT8, by_channel)]
            if bias is not None:
                sum_scale = TensorScale(by_channel.steps * self.scale.steps, 0)
                limits = np.iinfo(np.int32)
                sums = np.clip(np.rint(bias / sum_scale.steps), limits.min, limits.max).astype(
                    np.int32
                )
                numbers.append(self._add_constant(f"{name}.bias", sums, INT32, sum_scale))
        self._add_operator(
            kind, name, shape, scale, numbers if bias is not None else [*numbers, -1], options
        )

    def pack(self, mains: int, ends: tuple[str, str], metadata: tuple[str, str]) -> bytes:
        """Return the flatbuffer.

        Its signature names both `ends`. `metadata` is the name of an entry and its text.
        """
        model = schema.ModelT(version=FILE_VERSION, description="seq2point", buffers=self.buffers)
        model.operatorCodes = [
            schema.OperatorCodeT(kind, None, VERSIONS[kind], kind) for kind in self.kinds
        ]
        model.subgraphs = [
            schema.SubGraphT(self.tensors, [mains], [self.last], self.operators, "seq2point")
        ]
        signature = [
            [schema.TensorMapT(name, number)]
            for name, number in zip(ends, (mains, self.last), strict=True)
        ]
        model.signatureDefs = [schema.SignatureDefT(*signature, "serving_default", 0)]
        model.metadata = [schema.MetadataT(metadata[0], self._add_buffer(metadata[1].encode()))]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())
