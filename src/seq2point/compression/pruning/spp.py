"""Structured probabilistic pruning (SPP): groups of weights are dropped at random, until each is
decided.
"""

import logging
import math
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from seq2point.compression.pruning.pruner import (
    Pruner,
    PruneState,
    StepInfo,
    make_generator,
    require_finite,
)
from seq2point.compression.pruning.units import (
    couple_masks,
    get_weight,
    measure_norms,
    require_seq2point,
)
from seq2point.errors import UsageError
from seq2point.network import Layer, Seq2Point
from seq2point.network.masks import Masks, merge

ENDS_AT = 0.6
"""Fraction of the planned steps by which all groups are decided."""
SLACK = 1.25
"""Updates are planned for so many times the updates that a steady ranking needs."""
SMOOTHING = 0.9
SCORES_BETWEEN_UPDATES = 10
STEPS_BETWEEN_SCORES = 4
BINS = 20
"""Bins of the histogram of probabilities in a history."""
SMALLEST_COUNTED = 0.01
"""Updates are counted one by one down to this A; below it they would be too many to count."""
MOST_UPDATES = 2**62
PROBABILITY, SCORE, HISTORY = "probability.", "score.", "course."

log = logging.getLogger(__name__)


def probability_step(ranks: Any, remaining: int, A: float = 0.05, u: float = 0.25) -> Tensor:
    """Return how much the pruning probability of groups changes at an update, by their ranks.

    Rank 0 is the least important group. `remaining` groups are still to be removed. Wang, Zhang,
    Wang, Hu 2018, equations 1 to 3: with alpha = (ln 2 - ln u) / remaining, delta(0) = A,
    delta(N) = u A at N = -ln(u) / alpha, and delta(remaining) = 0. Beyond, delta is negative.
    """
    r = torch.as_tensor(ranks, dtype=torch.float64)
    alpha = (math.log(2) - math.log(u)) / remaining
    middle = -math.log(u) / alpha
    return torch.where(
        r <= middle, A * torch.exp(-alpha * r), 2 * u * A - A * torch.exp(-alpha * (2 * middle - r))
    )


@cache
def count_updates_needed(groups: int, sparsity: float, A: float = 0.05, u: float = 0.25) -> int:
    """Return how many updates remove a fraction of the groups, if their ranking never changes.

    Below SMALLEST_COUNTED the number is scaled, in proportion to 1 / A.
    """
    if A < SMALLEST_COUNTED:
        times = SMALLEST_COUNTED / A
        return math.ceil(
            min(count_updates_needed(groups, sparsity, SMALLEST_COUNTED, u) * times, MOST_UPDATES)
        )
    p = torch.zeros(groups, dtype=torch.float64)
    scores = torch.arange(groups, dtype=torch.float64)
    target, updates = count_groups_to_remove(groups, sparsity), 0
    while int((p >= 1).sum()) < target:
        p = raise_probabilities(p, scores, target, A, u)
        updates += 1
    return updates


def count_groups_to_remove(groups: int, sparsity: float) -> int:
    """Return how many of a layer's groups a sparsity removes: rounded up, but one always stays."""
    return min(math.ceil(sparsity * groups - 1e-9), groups - 1)


def raise_probabilities(p: Tensor, scores: Tensor, target: int, A: float, u: float) -> Tensor:
    """Return the probabilities after an update; a group at 1 is removed and leaves the ranking."""
    open_ = torch.nonzero(p < 1)[:, 0]
    remaining = target - (len(p) - len(open_))
    ascending = open_[scores[open_].sort(stable=True).indices]
    after = p.clone()
    after[ascending] = (
        p[ascending] + probability_step(torch.arange(len(open_)), remaining, A, u)
    ).clamp(0, 1)
    return after


class ProbabilityHistory(NamedTuple):
    """The pruning probabilities of a layer's groups over a training.

    `steps` are those of the updates. `fractions` f64[updates, bins] of the groups lie in each bin
    of the probability; the bins are equal parts of 0 to 1.
    """

    steps: list[int]
    fractions: Tensor


