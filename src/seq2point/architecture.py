"""The shape of a network as data: its layers, and the architectures that have a name.

`Architecture.layers()` alone enumerates the layers. Whatever counts, prunes, shrinks or exports a
network asks it. A network of other layers is a subclass with its own `layers()` and `sizes()`.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from seq2point.errors import UsageError
from seq2point.recording.windows import find_midpoint, find_target_index

if TYPE_CHECKING:
    from seq2point.network.module import Seq2Point


class Layer(NamedTuple):
    """One layer of a network: every output is a sum over `taps` samples of each of the `inputs`.

    A layer that `convolves` has weights [outputs, inputs, taps]. It gives `samples` values of each
    output for a window. Any other layer reads its whole input at once: it has weights
    [outputs, inputs * taps], channel-major, and gives one sample. A ReLU follows a `rectified`
    layer, and dropout in training. `reader` is the name of the layer that reads the outputs, None
    for the last. Each output feeds `columns_per_output` columns of the reader's weights.
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
        """Return the name of the weights among the network's parameters."""
        return f"{self.name}.weight"

    @property
    def bias_name(self) -> str:
        """Return the name of the biases among the network's parameters, if the layer has any."""
        return f"{self.name}.bias"

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Return the names of the layer's parameters."""
        return (self.weight_name, self.bias_name) if self.bias else (self.weight_name,)

    @property
    def weights(self) -> int:
        """Return the number of weights, which is also that of multiply-adds for one sample."""
        return self.outputs * self.inputs * self.taps

    @property
    def parameters(self) -> int:
        """Return the number of weights and biases."""
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


@lru_cache(maxsize=64)
def _list_layers(shape: "Architecture") -> tuple[Layer, ...]:
    """Return the layers of an architecture, which prediction asks for again and again."""
    return shape.layers()


