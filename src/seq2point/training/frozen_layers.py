"""Training with frozen layers: what they make of the mains is computed once, and only what stands
after them learns.
"""

from typing import Any

import torch
from torch import Tensor

from seq2point.choices import Freeze
from seq2point.network import Seq2Point, sliding
from seq2point.training.batches import ChunkBatches, Houses

KEPT_MB = 1024
PIECE = 1 << 16


def freeze_(network: Seq2Point, freeze: Freeze) -> None:
    """Let only the layers that are not frozen learn: the others get no gradient, and no optimiser
    holds or moves them.
    """
    if freeze == "none":
        return
    network.requires_grad_(False)
    layers = network.architecture.linear_layers
    for layer in layers[-1:] if freeze == "all-but-output" else layers:
        network.module(layer).requires_grad_(True)


class FrozenChunks(ChunkBatches):
    """Chunks of what the frozen layers give, computed over each house at the first step and kept.

    Made only where `can_cache` says so: the mains must come as they are, and so must what is made
    of them.
    """

    def __init__(self, freeze: Freeze, *arguments: Any):
        super().__init__(*arguments)
        self.freeze = freeze
        self._kept: list[Tensor] = []

    def answers(self, network: Seq2Point, drawn: Tensor, x: Tensor) -> Tensor:
        """The answers of the layers that learn, to what is kept."""
        if not self._kept:
            self._kept = [self._given(network, house.mains_w) for house in self.data.houses]
        span = self.hop + (network.architecture.taps - 1 if self.freeze == "convolutions" else 0)
        pieces = torch.stack(
            [_columns(self._kept[i], start, span) for i, start in drawn[:, :2].tolist()]
        )
        if self.freeze == "convolutions":
            return sliding.predict_features(network, pieces)
        return network.run_layer(network.architecture.output_layer, pieces.mT)

    @torch.no_grad()
    def _given(self, network: Seq2Point, mains_w: Tensor) -> Tensor:
        """What the frozen layers give for a house, over time: what the first Linear reads, or the
        output.
        """
        x = torch.nan_to_num_(self.data.scaled_mains(mains_w.clone()))
        if self.freeze == "all-but-output":
            return _last_units(network, x).T.contiguous()
        shape = network.architecture
        before = shape.window - shape.taps
        given = x.new_empty(shape.first_linear.inputs, len(x) - before)
        for first in range(0, given.shape[1], PIECE):
            piece = network.extract_features(x[None, first : first + PIECE + before])[0]
            given[:, first : first + PIECE] = piece
        return given


def can_cache(houses: Houses, freeze: Freeze) -> bool:
    """Whether what frozen layers give is the same at every step, dropout would change it, and fits
    into about a gigabyte.
    """
    shape = houses.architecture
    rows = {
        "none": 0,
        "convolutions": shape.first_linear.inputs,
        "all-but-output": shape.output_layer.inputs,
    }[freeze]
    kept_bytes = 4 * rows * sum(len(house.mains_w) for house in houses.houses)
    return freeze != "none" and shape.dropout == 0 and kept_bytes <= KEPT_MB * 2**20


def _last_units(network: Seq2Point, series_T: Tensor) -> Tensor:
    """The values that the output layer reads, for all full windows of a scaled series, f32[T - W +
    1, H].

    A network whose outputs are those units, one each, answers them through the sliding engine.
    """
    shape, output = network.architecture, network.architecture.output_layer
    count = output.inputs
    *others, _ = shape.layers()
    with torch.device("meta"):
        units = shape.resize([*others, output._replace(outputs=count)], shape.target_index).build()
    identity = {
        output.weight_name: torch.eye(count).to(series_T),
        output.bias_name: series_T.new_zeros(count),
    }
    units.load_state_dict(network.state_dict() | identity, assign=True)
    return sliding.predict(units.eval(), series_T).view(-1, count)


def _columns(kept: Tensor, first: int, length: int) -> Tensor:
    """Columns [first, first + length) of what is kept, zeros where it does not reach."""
    inside = kept[:, max(first, 0) : max(first + length, 0)]
    before = max(-first, 0)
    return torch.nn.functional.pad(inside, (before, length - before - inside.shape[1]))
