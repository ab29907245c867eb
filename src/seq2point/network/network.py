"""Architecture, the network's shape as data, its layers, and Seq2Point, the network they make.

`Architecture.layers()` alone enumerates the layers: whoever counts, prunes, shrinks or exports a
network asks it. A network of other layers is a subclass with its own `layers()` and `sizes()`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self, cast

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from torch import Tensor, nn

from seq2point.errors import UsageError
from seq2point.recording.windows import find_midpoint


class Layer(NamedTuple):
    """One layer of a network: every output is a sum over `taps` samples of each of the `inputs`.

    A layer that convolves has weights [outputs, inputs, taps] and gives `samples` values of each
    output for a window. Any other reads all there is of a window: weights [outputs, inputs * taps],
    channel-major, and one sample. A rectified layer is followed by a ReLU, and by dropout in
    training. `reader` is the name of the layer that reads the outputs, None for the last; each
    output feeds `columns_per_output` columns of the reader's weights.
    """

    name: str
    inputs: int
    outputs: int
    taps: int = 1
    samples: int = 1
    bias: bool = True
    rectified: bool = True
    convolves: bool = False
    reader: str | None = None
    columns_per_output: int = 1

    @property
    def weight_name(self) -> str:
        """The name of the weights among the network's parameters."""
        return f"{self.name}.weight"

    @property
    def bias_name(self) -> str:
        """The name of the biases among the network's parameters, where the layer has any."""
        return f"{self.name}.bias"

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of the layer's parameters."""
        return (self.weight_name, self.bias_name) if self.bias else (self.weight_name,)

    @property
    def weights(self) -> int:
        """Number of weights, which is the multiply-adds for one sample."""
        return self.outputs * self.inputs * self.taps

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return self.weights + self.outputs * self.bias


