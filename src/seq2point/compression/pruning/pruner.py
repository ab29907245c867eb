"""The contract of every pruner: it decides which weights stay.

masks.py zeroes the others, training/lightning_loop.py calls the pruner.
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
    """What a pruner learns after an optimiser step; the parameters still have the step's gradients.

    The first batch is step 1. `planned_steps` is how many the training will make. `loss` is the
    batch's mean over all processes.
    """

    step: int
    planned_steps: int
    loss: float


@dataclass(frozen=True)
class PruneState:
    """A pruner's state between steps: all that a checkpoint must hold to continue it exactly.

    `final` says that the final sparsity is reached: from then on the weights may be kept as the
    best ones. `memory` holds the pruner's own tensors and numbers by name.
    """

    masks: Mapping[str, Tensor] = field(default_factory=dict)
    final: bool = False
    memory: Mapping[str, Tensor | float] = field(default_factory=dict)


def make_generator(seed: Tensor | float, *words: int) -> torch.Generator:
    """Return a generator of random numbers that depend on a seed and `words` alone.

    A word is for example a step. The numbers are the same in every process and at any time.
    """
    state = np.random.SeedSequence((int(seed), *words)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def require_finite(network: nn.Module) -> None:
    """Raise TrainingError for a network with a weight that is not finite: it has no rank."""
    for name, weight in network.named_parameters():
        if not torch.isfinite(weight.sum()) and not torch.isfinite(weight).all():
            raise TrainingError(
                f"{name}: some weights are not finite numbers, which cannot be ranked; train again"
                " with a lower learning_rate"
            )


class Pruner(BaseModel):
    """A pruning method with its settings.

    Subclasses override `update`, and stochastic ones `masks_for_step`. A pruner never changes
    weights or the optimiser. It decides alike in every process of a training: what it draws follows
    from the first seed and the step. When it decides, it refuses weights that are not finite
    (`require_finite`). `seq2point pruners` shows `source`, `removes` and `advice`. `shrinks`
    promises that a weight once dropped stays dropped.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    source: ClassVar[str]
    removes: ClassVar[str]
    advice: ClassVar[str]
    shrinks: ClassVar[bool] = True

    def begin(self, network: nn.Module, seed: int = 0) -> PruneState:
        """Return the state before the first step of a training with this seed."""
        return PruneState(memory={"seed": seed})

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        """Return the state after a step; its masks hold from now on.

        In the network the weights that the masks of `state` drop are zero, whatever the optimiser
        has made of them.
        """
        raise NotImplementedError

    def masks_for_step(self, state: PruneState) -> Masks | None:
        """Return masks for one forward and backward pass only, None where there are no such masks.

        They are a function of the state, and may drop more than its own masks. A mask of one
        dimension drops whole rows, any other broadcasts to its parameter's shape. The weights that
        they drop survive the step unchanged.
        """
        return None

    def masks_once(
        self, network: nn.Module, seed: int = 0, masks: Masks | None = None
    ) -> dict[str, Tensor]:
        """Return the masks for pruning a network once, without training; `masks` are its present
        ones.

        Raises UsageError for a method that decides while the network trains.
        """
        raise UsageError(f"{self.name} decides while the network trains: give data to fine-tune on")

    def measure_progress(self, state: PruneState) -> dict[str, float]:
        """Return numbers for the log of a validation, under the same names every time."""
        return {}
