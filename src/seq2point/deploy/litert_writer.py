"""LiteRT (TensorFlow Lite) flatbuffers, by LiteRT's own schema: tensors, operators, and int8 as its
specification has it.

Weights are int8 by output channel without a zero point, activations int8 with one, sums int32. The
numbers of a layer begin on a multiple of 16 bytes and stand inside the flatbuffer, where TensorFlow
Lite Micro looks for them too.
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


class Scale(NamedTuple):
    """What a step of whole numbers is worth, one or one for each output, and which of them stands
    for zero.
    """

    steps: npt.NDArray[np.float64]
    zero: int

    @classmethod
    def between(cls, extremes: tuple[float, float]) -> "Scale":
        """Of an activation: 256 steps from the lowest to the highest, with zero among them."""
        low, high = min(extremes[0], 0.0), max(extremes[1], 0.0)
        step = float(np.float32((high - low) / STEPS)) or 1.0
        return cls(np.array([step]), round(LOWEST - low / step))


class _Buffer(schema.BufferT):  # type: ignore[misc]
    """A buffer that is aligned, as the schema asks of writers and its Python writer does not do."""

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802
        if self.data is None:
            return int(super().Pack(builder))
        content = bytes(self.data)
        builder.StartVector(1, len(content), ALIGNMENT)
        builder.head -= len(content)
        builder.Bytes[builder.head : builder.head + len(content)] = content
        builder.vectorNumElems = len(content)
        at = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, at)
        return int(schema.BufferEnd(builder))


class Graph:
    """Tensors, buffers and operators as they are added; `at` is the activation that the last one
    gave.
    """

    def __init__(self) -> None:
        self.tensors: list[schema.TensorT] = []
        self.buffers: list[schema.BufferT] = [schema.BufferT()]
        self.operators: list[schema.OperatorT] = []
        self.kinds: list[int] = []
        self.at = -1
        self.scale: Scale | None = None

    def _buffer(self, content: bytes) -> int:
        self.buffers.append(_Buffer(data=content))
        return len(self.buffers) - 1

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        kind: int,
        scale: Scale | None = None,
        content: bytes | None = None,
    ) -> int:
        """The number of a new tensor, a constant where it has a content."""
        made = schema.TensorT(
            name=name,
            shape=[1 if n == ANY_BATCH else n for n in shape],
            type=kind,
            hasRank=True,
            isVariable=False,
        )
        made.buffer = self._buffer(content) if content is not None else 0
        if content is None:
            made.shapeSignature = list(shape)
        if scale is not None:
            zeros = [scale.zero] * len(scale.steps)
            made.quantization = schema.QuantizationParametersT(
                scale=scale.steps.tolist(), zeroPoint=zeros
            )
        self.tensors.append(made)
        return len(self.tensors) - 1

    def _constant(self, name: str, value: Numbers, kind: int, scale: Scale | None = None) -> int:
        return self.tensor(name, value.shape, kind, scale, np.ascontiguousarray(value).tobytes())

    def _operator(
        self,
        kind: int,
        name: str,
        shape: Sequence[int],
        scale: Scale | None,
        inputs: Sequence[int] = (),
        options: Any = None,
    ) -> None:
        """An operator on what the last one gave; its result is int8 with a scale, and float32
        without.
        """
        if kind not in self.kinds:
            self.kinds.append(kind)
        result = self.tensor(name, shape, FLOAT32 if scale is None else INT8, scale)
        made = schema.OperatorT(
            opcodeIndex=self.kinds.index(kind), inputs=[self.at, *inputs], outputs=[result]
        )
        if options is not None:
            made.builtinOptions = options
            made.builtinOptionsType = getattr(
                schema.BuiltinOptions, type(options).__name__.removesuffix("T")
            )
        self.operators.append(made)
        self.at, self.scale = result, scale

    def reshape(self, name: str, shape: Sequence[int]) -> None:
        """The same numbers in another shape."""
        wanted = self._constant(f"{name}.shape", np.array(shape, dtype=np.int32), INT32)
        self._operator(
            RESHAPE, name, shape, self.scale, [wanted], schema.ReshapeOptionsT(newShape=list(shape))
        )

    def become(
        self, in_float: bool, name: str, shape: Sequence[int], seen: tuple[float, float] | None
    ) -> None:
        """Go over to float32, or to int8 between what was seen, where the activation is not there
        already.
        """
        if in_float and self.scale is not None:
            self._operator(TO_FLOAT, f"{name}.float", shape, None)
        elif not in_float and self.scale is None:
            if seen is None:
                raise ValueError(f"{name}: int8 without a range")
            self._operator(TO_INT8, f"{name}.int8", shape, Scale.between(seen))

    def layer(
        self,
        name: str,
        weights: Numbers,
        bias: Numbers | None,
        shape: Sequence[int],
        scale: Scale | None,
        rectified: bool = True,
    ) -> None:
        """A convolution of weights [outputs, height, width, inputs] or a matrix [outputs, inputs],
        in int8 where its input is.
        """
        relu = (
            schema.ActivationFunctionType.RELU if rectified else schema.ActivationFunctionType.NONE
        )
        if weights.ndim == 2:
            kind, options = DENSE, schema.FullyConnectedOptionsT(fusedActivationFunction=relu)
        else:
            kind, options = CONV, schema.Conv2DOptionsT(schema.Padding.VALID, 1, 1, relu)
        if self.scale is None:
            numbers = [self._constant(f"{name}.weight", weights.astype(np.float32), FLOAT32)]
            if bias is not None:
                numbers.append(self._constant(f"{name}.bias", bias.astype(np.float32), FLOAT32))
        else:
            largest = np.abs(weights).reshape(len(weights), -1).max(axis=1)
            by_channel = Scale(np.where(largest > 0, largest, 1.0) / WEIGHT_MOST, 0)
            whole = np.rint(
                weights / by_channel.steps.reshape(-1, *[1] * (weights.ndim - 1))
            ).astype(np.int8)
            numbers = [self._constant(f"{name}.weight", whole, INT8, by_channel)]
            if bias is not None:
                of_sums = Scale(by_channel.steps * self.scale.steps, 0)
                limits = np.iinfo(np.int32)
                sums = np.clip(np.rint(bias / of_sums.steps), limits.min, limits.max).astype(
                    np.int32
                )
                numbers.append(self._constant(f"{name}.bias", sums, INT32, of_sums))
        self._operator(
            kind, name, shape, scale, numbers if bias is not None else [*numbers, -1], options
        )

    def packed(self, mains: int, ends: tuple[str, str], metadata: tuple[str, str]) -> bytes:
        """The flatbuffer, with a signature that names its ends, and with one text under a name in
        its metadata.
        """
        model = schema.ModelT(version=FILE_VERSION, description="seq2point", buffers=self.buffers)
        model.operatorCodes = [
            schema.OperatorCodeT(kind, None, VERSIONS[kind], kind) for kind in self.kinds
        ]
        model.subgraphs = [
            schema.SubGraphT(self.tensors, [mains], [self.at], self.operators, "seq2point")
        ]
        signature = [
            [schema.TensorMapT(name, at)] for name, at in zip(ends, (mains, self.at), strict=True)
        ]
        model.signatureDefs = [schema.SignatureDefT(*signature, "serving_default", 0)]
        model.metadata = [schema.MetadataT(metadata[0], self._buffer(metadata[1].encode()))]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())
