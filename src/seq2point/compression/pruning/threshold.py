"""Relative threshold pruning: once, after training, between two percentiles."""

from typing import ClassVar, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import Pruner, PruneState, StepInfo, require_finite
from seq2point.compression.pruning.scores import count_kept, keep_highest
from seq2point.errors import UsageError
from seq2point.network.masks import Masks, find_prunable, is_convolution


class Threshold(Pruner):
    """Zero the weights between two percentiles of a layer's signed values, without retraining
    (Ashouri et al. 2019).

    In a training this is done at the last step. `sparsity`, where given, takes the place of the
    percentiles: so much from the middle of every tensor.
    Raises UsageError for percentiles that are no span.
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
        for where in ("convolutions", "linear"):
            low, high = self._span(where)
            if low > high:
                raise UsageError(
                    f"threshold: {where}_low = {low:g} lies above {where}_high = {high:g}"
                )
        return self

    def _span(self, where: str) -> tuple[float, float]:
        if self.sparsity is not None:
            return 50 - 50 * self.sparsity, 50 + 50 * self.sparsity
        return getattr(self, f"{where}_low"), getattr(self, f"{where}_high")

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        """Nothing until the last step, then the masks."""
        if info.step < info.planned_steps:
            return state
        return PruneState(self.masks_once(network), True, state.memory)

    def masks_once(
        self, network: nn.Module, seed: int = 0, held: Masks | None = None
    ) -> dict[str, Tensor]:
        """The masks of a network as it is."""
        require_finite(network)
        return {
            name: keep_outside(
                weight.detach(), *self._span("convolutions" if is_convolution(weight) else "linear")
            )
            for name, weight in find_prunable(network).items()
        }


def keep_outside(weight: Tensor, low: float, high: float) -> Tensor:
    """A mask that drops the weights between two percentiles by rank of their signed values, and
    leaves at least one.
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