class SPP(Pruner):
    """Structured probabilistic pruning (Wang et al. 2018).

    Every group of weights of a layer has a probability p of being dropped, 0 at first. Each step
    draws anew which groups it drops, and their weights survive the step. At every update the groups
    that are not yet removed are ranked by their L1 norm, and p changes by `probability_step`. A
    group at p = 1 is removed. A layer is finished when `sparsity` of its groups are removed; all
    others then stay. The norms are smoothed over the steps before, as in the authors' later code,
    but measured at every fourth step at most. The paper averages ranks.

    Groups are the (input channel, tap) columns of the convolutions, as in the paper, or their
    filters with `granularity` 'filters'. The hidden units, which hold 99.9 % of the weights, are
    groups too: 'units' prunes them alone, and `layers` 'convolutions' leaves them out. Updates come
    every `update_every` steps. By default they come so often that all groups are decided by 60 % of
    the training; in the paper they come every 180 steps. Groups that are undecided there, where
    ranks are noisy, are decided by rank, and logged.
    """

    name: ClassVar[str] = "spp"
    source: ClassVar[str] = "Wang, Zhang, Wang and Hu 2018, BMVC, arXiv 1709.06994"
    removes: ClassVar[str] = "columns or filters of convolutions, hidden units"
    advice: ClassVar[str] = (
        "For groups that training may change its mind about; needs some hundreds of steps, best"
        " from a trained model."
    )

    sparsity: float = Field(0.5, ge=0, lt=1)
    granularity: Literal["columns", "filters", "units"] = "columns"
    layers: Literal["all", "convolutions"] = "all"
    A: float = Field(0.05, gt=0, le=1)
    u: float = Field(0.25, gt=0, lt=1)
    update_every: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.granularity == "units" and self.layers == "convolutions":
            raise UsageError(
                "spp: granularity 'units' with layers 'convolutions' leaves nothing to prune"
            )
        return self

    def begin(self, network: nn.Module, seed: int = 0) -> PruneState:
        """Return the state in which every group is kept for certain."""
        network = require_seq2point(network)
        memory: dict[str, Tensor | float] = {"seed": seed, "step": 0, "forced": 0}
        for layer in self._layers(network):
            groups = self._norms(network, layer)
            memory[PROBABILITY + layer.name] = torch.zeros_like(
                groups, dtype=torch.float64, device="cpu"
            )
            memory[HISTORY + layer.name] = torch.zeros(0, 1 + BINS, dtype=torch.float64)
        return PruneState(memory=memory)

    def update(self, network: nn.Module, state: PruneState, info: StepInfo) -> PruneState:
        """Return the state after a step: scores, and at an update probabilities and masks."""
        if state.final:
            return state
        network = require_seq2point(network)
        memory = dict(state.memory) | {"step": info.step}
        every = self.update_every or self._choose_interval(memory, info.planned_steps)
        last = info.step >= ENDS_AT * info.planned_steps
        update = last or info.step % every == 0
        if update or info.step % max(every // SCORES_BETWEEN_UPDATES, STEPS_BETWEEN_SCORES) == 0:
            for layer in self._layers(network):
                now = self._norms(network, layer).double().cpu()
                before = memory.get(SCORE + layer.name)
                memory[SCORE + layer.name] = (
                    now if before is None else SMOOTHING * before + (1 - SMOOTHING) * now
                )
        if not update:
            return PruneState(state.masks, False, memory)
        require_finite(network)
        names = [layer.name for layer in self._layers(network)]
        forced = {layer: self._decide(layer, memory, last) for layer in names}
        if total := sum(forced.values()):
            memory["forced"] = total
            counts = ", ".join(f"{count} of {layer}" for layer, count in forced.items() if count)
            log.warning(
                "spp: %d groups were still undecided at step %d, and were decided by rank (%s)",
                total,
                info.step,
                counts,
            )
        removed = {layer: _as_tensor(memory[PROBABILITY + layer]) >= 1 for layer in names}
        done = all(
            int(groups.count_nonzero()) == count_groups_to_remove(groups.numel(), self.sparsity)
            for groups in removed.values()
        )
        changed = any(
            not torch.equal(groups, _as_tensor(state.memory[PROBABILITY + layer]) >= 1)
            for layer, groups in removed.items()
        )
        return PruneState(_make_masks(network, removed) if changed else state.masks, done, memory)

    def masks_for_step(self, state: PruneState) -> Masks | None:
        """Return the masks of a draw: every undecided group stays with probability 1 - p.

        At least one group of a layer stays.
        """
        if state.final:
            return None
        drawn: dict[str, Tensor] = {}
        for i, (layer, p) in enumerate(read_probabilities(state).items()):
            draws = torch.rand(
                p.shape,
                generator=make_generator(state.memory["seed"], int(state.memory["step"]), i),
                dtype=p.dtype,
            )
            dropped = (draws < p) & (p < 1)
            if bool((dropped | (p >= 1)).all()):
                dropped.view(-1)[p.argmin()] = False
            if not bool(dropped.any()):
                continue
            if p.dim() == 2:
                drawn[f"{layer}.weight"] = ~dropped[None]
            else:
                drawn[f"{layer}.weight"] = ~dropped
                drawn[f"{layer}.bias"] = ~dropped
        return drawn

    def measure_progress(self, state: PruneState) -> dict[str, float]:
        """Return each layer's fraction of removed groups and mean probability.

        'spp_forced' counts the groups of all layers that were decided by rank.
        """
        numbers = {"spp_forced": float(state.memory["forced"])}
        for layer, p in read_probabilities(state).items():
            numbers |= {
                f"spp_out.{layer}": float((p >= 1).double().mean()),
                f"spp_probability.{layer}": float(p.mean()),
            }
        return numbers

    def _layers(self, network: Seq2Point) -> list[Layer]:
        pruned = {True: self.granularity != "units", False: self.layers == "all"}
        return [layer for layer in network.architecture.unit_layers if pruned[layer.convolves]]

    def _norms(self, network: Seq2Point, layer: Layer) -> Tensor:
        """Return the L1 norms of a layer's groups: [O] of rows, [I, K] of columns."""
        weight = get_weight(network, layer)
        if not layer.convolves or self.granularity == "filters":
            return measure_norms(weight, 1)
        return weight.abs().sum(0)

    def _choose_interval(self, memory: Mapping[str, Tensor | float], planned_steps: int) -> int:
        """Return the steps between updates that give the largest layer SLACK times the updates it
        needs.
        """
        groups = max(
            value.numel()
            for name, value in memory.items()
            if name.startswith(PROBABILITY) and isinstance(value, Tensor)
        )
        needed = count_updates_needed(groups, self.sparsity, self.A, self.u)
        return max(int(ENDS_AT * planned_steps / (SLACK * max(needed, 1))), 1)

    def _decide(self, layer: str, memory: dict[str, Tensor | float], last: bool) -> int:
        """Update a layer's probabilities in `memory`; return how many groups rank alone decided.

        Rank alone decides at the `last` update.
        """
        before = _as_tensor(memory[PROBABILITY + layer])
        scores = _as_tensor(memory[SCORE + layer]).flatten()
        p, target = before.flatten(), count_groups_to_remove(before.numel(), self.sparsity)
        if int((p >= 1).count_nonzero()) >= target:
            return 0
        p = raise_probabilities(p, scores, target, self.A, self.u)
        missing = target - int((p >= 1).count_nonzero())
        forced = missing if last else 0
        p[torch.where(p < 1, scores, torch.inf).sort(stable=True).indices[:forced]] = 1
        row = torch.cat(
            [
                torch.tensor([float(memory["step"])], dtype=p.dtype),
                torch.histc(p, BINS, 0, 1) / len(p),
            ]
        )
        memory[HISTORY + layer] = torch.cat([_as_tensor(memory[HISTORY + layer]), row[None]])
        memory[PROBABILITY + layer] = (p if missing > forced else (p >= 1).to(p)).view_as(before)
        return forced


def _as_tensor(value: Tensor | float) -> Tensor:
    """Return an entry of a memory that is known to be a tensor."""
    return torch.as_tensor(value)


def read_probabilities(state: PruneState) -> dict[str, Tensor]:
    """Return the pruning probabilities by layer: [O] of units or filters, [I, K] of columns."""
    return {
        k.removeprefix(PROBABILITY): _as_tensor(v)
        for k, v in state.memory.items()
        if k.startswith(PROBABILITY)
    }


def read_histories(state: PruneState) -> dict[str, ProbabilityHistory]:
    """Return the history of each layer's probabilities; empty for a state of another pruner."""
    histories = {
        k.removeprefix(HISTORY): _as_tensor(v)
        for k, v in state.memory.items()
        if k.startswith(HISTORY)
    }
    return {
        layer: ProbabilityHistory(rows[:, 0].int().tolist(), rows[:, 1:])
        for layer, rows in histories.items()
    }


def _make_masks(network: Seq2Point, removed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the masks of removed groups; a unit or filter goes with the weights that read it."""
    rows = {
        layer: ~groups
        for layer, groups in removed.items()
        if groups.dim() == 1 and bool(groups.any())
    }
    columns = {}
    for layer in network.architecture.unit_layers:
        groups = removed.get(layer.name)
        if groups is not None and groups.dim() == 2 and bool(groups.any()):
            weight = get_weight(network, layer)
            columns[layer.weight_name] = (~groups).to(weight.device).expand_as(weight).contiguous()
    return merge(couple_masks(network, rows), columns)