def connect(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return the layers of a chain, each with the one after it as its reader."""
    readers = (*layers[1:], None)
    return tuple(
        layer._replace(
            reader=reader.name if reader else None,
            columns_per_output=reader.taps if reader and not reader.convolves else 1,
        )
        for layer, reader in zip(layers, readers, strict=True)
    )


class Architecture(BaseModel):
    """The shape of a seq2point network (Zhang et al. 2018, section 4): five valid convolutions over
    time, two Linear layers.

    `target_index` is the sample of the window that is predicted, the midpoint by default. `outputs`
    is the number of appliances. A compacted network is the same class with smaller numbers. With a
    `rank` the first Linear is a product of two, which reads all features through so many numbers.
    Raises pydantic.ValidationError for a shape that leaves no sample after the convolutions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: PositiveInt = 599
    target_index: int = Field(-1, validate_default=True)
    channels: tuple[PositiveInt, ...] = (30, 30, 40, 50, 50)
    kernels: tuple[PositiveInt, ...] = (10, 8, 6, 5, 5)
    hidden: PositiveInt = 1024
    outputs: PositiveInt = 1
    dropout: float = Field(0.0, ge=0, lt=1)
    rank: PositiveInt | None = None

    @model_serializer(mode="wrap")
    def _leave_out_no_rank(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """No rank is not written: files and settings of networks without one stay what they were
        before there were any.
        """
        values: dict[str, Any] = dump(self)
        if self.rank is None:
            values.pop("rank", None)
        return values

    @model_validator(mode="before")
    @classmethod
    def _fill_in_midpoint(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("target_index") is None:
            window = values.get("window", 599)
            if isinstance(window, int):
                values = {**values, "target_index": find_midpoint(window)}
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.channels) != len(self.kernels) or not self.channels:
            raise ValueError(
                f"{len(self.channels)} channels for {len(self.kernels)} kernels: one of each a"
                " convolution"
            )
        if self.taps < 1:
            least = sum(k - 1 for k in self.kernels) + 1
            raise ValueError(
                f"a window of {self.window} samples is too short for kernels {self.kernels}: at"
                f" least {least}"
            )
        if not 0 <= self.target_index < self.window:
            raise ValueError(
                f"target_index {self.target_index} lies outside the window of {self.window}"
            )
        return self

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers in order."""
        layers, inputs, length = [], 1, self.window
        for i, (channels, kernel) in enumerate(zip(self.channels, self.kernels, strict=True)):
            length -= kernel - 1
            layers.append(
                Layer(f"convolutions.{i}", inputs, channels, kernel, samples=length, convolves=True)
            )
            inputs = channels
        if self.rank is not None:
            layers.append(
                Layer("projection", inputs, self.rank, length, bias=False, rectified=False)
            )
            inputs, length = self.rank, 1
        layers.append(Layer("hidden", inputs, self.hidden, length))
        layers.append(Layer("output", self.hidden, self.outputs, rectified=False))
        return connect(layers)

    def sizes(self, layers: Mapping[str, Layer]) -> dict[str, Any]:
        """Return the fields that say the outputs and taps of layers by name.

        The inverse of `layers()`, which a subclass overrides along with it.
        """
        convolutions = [layer for layer in layers.values() if layer.convolves]
        return {
            "channels": tuple(layer.outputs for layer in convolutions),
            "kernels": tuple(layer.taps for layer in convolutions),
            "hidden": layers["hidden"].outputs,
            "outputs": layers["output"].outputs,
            "rank": layers["projection"].outputs if "projection" in layers else None,
        }

    def resized(self, layers: Iterable[Layer], target_index: int) -> Self:
        """Return the architecture whose layers have the outputs and taps of these.

        Its window is what the taps span.
        """
        by_name = {layer.name: layer for layer in layers}
        window = 1 + sum(layer.taps - 1 for layer in by_name.values())
        fields = self.model_dump() | self.sizes(by_name)
        return type(self)(**fields | {"window": window, "target_index": target_index})

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The names of the layers in order."""
        return tuple(layer.name for layer in self.layers())

    @property
    def convolution_layers(self) -> tuple[Layer, ...]:
        """The layers that convolve over time, which come first."""
        return tuple(layer for layer in self.layers() if layer.convolves)

    @property
    def linear_layers(self) -> tuple[Layer, ...]:
        """The layers that read all there is of a window, the output last."""
        return tuple(layer for layer in self.layers() if not layer.convolves)

    @property
    def first_linear(self) -> Layer:
        """The layer that reads the features of a window."""
        return self.linear_layers[0]

    @property
    def output_layer(self) -> Layer:
        """The layer that gives the appliances' power."""
        return self.layers()[-1]

    @property
    def unit_layers(self) -> tuple[Layer, ...]:
        """The layers that can lose units or channels: rectified, and read by another layer."""
        return tuple(layer for layer in self.layers() if layer.rectified and layer.reader)

    @property
    def taps(self) -> int:
        """Samples left after the convolutions: what the first Linear reads of each channel."""
        return self.first_linear.taps

    @property
    def features(self) -> int:
        """What the first Linear reads of a window: channels times taps."""
        return self.first_linear.inputs * self.first_linear.taps

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(layer.parameters for layer in self.layers())

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one window, evaluated alone."""
        return sum(layer.weights * layer.samples for layer in self.layers())

    def build(self) -> "Seq2Point":
        """A network of this shape, freshly initialised from torch's random state."""
        return Seq2Point(self)


NETWORKS: dict[str, Architecture] = {
    "seq2point": Architecture(),
    "reduced": Architecture(channels=(20, 20, 30, 40, 40), kernels=(8, 6, 5, 4, 4), hidden=512),
    "dropout": Architecture(dropout=0.5),
    "reduced_dropout": Architecture(
        channels=(20, 20, 30, 40, 40), kernels=(8, 6, 5, 4, 4), hidden=512, dropout=0.5
    ),
}


def find_network(name: str, window: int | None = None) -> Architecture:
    """A named architecture, for another window where one is given.

    Raises UsageError for an unknown name (with those that exist) and for a window too short for the
    network.
    """
    architecture = NETWORKS.get("seq2point" if name == "default" else name)
    if architecture is None:
        raise UsageError(f"unknown network '{name}': choose one of {', '.join(NETWORKS)}")
    if window is None:
        return architecture
    shape = architecture.model_dump(exclude={"window", "target_index"})
    least = sum(k - 1 for k in architecture.kernels) + 1
    if window < least or window % 2 == 0:
        raise UsageError(
            f"a window of {window} samples does not fit {name}: an odd number of at least {least}"
        )
    return Architecture(window=window, **shape)


class Seq2Point(nn.Module):
    """The network of an Architecture: windows of scaled mains f32[B, W] in, scaled appliance power
    f32[B, A] out.

    Convolutions run over time without padding; flattening is channel-major (Zhang et al. 2018).
    Weights start from Glorot's uniform distribution and biases from zero, as in the authors' code.
    With a rank, `projection` [rank, features], without biases, stands before `hidden` [hidden,
    rank]; without one it is None and `hidden` is [hidden, features].
    """

    hidden: nn.Linear
    output: nn.Linear

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        self._layers = architecture.layers()
        modules = {layer.name: _module(layer) for layer in self._layers}
        self.convolutions = nn.ModuleList(
            modules[layer.name] for layer in self._layers if layer.convolves
        )
        self.projection: nn.Linear | None = None
        for layer in self._layers:
            if not layer.convolves:
                setattr(self, layer.name, modules[layer.name])
        self.dropout = nn.Dropout(architecture.dropout)
        for layer in sorted(
            self._layers, key=lambda layer: layer.bias
        ):  # the order of a seed's draws
            nn.init.xavier_uniform_(modules[layer.name].weight)
            if layer.bias:
                nn.init.zeros_(self.get_parameter(layer.bias_name))

    def module(self, layer: Layer) -> nn.Conv1d | nn.Linear:
        """Return the module of a layer."""
        return cast(nn.Conv1d | nn.Linear, self.get_submodule(layer.name))

    def run_layer(self, layer: Layer, x: Tensor) -> Tensor:
        """Return the outputs of a layer, after the ReLU and dropout of a rectified one."""
        return self.finish_layer(layer, self.module(layer)(x))

    def finish_layer(self, layer: Layer, y: Tensor) -> Tensor:
        """Return the sums of a layer after its ReLU and dropout, if any."""
        if layer.rectified:
            y = self.dropout(torch.relu(y))
        return y

    def features(self, x_BL: Tensor) -> Tensor:
        """Scaled mains f32[B, L] through the convolutions: f32[B, C, L - (sum of kernels - 1)]."""
        f = x_BL[:, None]
        for layer, convolution in zip(self._layers, self.convolutions, strict=False):
            f = self.finish_layer(layer, convolution(f))
        return f

    def forward(self, x_BW: Tensor) -> Tensor:
        """Scaled mains windows f32[B, W] to scaled power f32[B, A]."""
        f = self.features(x_BW).flatten(1)
        for layer in self._layers[len(self.convolutions) :]:
            f = self.finish_layer(layer, getattr(self, layer.name)(f))
        return f

    def set_output_bias_(self, bias: float) -> None:
        """Set the biases of the output layer, in place."""
        nn.init.constant_(self.get_parameter(self.architecture.output_layer.bias_name), bias)

    @torch.no_grad()
    def output_bounds(self, low: float, high: float) -> tuple[Tensor, Tensor]:
        """Return bounds f64[A] that the outputs keep for windows whose samples all lie from `low`
        to `high`.

        Interval arithmetic: the bounds are equal only where every such window has the same output.
        """
        device = next(self.parameters()).device
        middle = torch.tensor([(low + high) / 2], dtype=torch.float64, device=device)
        radius = torch.full_like(middle, (high - low) / 2)
        for layer in self._layers:
            middle, radius = _bound(self.module(layer), middle, radius)
            if layer.rectified:
                middle, radius = _rectify(middle, radius)
        return middle - radius, middle + radius


def _module(layer: Layer) -> nn.Conv1d | nn.Linear:
    if layer.convolves:
        return nn.Conv1d(layer.inputs, layer.outputs, layer.taps, bias=layer.bias)
    return nn.Linear(layer.inputs * layer.taps, layer.outputs, bias=layer.bias)


def _bound(layer: nn.Module, middle_I: Tensor, radius_I: Tensor) -> tuple[Tensor, Tensor]:
    """Return the middle and the radius [O] of a layer's outputs; every tap of an input has the
    same.
    """
    parameters = dict(layer.named_parameters())
    weight = parameters["weight"]
    weight_OIK = weight.view(len(weight), len(middle_I), -1)
    sum_OI = weight_OIK.sum(2, dtype=torch.float64)
    size_OI = torch.linalg.vector_norm(weight_OIK, 1, dim=2, dtype=torch.float64)
    middle_O = sum_OI @ middle_I
    return middle_O + parameters.get("bias", 0.0), size_OI @ radius_I


def _rectify(middle: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Return the middle and the radius of what a ReLU leaves."""
    low, high = torch.relu(middle - radius), torch.relu(middle + radius)
    return (low + high) / 2, (high - low) / 2
