"""What the pruners on a schedule share: when they prune, and how much."""

import warnings
from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import Pruner, PruneState, StepInfo, require_finite
from seq2point.compression.pruning.schedule import ConstantSparsity, PolynomialDecay, Schedule
from seq2point.compression.pruning.scores import rank_dropped_last
from seq2point.errors import UsageError
from seq2point.network.masks import Masks, find_prunable, is_convolution, merge

USUAL_FREQUENCY = 100
"""Steps between updates in the TensorFlow toolkit."""


class Scheduled(Pruner):
    """A pruner that reaches `sparsity` on a schedule; subclasses override `choose`.

    With `schedule` 'constant' the whole sparsity holds from the first update on. With 'polynomial'
    it grows from `initial` until step `end_step`, by default 60 % of the planned steps. Every
    `frequency`-th step updates the masks. By default that is the toolkit's 100, or a tenth of the
    planned steps where that is less: with sliding evaluation a hundred steps may be a whole
    training. A training too short for the schedule prunes at its last step, with a warning. A
    dropped weight stays dropped.
    Raises UsageError for steps that are not a span, and for an `initial` above `sparsity`.
    """

    sparsity: float = Field(0.5, ge=0, lt=1)
    schedule: Literal["constant", "polynomial"] = "constant"
    initial: float = Field(0.0, ge=0, lt=1)
    begin_step: int = Field(0, ge=0)
    end_step: int = -1
    frequency: int | None = Field(None, ge=1)
    power: float = Field(3.0, gt=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.make_schedule(planned_steps=1)
        if self.schedule == "polynomial" and self.initial > self.target:
            raise UsageError(
                f"{self.name}: initial = {self.initial:g} lies above the sparsity {self.target:g}:"
                " give a lower one, since a dropped weight never comes back"
            )
        return self

    @property
    def target(self) -> float:
        """Return the sparsity at the end of the schedule."""
        return self.sparsity

    @abstractmethod
    def choose(self, network: nn.Module, sparsity: float, state: PruneState) -> dict[str, Tensor]:
        """Return the masks of a network at a sparsity; they drop what the state's masks drop
        first.
        """

    def make_schedule(self, planned_steps: int) -> Schedule:
        """Return the schedule for a training of so many steps."""
        frequency = self.frequency or min(USUAL_FREQUENCY, max(planned_steps // 10, 1))
        if self.schedule == "constant":
            return ConstantSparsity(self.target, self.begin_step, self.end_step, frequency)
        end = (
            self.end_step
            if self.end_step != -1
            else max(round(0.6 * planned_steps), self.begin_step + 1)
        )
        return PolynomialDecay(
            self.initial, self.target, self.begin_step, end, self.power, frequency
        )

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        """Return the state after a step, with new masks at the schedule's steps."""
        schedule = self.make_schedule(info.planned_steps)
        due, sparsity = schedule.updates_at(info.step), schedule.sparsity_at(info.step)
        reached = state.final or (due and sparsity == schedule.final_sparsity)
        if info.step == info.planned_steps and not reached:
            due, sparsity = True, schedule.final_sparsity
            warnings.warn(
                f"the training ends at step {info.planned_steps}, before the pruning schedule does:"
                f" pruned to {sparsity:.0%} at the last step, with no step to recover; set"
                " begin_step, end_step and frequency to fit",
                stacklevel=2,
            )
        if not due:
            return state
        require_finite(network)
        masks = merge(state.masks, self.choose(network, sparsity, state))
        return PruneState(masks, state.final or sparsity == schedule.final_sparsity, state.memory)

    def masks_once(
        self, network: nn.Module, seed: int = 0, masks: Masks | None = None
    ) -> dict[str, Tensor]:
        """Return the masks at the whole sparsity."""
        require_finite(network)
        return self.choose(
            network, self.target, replace(self.begin(network, seed), masks=masks or {})
        )


class SingleWeights(Scheduled):
    """A scheduled pruner of single weights.

    `exempt_convolutions` and `exempt_output` leave out the convolutions and the last layer. They
    hold 0.12 % of the weights of the paper's network, and much of its work.
    """

    removes: ClassVar[str] = "single weights"

    exempt_convolutions: bool = False
    exempt_output: bool = False

    def select_tensors(self, network: nn.Module) -> dict[str, Tensor]:
        """Return the weight tensors to prune, by name."""
        weights = find_prunable(network)
        if self.exempt_output:
            weights.popitem()
        return {
            name: weight.detach()
            for name, weight in weights.items()
            if not (self.exempt_convolutions and is_convolution(weight))
        }

    def magnitudes(self, network: nn.Module, state: PruneState) -> dict[str, Tensor]:
        """Return |w| of the tensors to prune, by name, and -1 where the state's masks drop a
        weight.
        """
        return {
            name: rank_dropped_last(weight.abs(), state.masks.get(name))
            for name, weight in self.select_tensors(network).items()
        }
