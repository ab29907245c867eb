"""Structured pruning: whole hidden units and channels, so that the network can be made physically
smaller.
"""

from dataclasses import replace
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import PruneState, StepInfo
from seq2point.compression.pruning.scheduled_pruner import Scheduled
from seq2point.compression.pruning.scores import count_kept, find_last_if_dropped, keep_highest
from seq2point.compression.pruning.units import (
    couple_masks,
    get_weight,
    measure_norms,
    require_seq2point,
)
from seq2point.errors import UsageError
from seq2point.network import Layer, Seq2Point

STEPS_OF_GRADIENTS = 10
TAYLOR = "taylor."


class Structured(Scheduled):
    """Remove the hidden units and channels of the lowest score with all that belongs to them and
    all that reads them.

    `criterion` is a unit's L1 or L2 norm (Li et al. 2017), or 'taylor', |sum of weight times
    gradient| over the unit (Molchanov et al. 2017), a mean over the ten steps before an update.
    `granularity` says of what: hidden units, channels of the convolutions, or both. `sparsity` is
    the fraction of units and of channels of each layer; `units_sparsity` and `channels_sparsity`
    set them apart: the highest of those in use follows the schedule, the others in proportion.
    Layers are ranked each for itself, and one unit and one channel of each always stay.
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
        """The highest fraction of what it prunes."""
        return max(map(self._fraction, self._of_units()))

    def _fraction(self, of_units: bool) -> float:
        own = self.units_sparsity if of_units else self.channels_sparsity
        return self.sparsity if own is None else own

    def _of_units(self) -> tuple[bool, ...]:
        """What the granularity names: True for hidden units, False for channels."""
        return {"units": (True,), "channels": (False,), "both": (True, False)}[self.granularity]

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        """New masks at the schedule's steps; before them, the mean of the scores that need
        gradients.
        """
        if self.criterion == "taylor" and self._is_near_an_update(info):
            state = replace(
                state, memory={**state.memory, **self._gathered(require_seq2point(network), state)}
            )
        after = super().update(network, state, info)
        if after is not state:
            after = replace(
                after, memory={k: v for k, v in after.memory.items() if not k.startswith(TAYLOR)}
            )
        return after

    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """The units and channels of the lowest score in each layer, and their slices."""
        network = require_seq2point(network)
        share = sparsity / self.target if self.target else 0.0
        kept = {}
        for layer in self._layers(network):
            scores = find_last_if_dropped(
                self._scores(network, layer, state), state.masks.get(layer.bias_name)
            )
            fraction = self._fraction(not layer.convolves) * share
            kept[layer.name] = keep_highest(scores, count_kept(len(scores), fraction))
        return couple_masks(network, kept)

    def _layers(self, network: Seq2Point) -> list[Layer]:
        return [
            layer
            for layer in network.architecture.unit_layers
            if (not layer.convolves) in self._of_units()
        ]

    def _scores(self, network: Seq2Point, layer: Layer, state: PruneState) -> Tensor:
        if self.criterion != "taylor":
            return measure_norms(get_weight(network, layer), int(self.criterion[1]))
        gathered = state.memory.get(TAYLOR + layer.name)
        if not isinstance(gathered, Tensor):
            raise UsageError(
                "structured: criterion 'taylor' needs gradients: give data to train on, or another"
                " criterion"
            )
        return gathered

    def _is_near_an_update(self, info: StepInfo) -> bool:
        schedule = self.schedule_for(info.planned_steps)
        coming = range(info.step, info.step + STEPS_OF_GRADIENTS)
        return info.planned_steps in coming or any(map(schedule.updates_at, coming))

    def _gathered(self, network: Seq2Point, state: PruneState) -> dict[str, Tensor]:
        """The sums of the steps' scores so far."""
        found = {}
        for layer in self._layers(network):
            gradient = network.get_parameter(layer.weight_name).grad
            if gradient is not None:
                score = (
                    torch.linalg.vecdot(get_weight(network, layer).flatten(1), gradient.flatten(1))
                    .abs()
                    .cpu()
                )
                found[TAYLOR + layer.name] = score + state.memory.get(TAYLOR + layer.name, 0.0)
        return found
