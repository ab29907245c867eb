"""Relative threshold pruning: drop the weights between two percentiles, once, after training."""

from typing import ClassVar, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import Pruner, PruneState, StepInfo, require_finite
from seq2point.compression.pruning.scores import count_kept, keep_highest
from seq2point.errors import UsageError
from seq2point.network.masks import Masks, find_prunable, is_convolution


class Threshold(Pruner):
    """Drop the weights between two percentiles of a layer's signed values (Ashouri et al. 2019).

    Nothing is retrained: in a training this is done at the last step. A `sparsity` replaces the
    percentiles: it is the fraction dropped from the middle of every tensor. Raises UsageError where
    a low percentile lies above its high one.
    """

    name: ClassVar[str] = "threshold"
    source: ClassVar[str] = "Ashouri, Abdelrahman and Dos Remedios 2019, Neurocomputing 370"
    removes: ClassVar[str] = "single weights"
    advice: ClassVar[str] = (
        "For a model that cannot be trained on; costs accuracy above about half."
    )

    sparsity: float | None = Field(None, ge=0, lt=1)
    convolutions_low: float = Field(45, ge=0, le=100)
    convolutions_high: float = Field(55, ge=0, le=100)
    linear_low: float = Field(15, ge=0, le=100)
    linear_high: float = Field(85, ge=0, le=100)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for kind in ("convolutions", "linear"):
            low, high = self._get_percentiles(kind)
            if low > high:
                raise UsageError(
                    f"threshold: {kind}_low = {low:g} lies above {kind}_high = {high:g}"
                )
        return self

    def _get_percentiles(self, kind: str) -> tuple[float, float]:
        if self.sparsity is not None:
            return 50 - 50 * self.sparsity, 50 + 50 * self.sparsity
        return getattr(self, f"{kind}_low"), getattr(self, f"{kind}_high")

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        """Return the state after a step: unchanged until the last, then with the masks."""
        if info.step < info.planned_steps:
            return state
        return PruneState(self.masks_once(network), True, state.memory)

    def masks_once(
        self, network: nn.Module, seed: int = 0, masks: Masks | None = None
    ) -> dict[str, Tensor]:
        """Return the masks of a network as it is."""
        require_finite(network)
        chosen = {}
        for name, weight in find_prunable(network).items():
            kind = "convolutions" if is_convolution(weight) else "linear"
            chosen[name] = keep_outside(weight.detach(), *self._get_percentiles(kind))
        return chosen


def keep_outside(weight: Tensor, low: float, high: float) -> Tensor:
    """Return a mask that drops the weights between two percentiles, but not all.

    The percentiles are ranks of the signed values.
    """
    total = weight.numel()
    dropped = total - count_kept(total, (high - low) / 100)
    first = min(round(total * low / 100), total - dropped)
    end = first + dropped
    above = (
        keep_highest(weight, total - end)
        if end < total
        else torch.zeros_like(weight, dtype=torch.bool)
    )
    return above | ~keep_highest(weight, total - first) if first else above
