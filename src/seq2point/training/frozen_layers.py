"""Frozen layers: their output is computed once, and only the layers after them learn."""

from typing import Any

import torch
from torch import Tensor

from seq2point.choices import Freeze
from seq2point.network import Seq2Point, sliding
from seq2point.training.chunk_batches import ChunkBatches
from seq2point.training.houses import Houses

KEPT_MB = 1024
PIECE = 1 << 16  # readings at a time: the features before the last layer take memory, too


def freeze_(network: Seq2Point, freeze: Freeze) -> None:
    """Let only the layers that are not frozen learn.

    The others get no gradient, and no optimiser holds or moves them.
    """
    if freeze == "none":
        return
    network.requires_grad_(False)
    layers = network.architecture.linear_layers
    for layer in layers[-1:] if freeze == "all-but-output" else layers:
        network.module(layer).requires_grad_(True)


class FrozenChunks(ChunkBatches):
    """Chunks of the frozen layers' output, computed over each house at the first step and kept.

    `can_cache` says where this is possible: the mains and the frozen layers must not change.
    """

    def __init__(self, freeze: Freeze, *arguments: Any):
        super().__init__(*arguments)
        self.freeze = freeze
        self._features: list[Tensor] = []

    def predict(self, network: Seq2Point, drawn: Tensor, x: Tensor) -> Tensor:
        """Return the predictions f32[N, M, A] that the learning layers make from the kept output.

        The mains x are not read again.
        """
        if not self._features:
            houses = self.data.houses
            self._features = [self._compute_features(network, house.mains_w) for house in houses]
        span = self.hop + (network.architecture.taps - 1 if self.freeze == "convolutions" else 0)
        pieces = torch.stack(
            [_cut_columns(self._features[i], start, span) for i, start in drawn[:, :2].tolist()]
        )
        if self.freeze == "convolutions":
            return sliding.predict_features(network, pieces)
        return network.run_layer(network.architecture.output_layer, pieces.mT)

    @torch.no_grad()
    def _compute_features(self, network: Seq2Point, mains_w: Tensor) -> Tensor:
        """Return the frozen layers' output for a house, f32[features, time].

        It is what the first Linear reads, or what the output layer reads.
        """
        x = torch.nan_to_num_(self.data.scale_mains_(mains_w.clone()))
        if self.freeze == "all-but-output":
            return _compute_last_units(network, x).T.contiguous()
        shape = network.architecture
        before = shape.window - shape.taps
        features = x.new_empty(shape.first_linear.inputs, len(x) - before)
        for first in range(0, features.shape[1], PIECE):
            piece = network.extract_features(x[None, first : first + PIECE + before])[0]
            features[:, first : first + PIECE] = piece
        return features


def can_cache(houses: Houses, freeze: Freeze) -> bool:
    """Return whether the frozen layers' output can be kept.

    It must be the same at every step, which dropout prevents, and fit into KEPT_MB.
    """
    shape = houses.architecture
    rows = {
        "none": 0,
        "convolutions": shape.first_linear.inputs,
        "all-but-output": shape.output_layer.inputs,
    }[freeze]
    float_bytes = 4
    kept_bytes = float_bytes * rows * sum(len(house.mains_w) for house in houses.houses)
    return freeze != "none" and shape.dropout == 0 and kept_bytes <= KEPT_MB * 2**20


def _compute_last_units(network: Seq2Point, series_T: Tensor) -> Tensor:
    """Return what the output layer reads, for all full windows of a scaled series.

    The values are f32[T - W + 1, H]. The sliding engine computes them with a network whose outputs
    are those H units.
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


def _cut_columns(features: Tensor, first: int, length: int) -> Tensor:
    """Return columns [first, first + length), zeros where the features do not reach."""
    inside = features[:, max(first, 0) : max(first + length, 0)]
    before = max(-first, 0)
    return torch.nn.functional.pad(inside, (before, length - before - inside.shape[1]))
