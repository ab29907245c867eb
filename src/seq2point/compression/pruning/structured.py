"""Structured pruning: drop whole hidden units and channels, so that compaction can remove them."""

from dataclasses import replace
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import PruneState, StepInfo
from seq2point.compression.pruning.scheduled_pruner import Scheduled
from seq2point.compression.pruning.scores import count_kept, keep_highest, rank_dropped_last
from seq2point.compression.pruning.units import (
    couple_masks,
    get_weight,
    measure_norms,
    require_seq2point,
)
from seq2point.errors import UsageError
from seq2point.network import Layer, Seq2Point

STEPS_OF_GRADIENTS = 10
"""Steps before an update whose Taylor scores are averaged."""
TAYLOR = "taylor."


class Structured(Scheduled):
    """Drop the hidden units and channels of the lowest score, and the weights that read them.

    `criterion` is a unit's L1 or L2 norm (Li et al. 2017), or 'taylor': |sum of weight times
    gradient| over the unit, averaged over the ten steps before an update (Molchanov et al. 2017).
    `granularity` is hidden units, channels of the convolutions, or both. `sparsity` is the fraction
    of the units and channels of each layer. `units_sparsity` and `channels_sparsity` set the two
    separately: the higher one follows the schedule, the other in proportion. Each layer is ranked
    by itself, and one unit or channel of it always stays.
    """

    name: ClassVar[str] = "structured"
    source: ClassVar[str] = (
        "Li et al. 2017, arXiv 1608.08710; Molchanov et al. 2017, arXiv 1611.06440"
    )
    removes: ClassVar[str] = "hidden units, channels, or both"
    advice: ClassVar[str] = "The one that makes networks small and fast: compact afterwards."

    criterion: Literal["L1", "L2", "taylor"] = "L2"
    granularity: Literal["units", "channels", "both"] = "both"
    units_sparsity: float | None = Field(None, ge=0, lt=1)
    channels_sparsity: float | None = Field(None, ge=0, lt=1)

    @property
    def target(self) -> float:
        """Return the highest fraction of units or channels that it drops."""
        return max(map(self._get_fraction, self._list_kinds()))

    def _get_fraction(self, units: bool) -> float:
        own = self.units_sparsity if units else self.channels_sparsity
        return self.sparsity if own is None else own

    def _list_kinds(self) -> tuple[bool, ...]:
        """Return the kinds of the granularity: True for hidden units, False for channels."""
        return {"units": (True,), "channels": (False,), "both": (True, False)}[self.granularity]

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        """Return the state after a step: new masks at the schedule's steps, Taylor scores
        before.
        """
        if self.criterion == "taylor" and self._is_near_update(info):
            sums = self._sum_scores(require_seq2point(network), state)
            state = replace(state, memory={**state.memory, **sums})
        after = super().update(network, state, info)
        if after is not state:
            after = replace(
                after, memory={k: v for k, v in after.memory.items() if not k.startswith(TAYLOR)}
            )
        return after

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """Return masks that drop the units and channels of the lowest score in each layer."""
        network = require_seq2point(network)
        share = sparsity / self.target if self.target else 0.0
        kept = {}
        for layer in self._layers(network):
            scores = rank_dropped_last(
                self._scores(network, layer, state), state.masks.get(layer.bias_name)
            )
            fraction = self._get_fraction(not layer.convolves) * share
            kept[layer.name] = keep_highest(scores, count_kept(len(scores), fraction))
        return couple_masks(network, kept)

    def _layers(self, network: Seq2Point) -> list[Layer]:
        return [
            layer
            for layer in network.architecture.unit_layers
            if (not layer.convolves) in self._list_kinds()
        ]

    def _scores(self, network: Seq2Point, layer: Layer, state: PruneState) -> Tensor:
        if self.criterion != "taylor":
            return measure_norms(get_weight(network, layer), int(self.criterion[1]))
        scores = state.memory.get(TAYLOR + layer.name)
        if not isinstance(scores, Tensor):
            raise UsageError(
                "structured: criterion 'taylor' needs gradients: give data to fine-tune on, or"
                " another criterion"
            )
        return scores

    def _is_near_update(self, info: StepInfo) -> bool:
        schedule = self.make_schedule(info.planned_steps)
        coming = range(info.step, info.step + STEPS_OF_GRADIENTS)
        return info.planned_steps in coming or any(map(schedule.updates_at, coming))

    def _sum_scores(self, network: Seq2Point, state: PruneState) -> dict[str, Tensor]:
        """Return the sums of the steps' Taylor scores so far."""
        sums = {}
        for layer in self._layers(network):
            gradient = network.get_parameter(layer.weight_name).grad
            if gradient is not None:
                score = (
                    torch.linalg.vecdot(get_weight(network, layer).flatten(1), gradient.flatten(1))
                    .abs()
                    .cpu()
                )
                sums[TAYLOR + layer.name] = score + state.memory.get(TAYLOR + layer.name, 0.0)
        return sums
