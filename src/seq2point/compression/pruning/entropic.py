"""Entropy-based pruning: drop weights of less information than their layer's average, in rounds."""

import logging
import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import Pruner, PruneState, StepInfo, require_finite
from seq2point.compression.pruning.scores import count_kept, keep_highest
from seq2point.network.masks import Masks, find_prunable, measure_sparsity

LAST = 0.6
"""Fraction of the planned steps by which the last round is made."""
CHECKS = 50
"""Checks of the loss in a training, by default."""
MOST_ROUNDS = 20

log = logging.getLogger(__name__)


class Entropic(Pruner):
    """Prune the weights whose information is below their layer's entropy (Hur and Kang 2019).

    A Gaussian is fitted to the surviving weights of a tensor. A weight's information is
    I(w) = -ln f(w), the entropy is H = ln(sigma sqrt(2 pi e)). Then I(w) < H + c is
    |w - mu| < sigma sqrt(1 + 2 c): 68 % of a Gaussian tensor at c = 0.

    Pruning goes in `rounds`, and training goes on after each. The next round is due when the loss,
    smoothed over steps by `smoothing`, changes by at most `tolerance` of itself between two checks.
    Checks are `check_every` steps apart, by default a fiftieth of the training. They are never
    closer than the 1 / (1 - smoothing) steps that the smoothing averages over, 20 by default:
    closer ones differ by little whatever the loss does. At the latest the rounds are spread over
    the first 60 % of the training, so that it always finishes.

    Without a `sparsity` there are two rounds, and the log reports the sparsity that they reach.
    With one, there are as many rounds as a Gaussian needs. No round removes more than the sparsity.
    The last solves for the c that reaches it exactly.
    """

    name: ClassVar[str] = "entropic"
    source: ClassVar[str] = "Hur and Kang 2019, The Journal of Supercomputing 75:2950-2963"
    removes: ClassVar[str] = "single weights"
    advice: ClassVar[str] = (
        "Chooses its own sparsity (80 to 90 %, by the distribution), or meets yours; patented in"
        " Korea."
    )

    sparsity: float | None = Field(None, ge=0, lt=1)
    c: float = Field(0.0, gt=-0.5)
    rounds: int | None = Field(None, ge=1, le=MOST_ROUNDS)
    tolerance: float = Field(0.02, gt=0)
    smoothing: float = Field(0.95, ge=0, lt=1)
    check_every: int | None = Field(None, ge=1)

    def count_rounds(self) -> int:
        """Return the number of rounds."""
        if self.rounds is not None:
            return self.rounds
        return 2 if self.sparsity is None else count_rounds_on_gaussian(self.sparsity, self.c)

    def begin(self, network: nn.Module, seed: int = 0) -> PruneState:
        """Return the state before the first round."""
        return PruneState(
            memory={"seed": seed, "round": 0, "loss": math.nan, "loss_at_check": math.nan}
        )

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        """Return the state after a step: a round is made when the loss is stable, or when it is
        due.
        """
        if state.final:
            return state
        memory = dict(state.memory)
        before, made, planned = float(memory["loss"]), int(memory["round"]), self.count_rounds()
        loss = (
            info.loss
            if math.isnan(before)
            else self.smoothing * before + (1 - self.smoothing) * info.loss
        )
        stable = False
        if info.step % self._steps_between_checks(info.planned_steps) == 0:
            stable = abs(loss - float(memory["loss_at_check"])) <= self.tolerance * abs(loss)
            memory["loss_at_check"] = loss
        masks = state.masks
        while made < planned and (
            stable or info.step >= LAST * info.planned_steps * (made + 1) / planned
        ):
            made += 1
            masks = self._make_round(network, masks, made == planned)
            memory["loss_at_check"], stable = math.nan, False
            removed = 100 * measure_sparsity(network, masks)
            log.info(
                "entropic: round %d of %d at step %d: %.1f %% removed",
                made,
                planned,
                info.step,
                removed,
            )
        return PruneState(masks, made == planned, memory | {"loss": loss, "round": made})

    def _steps_between_checks(self, planned_steps: int) -> int:
        """Return the steps between checks, in which a smoothed loss can have changed."""
        time_constant = math.ceil(round(1 / (1 - self.smoothing), 6))
        return max(self.check_every or planned_steps // CHECKS, time_constant)

    def _make_round(self, network: nn.Module, masks: Masks, last: bool) -> dict[str, Tensor]:
        require_finite(network)
        chosen = {}
        for name, parameter in find_prunable(network).items():
            weight = parameter.detach()
            kept = masks.get(name)
            kept = torch.ones_like(weight, dtype=torch.bool) if kept is None else kept
            if self.sparsity is None:
                chosen[name] = keep_informative(weight, kept, self.c)
            else:
                least = min(count_kept(weight.numel(), self.sparsity), int(kept.count_nonzero()))
                chosen[name] = keep_informative(weight, kept, self.c, least, exactly=last)
        return chosen

    def measure_progress(self, state: PruneState) -> dict[str, float]:
        """Return the number of rounds made, and the smoothed loss that the next one waits for."""
        return {
            "entropic_rounds": float(state.memory["round"]),
            "entropic_loss": float(state.memory["loss"]),
        }


def keep_informative(
    weight: Tensor, kept: Tensor, c: float, least: int = 1, exactly: bool = False
) -> Tensor:
    """Return a mask of the survivors whose information is not below the entropy plus c.

    The Gaussian is fitted to the survivors, the weights that are True in `kept`. At least `least`
    of them stay, and no more with `exactly`: then those furthest from the mean.
    """
    survivors = weight[kept].double()
    mean, sigma = survivors.mean(), survivors.std(correction=0)
    distance = torch.where(kept, (weight - mean).abs(), -1.0)
    stays = kept & (distance >= sigma * math.sqrt(1 + 2 * c))
    if exactly or int(stays.count_nonzero()) < least:
        return keep_highest(distance, least)
    return stays


def count_rounds_on_gaussian(sparsity: float, c: float = 0.0) -> int:
    """Return how many rounds bring a Gaussian tensor to a sparsity, at most MOST_ROUNDS."""
    quantiles = (torch.arange(20_001, dtype=torch.float64) + 0.5) / 20_001
    weight = torch.erfinv(2 * quantiles - 1)
    kept = torch.ones_like(weight, dtype=torch.bool)
    for made in range(1, MOST_ROUNDS):
        kept = keep_informative(weight, kept, c)
        if int(kept.count_nonzero()) <= (1 - sparsity) * weight.numel():
            return made
    return MOST_ROUNDS
