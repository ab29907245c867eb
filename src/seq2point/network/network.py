"""Architecture, the network's shape as data, and Seq2Point, the network it builds."""

from typing import Any, Self

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

    @property
    def taps(self) -> int:
        """Samples left after the convolutions: what the first Linear reads of each channel."""
        return self.window - sum(k - 1 for k in self.kernels)

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        total, last = 0, 1
        for out, kernel in zip(self.channels, self.kernels, strict=True):
            total, last = total + out * (last * kernel + 1), out
        return total + self._first_linear + self.hidden + self.outputs * (self.hidden + 1)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one window, evaluated alone."""
        total, last, length = 0, 1, self.window
        for out, kernel in zip(self.channels, self.kernels, strict=True):
            length -= kernel - 1
            total, last = total + out * last * kernel * length, out
        return total + self._first_linear + self.outputs * self.hidden

    @property
    def features(self) -> int:
        """What the first Linear reads of a window: channels times taps."""
        return self.channels[-1] * self.taps

    @property
    def _first_linear(self) -> int:
        return (
            self.hidden * self.features
            if self.rank is None
            else self.rank * (self.features + self.hidden)
        )

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

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        inputs = (1, *architecture.channels[:-1])
        self.convolutions = nn.ModuleList(
            nn.Conv1d(i, o, k)
            for i, o, k in zip(inputs, architecture.channels, architecture.kernels, strict=True)
        )
        rank, features = architecture.rank, architecture.features
        self.projection = None if rank is None else nn.Linear(features, rank, bias=False)
        self.hidden = nn.Linear(features if rank is None else rank, architecture.hidden)
        self.output = nn.Linear(architecture.hidden, architecture.outputs)
        self.dropout = nn.Dropout(architecture.dropout)
        if self.projection is not None:
            nn.init.xavier_uniform_(self.projection.weight)
        for layer in (*self.convolutions, self.hidden, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def features(self, x_BL: Tensor) -> Tensor:
        """Scaled mains f32[B, L] through the convolutions: f32[B, C, L - (sum of kernels - 1)]."""
        f = x_BL[:, None]
        for convolution in self.convolutions:
            f = self.dropout(torch.relu(convolution(f)))
        return f

    def forward(self, x_BW: Tensor) -> Tensor:
        """Scaled mains windows f32[B, W] to scaled power f32[B, A]."""
        f = self.features(x_BW).flatten(1)
        if self.projection is not None:
            f = self.projection(f)
        h = torch.relu(self.hidden(f))
        power: Tensor = self.output(self.dropout(h))
        return power

    @torch.no_grad()
    def output_bounds(self, low: float, high: float) -> tuple[Tensor, Tensor]:
        """Return bounds f64[A] that the outputs keep for windows whose samples all lie from `low`
        to `high`.

        Interval arithmetic: the bounds are equal only where every such window has the same output.
        """
        middle = torch.tensor(
            [(low + high) / 2], dtype=torch.float64, device=self.output.weight.device
        )
        radius = torch.full_like(middle, (high - low) / 2)
        for convolution in self.convolutions:
            middle, radius = _rectify(*_bound(convolution, middle, radius))
        if self.projection is not None:
            middle, radius = _bound(self.projection, middle, radius)
        middle, radius = _rectify(*_bound(self.hidden, middle, radius))
        middle, radius = _bound(self.output, middle, radius)
        return middle - radius, middle + radius


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
