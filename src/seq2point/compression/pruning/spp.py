"""Structured probabilistic pruning (SPP): groups of weights are dropped by lot, ever more surely,
until each is out or in.
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
SLACK = 1.25
SMOOTHING = 0.9
SCORES_BETWEEN_UPDATES = 10
STEPS_BETWEEN_SCORES = 4
BINS = 20
SMALLEST_COUNTED = 0.01
MOST_UPDATES = 2**62
PROBABILITY, SCORE, HISTORY = "probability.", "score.", "course."

log = logging.getLogger(__name__)


def probability_step(ranks: Any, remaining: int, A: float = 0.05, u: float = 0.25) -> Tensor:
    """How much the pruning probability of groups changes at an update, by their rank from 0, the
    least important.

    Wang, Zhang, Wang, Hu 2018, equations 1 to 3: delta(0) = A, delta(N) = u A at N = -ln(u) /
    alpha, and delta(remaining) = 0, negative beyond, with alpha = (ln 2 - ln u) / remaining.
    `remaining` groups are still to be removed.
    """
    r = torch.as_tensor(ranks, dtype=torch.float64)
    alpha = (math.log(2) - math.log(u)) / remaining
    middle = -math.log(u) / alpha
    return torch.where(
        r <= middle, A * torch.exp(-alpha * r), 2 * u * A - A * torch.exp(-alpha * (2 * middle - r))
    )


@cache
def count_updates_needed(groups: int, sparsity: float, A: float = 0.05, u: float = 0.25) -> int:
    """How many updates it takes until so many groups are out, if their ranking never changes.

    A smaller `A` takes as many more: below SMALLEST_COUNTED that is scaled, not counted.
    """
    if A < SMALLEST_COUNTED:
        times = SMALLEST_COUNTED / A
        return math.ceil(
            min(count_updates_needed(groups, sparsity, SMALLEST_COUNTED, u) * times, MOST_UPDATES)
        )
    p = torch.zeros(groups, dtype=torch.float64)
    scores, target, made = (
        torch.arange(groups, dtype=torch.float64),
        count_groups_to_remove(groups, sparsity),
        0,
    )
    while int((p >= 1).sum()) < target:
        p = raise_probabilities(p, scores, target, A, u)
        made += 1
    return made


def count_groups_to_remove(groups: int, sparsity: float) -> int:
    """The target ratio of a layer's groups, rounded up; one always stays."""
    return min(math.ceil(sparsity * groups - 1e-9), groups - 1)


def raise_probabilities(p: Tensor, scores: Tensor, target: int, A: float, u: float) -> Tensor:
    """The probabilities after an update; a group at 1 is out for good and leaves the ranking."""
    open_ = torch.nonzero(p < 1)[:, 0]
    remaining = target - (len(p) - len(open_))
    ascending = open_[scores[open_].sort(stable=True).indices]
    after = p.clone()
    after[ascending] = (
        p[ascending] + probability_step(torch.arange(len(open_)), remaining, A, u)
    ).clamp(0, 1)
    return after


class ProbabilityHistory(NamedTuple):
    """A layer's probabilities over a training: the steps of the updates, and at each the fractions
    of groups f64[updates, bins].

    The bins are of equal width from 0 to 1.
    """

    steps: list[int]
    fractions: Tensor