class Architecture(BaseModel):
    """The shape of a seq2point network: convolutions over time without padding, then Linear layers.

    The defaults are the network of Zhang et al. 2018, section 4: five convolutions and two Linear
    layers. `window` counts samples. `target_index` is the sample of the window that the network
    predicts, the midpoint by default. `outputs` is the number of appliances. A compacted network is
    the same class with smaller numbers. With a `rank` the first Linear layer is a product of two of
    this inner size. Raises pydantic.ValidationError for a window that is shorter than the kernels
    need.
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
        """Return the fields, without `rank` where it is None.

        Files of networks without a rank stay readable by versions that know no rank.
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
                f"{len(self.channels)} channels for {len(self.kernels)} kernels: give one of each"
                " for a convolution"
            )
        if self.taps < 1:
            least = sum(k - 1 for k in self.kernels) + 1
            raise ValueError(
                f"window {self.window} is too short for kernels {self.kernels}: give at least"
                f" {least} samples"
            )
        if not 0 <= self.target_index < self.window:
            raise ValueError(
                f"target_index {self.target_index} lies outside the window: give 0 to"
                f" {self.window - 1}"
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
        """Return the fields that give the layers, by name, their outputs and taps.

        This is the inverse of `layers()`. A subclass overrides both.
        """
        convolutions = [layer for layer in layers.values() if layer.convolves]
        return {
            "channels": tuple(layer.outputs for layer in convolutions),
            "kernels": tuple(layer.taps for layer in convolutions),
            "hidden": layers["hidden"].outputs,
            "outputs": layers["output"].outputs,
            "rank": layers["projection"].outputs if "projection" in layers else None,
        }

    def resize(self, layers: Iterable[Layer], target_index: int) -> Self:
        """Return the architecture whose layers have the outputs and taps of `layers`.

        The window is as long as the taps span.
        """
        by_name = {layer.name: layer for layer in layers}
        window = 1 + sum(layer.taps - 1 for layer in by_name.values())
        fields = self.model_dump() | self.sizes(by_name)
        return type(self)(**fields | {"window": window, "target_index": target_index})

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Return the names of the layers in order."""
        return tuple(layer.name for layer in _list_layers(self))

    @property
    def convolution_layers(self) -> tuple[Layer, ...]:
        """Return the layers that convolve over time, which come first."""
        return tuple(layer for layer in _list_layers(self) if layer.convolves)

    @property
    def linear_layers(self) -> tuple[Layer, ...]:
        """Return the Linear layers, the output last."""
        return tuple(layer for layer in _list_layers(self) if not layer.convolves)

    @property
    def first_linear(self) -> Layer:
        """Return the Linear layer that reads the features of a window."""
        return self.linear_layers[0]

    @property
    def output_layer(self) -> Layer:
        """Return the layer that gives the appliances' power."""
        return _list_layers(self)[-1]

    @property
    def unit_layers(self) -> tuple[Layer, ...]:
        """Return the layers that can lose units or channels: rectified, and read by a layer."""
        return tuple(layer for layer in _list_layers(self) if layer.rectified and layer.reader)

    @property
    def taps(self) -> int:
        """Return how many samples of each channel the convolutions leave for the first Linear."""
        return self.first_linear.taps

    @property
    def features(self) -> int:
        """Return how many numbers the first Linear reads of a window: channels times taps."""
        return self.first_linear.inputs * self.first_linear.taps

    @property
    def parameters(self) -> int:
        """Return the number of weights and biases."""
        return sum(layer.parameters for layer in _list_layers(self))

    @property
    def multiply_adds(self) -> int:
        """Return the multiply-adds for one window, evaluated alone."""
        return sum(layer.weights * layer.samples for layer in _list_layers(self))

    def build(self) -> "Seq2Point":
        """Return a network of this shape, initialised from torch's random state."""
        from seq2point.network.module import Seq2Point

        return Seq2Point(self)


PLACE = {"window", "target_index"}
"""What a window's length decides; a network's name stands for all the rest."""

OWN_SHAPE = "own shape"
"""What a network without a name is called."""

NETWORKS: dict[str, Architecture] = {
    "seq2point": Architecture(),
    "reduced": Architecture(channels=(20, 20, 30, 40, 40), kernels=(8, 6, 5, 4, 4), hidden=512),
    "dropout": Architecture(dropout=0.5),
    "reduced_dropout": Architecture(
        channels=(20, 20, 30, 40, 40), kernels=(8, 6, 5, 4, 4), hidden=512, dropout=0.5
    ),
}


def name_shape(shape: Mapping[str, Any]) -> str:
    """Return what a shape as JSON is called: 'reduced', whatever its window; else `OWN_SHAPE`."""
    own = {key: value for key, value in shape.items() if key not in PLACE}
    named = (
        name
        for name, each in NETWORKS.items()
        if each.model_dump(exclude=PLACE, mode="json") == own
    )
    return next(named, OWN_SHAPE)


def find_network(
    name: str, window: int | None = None, target_point: float | None = None
) -> Architecture:
    """Return the architecture of a name, for a window of so many samples where `window` is given.

    It predicts the sample at `target_point` of the window, from 0 to 1; the midpoint by default.
    Raises UsageError for an unknown name, and for a window that is even or too short.
    """
    architecture = NETWORKS.get("seq2point" if name == "default" else name)
    if architecture is None:
        raise UsageError(f"unknown network '{name}': choose one of {', '.join(NETWORKS)}")
    if window is None and target_point is None:
        return architecture
    window = architecture.window if window is None else window
    shape = architecture.model_dump(exclude={"window", "target_index"})
    least = sum(k - 1 for k in architecture.kernels) + 1
    if window < least or window % 2 == 0:
        raise UsageError(
            f"window {window} does not fit network '{name}': give an odd number of at least {least}"
        )
    target = None if target_point is None else find_target_index(window, target_point)
    return Architecture(**shape | {"window": window, "target_index": target})
