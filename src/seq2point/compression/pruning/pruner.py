"""The contract of every pruner: it decides which weights stay; masks.py zeroes, training/loop.py
calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from seq2point.errors import TrainingError, UsageError
from seq2point.network.masks import Masks


@dataclass(frozen=True)
class StepInfo:
    """What a pruner is told after an optimiser step, while the step's gradients are still on the
    parameters.

    The first batch is step 1; `planned_steps` is how many the training will make; `loss` is the
    batch's, its mean over all processes.
    """

    step: int
    planned_steps: int
    loss: float


@dataclass(frozen=True)
class PruneState:
    """A pruner's state between steps: everything that a checkpoint must hold to continue it
    exactly.

    `final` says that the final sparsity is reached, so that the weights may be kept as the best
    ones. `memory` holds a pruner's own tensors and numbers (averages, probabilities, generator
    states) by name.
    """

    masks: Mapping[str, Tensor] = field(default_factory=dict)
    final: bool = False
    memory: Mapping[str, Tensor | float] = field(default_factory=dict)


def make_generator(seed: Tensor | float, *words: int) -> torch.Generator:
    """The random numbers of a seed and some words, such as a step: the same in every process,
    whenever they are asked for.
    """
    state = np.random.SeedSequence((int(seed), *words)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def require_finite(network: nn.Module) -> None:
    """Raise TrainingError for a network with a weight that is not a finite number: nothing can rank
    it.
    """
    for name, weight in network.named_parameters():
        if not torch.isfinite(weight.sum()) and not torch.isfinite(weight).all():
            raise TrainingError(
                f"{name}: some weights are not finite numbers, and nothing can rank them; train"
                " again with a lower learning_rate"
            )


class Pruner(BaseModel):
    """A pruning method with its settings; subclasses override `update`, stochastic ones also
    `masks_for_step`.

    A pruner never changes weights and never touches the optimiser. It decides alike in every
    process of a training: whatever it draws follows from the seed it began with and the step.
    Weights that are not finite it refuses (`require_finite`) when it decides. `source`, `removes`
    and `advice` say what `seq2point pruners` shows; `shrinks` promises that a weight once dropped
    stays dropped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    source: ClassVar[str]
    removes: ClassVar[str]
    advice: ClassVar[str]
    shrinks: ClassVar[bool] = True

    def begin(self, network: nn.Module, seed: int = 0) -> PruneState:
        """The state before the first step of a training with this seed."""
        return PruneState(memory={"seed": seed})

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        """Return the state after a step; the masks in it hold from now on.

        The weights that the state's masks drop are zero in the network, whatever the optimiser made
        of them.
        """
        raise NotImplementedError

    def masks_for_step(self, state: PruneState) -> Masks | None:
        """Masks for one forward and backward pass only, or None where the state's masks are all
        there is.

        They are a function of the state and may drop more than its masks. One of a single dimension
        drops whole rows, any other broadcasts to its parameter's shape. The weights that they drop
        survive the step unchanged.
        """
        return None

    def masks_once(
        self, network: nn.Module, seed: int = 0, held: Masks | None = None
    ) -> dict[str, Tensor]:
        """The masks for a network that is pruned once, without training; `held` are those that it
        has.

        Raises UsageError for a method that decides while the network trains.
        """
        raise UsageError(
            f"{self.name} decides while the network trains: give data to train on with --finetune"
        )

    def progress(self, state: PruneState) -> dict[str, float]:
        """Numbers for the log at a validation, the same names every time."""
        return {}