class SPP(Pruner):
    """Structured probabilistic pruning (Wang et al. 2018).

    Every group of weights of a layer has a probability p of being dropped, 0 at first. Each step is
    made with a fresh draw of groups, and what it drops survives the step. At every update the
    groups that are not yet out are ranked by their L1 norm (smoothed over the steps before, as in
    the authors' later code, but taken at every fourth at most; the paper averages ranks) and p
    moves by `probability_step`; a group at p = 1 is out. A layer is done at `sparsity` of its
    groups; what is undecided then stays.

    Groups are the (input channel, tap) columns of the convolutions, as in the paper, or their
    `filters`, and the hidden units, which hold 99.9 % of the weights; `units` prunes those alone,
    and `layers` = 'convolutions' leaves them out. Updates come every `update_every` steps, by
    default so often that all is decided by 60 % of the training (the paper: every 180). What is not
    decided there, as noisy ranks may have it, is decided by rank, and logged.
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
        """Every group kept for sure."""
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
        """Scores, now and then; at an update new probabilities, and masks of what is out."""
        if state.final:
            return state
        network = require_seq2point(network)
        memory = dict(state.memory) | {"step": info.step}
        every = self.update_every or self._pace(memory, info.planned_steps)
        last = info.step >= ENDS_AT * info.planned_steps
        update = last or info.step % every == 0
        if update or info.step % max(every // SCORES_BETWEEN_UPDATES, STEPS_BETWEEN_SCORES) == 0:
            for layer in self._layers(network):
                now, before = (
                    self._norms(network, layer).double().cpu(),
                    memory.get(SCORE + layer.name),
                )
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
            which = ", ".join(f"{count} of {layer}" for layer, count in forced.items() if count)
            log.warning(
                "spp: %d groups were still undecided at step %d, and were decided by rank (%s)",
                total,
                info.step,
                which,
            )
        out = {layer: _tensor(memory[PROBABILITY + layer]) >= 1 for layer in names}
        done = all(
            int(o.count_nonzero()) == count_groups_to_remove(o.numel(), self.sparsity)
            for o in out.values()
        )
        news = any(
            not torch.equal(o, _tensor(state.memory[PROBABILITY + layer]) >= 1)
            for layer, o in out.items()
        )
        return PruneState(_masks(network, out) if news else state.masks, done, memory)

    def masks_for_step(self, state: PruneState) -> Masks | None:
        """A draw: every undecided group stays with probability 1 - p, and at least one of a layer."""
        if state.final:
            return None
        drawn: dict[str, Tensor] = {}
        for i, (layer, p) in enumerate(read_probabilities(state).items()):
            lots = torch.rand(
                p.shape,
                generator=make_generator(state.memory["seed"], int(state.memory["step"]), i),
                dtype=p.dtype,
            )
            dropped = (lots < p) & (p < 1)
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

    def progress(self, state: PruneState) -> dict[str, float]:
        """By layer, the fraction of groups that are out and the mean probability; and how many were
        decided by force in all.
        """
        found = {"spp_forced": float(state.memory["forced"])}
        for layer, p in read_probabilities(state).items():
            found |= {
                f"spp_out.{layer}": float((p >= 1).double().mean()),
                f"spp_probability.{layer}": float(p.mean()),
            }
        return found

    def _layers(self, network: Seq2Point) -> list[Layer]:
        wanted = {True: self.granularity != "units", False: self.layers == "all"}
        return [layer for layer in network.architecture.unit_layers if wanted[layer.convolves]]

    def _norms(self, network: Seq2Point, layer: Layer) -> Tensor:
        """The L1 norms of a layer's groups: [O] of rows, [I, K] of columns."""
        weight = get_weight(network, layer)
        if not layer.convolves or self.granularity == "filters":
            return measure_norms(weight, 1)
        return weight.abs().sum(0)

    def _pace(self, memory: Mapping[str, Tensor | float], planned_steps: int) -> int:
        """Steps between updates, so that the largest layer has the updates it needs, and some to
        spare, in time.
        """
        groups = max(
            value.numel()
            for name, value in memory.items()
            if name.startswith(PROBABILITY) and isinstance(value, Tensor)
        )
        needed = count_updates_needed(groups, self.sparsity, self.A, self.u)
        return max(int(ENDS_AT * planned_steps / (SLACK * max(needed, 1))), 1)

    def _decide(self, layer: str, memory: dict[str, Tensor | float], last: bool) -> int:
        """One update of a layer's probabilities in `memory`, and how many groups were decided by
        rank alone, at the last.
        """
        before, scores = (
            _tensor(memory[PROBABILITY + layer]),
            _tensor(memory[SCORE + layer]).flatten(),
        )
        p, target = before.flatten(), count_groups_to_remove(before.numel(), self.sparsity)
        if int((p >= 1).count_nonzero()) >= target:
            return 0
        p = raise_probabilities(p, scores, target, self.A, self.u)
        missing = target - int((p >= 1).count_nonzero())
        forced = missing if last else 0
        p[torch.where(p < 1, scores, torch.inf).sort(stable=True).indices[:forced]] = 1
        course = torch.cat(
            [
                torch.tensor([float(memory["step"])], dtype=p.dtype),
                torch.histc(p, BINS, 0, 1) / len(p),
            ]
        )
        memory[HISTORY + layer] = torch.cat([_tensor(memory[HISTORY + layer]), course[None]])
        memory[PROBABILITY + layer] = (p if missing > forced else (p >= 1).to(p)).view_as(before)
        return forced


def _tensor(value: Tensor | float) -> Tensor:
    """A memory's entry that is known to be a tensor."""
    return torch.as_tensor(value)


def read_probabilities(state: PruneState) -> dict[str, Tensor]:
    """The pruning probabilities in a state by layer: [O] of units or filters, [I, K] of columns."""
    return {
        k.removeprefix(PROBABILITY): _tensor(v)
        for k, v in state.memory.items()
        if k.startswith(PROBABILITY)
    }


def read_histories(state: PruneState) -> dict[str, ProbabilityHistory]:
    """How the probabilities of each layer went; empty for a state of another pruner."""
    found = {
        k.removeprefix(HISTORY): _tensor(v)
        for k, v in state.memory.items()
        if k.startswith(HISTORY)
    }
    return {
        layer: ProbabilityHistory(rows[:, 0].int().tolist(), rows[:, 1:])
        for layer, rows in found.items()
    }


def _masks(network: Seq2Point, out: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The masks of what is out for good; a unit or filter takes along what reads it."""
    rows = {layer: ~o for layer, o in out.items() if o.dim() == 1 and bool(o.any())}
    columns = {}
    for layer in network.architecture.unit_layers:
        o = out.get(layer.name)
        if o is not None and o.dim() == 2 and bool(o.any()):
            weight = get_weight(network, layer)
            columns[layer.weight_name] = (~o).to(weight.device).expand_as(weight).contiguous()
    return merge(couple_masks(network, rows), columns)
