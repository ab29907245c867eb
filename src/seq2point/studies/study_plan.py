"""The parts of a study: every choice of its grid with every other one, as points of a protocol's
run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from seq2point.compression.pruning import ALIASES
from seq2point.errors import DataError, Seq2PointError, UsageError
from seq2point.studies.part_words import UNPRUNED, USUAL, Settings, describe_settings
from seq2point.studies.protocols import houses
from seq2point.studies.protocols.overrides import override_protocol
from seq2point.studies.protocols.runner import Runner, RunPoint
from seq2point.studies.protocols.steps import ProtocolSteps
from seq2point.studies.result_cache import ResultCache
from seq2point.studies.study_file import PrunerChoice, Study


@dataclass(frozen=True)
class StudyPart:
    """One network of a study: the choices that make it, and its point of the protocol's run.

    `key` is that of what trains it, `network_key` that of the unpruned network it begins from.
    """

    settings: Settings
    point: RunPoint
    key: str
    network_key: str

    @property
    def label(self) -> str:
        """The part in words: 'kettle, reduced, magnitude 0.5, seed 0'."""
        return describe_settings(self.settings)


@dataclass(frozen=True)
class Failure:
    """A part that could not be made, and why."""

    settings: Settings
    reason: str

    def as_json(self) -> dict[str, Any]:
        """The choices and the reason."""
        return {**self.settings, "reason": self.reason}


@dataclass
class StudyPlan:
    """The parts of a study in order, and those that cannot be made whatever is trained."""

    parts: list[StudyPart] = field(default_factory=list)
    refused: list[Failure] = field(default_factory=list)

    def extend(self, more: "StudyPlan") -> None:
        """Add the parts of another plan."""
        self.parts += more.parts
        self.refused += more.refused


def plan_study(study: Study, data: Path) -> StudyPlan:
    """Return the parts of a study on the houses of a folder; it trains nothing.

    A choice that does not fit, or an appliance whose houses are missing, makes its own parts fail
    and no others. Raises DataError where there is no such folder, UsageError where `only` names
    what the grid does not have.
    """
    if not data.is_dir():
        raise DataError(f"{data}: no such folder; --data names the one with the houses")
    _require_named_parts(study)
    plan, lacking = StudyPlan(), {}
    for name in study.appliances:
        try:
            houses.require_houses(study.base.protocol, [name], data)
            houses.require_distinct_files(study.base.protocol, name, data)
        except Seq2PointError as error:
            lacking[name] = str(error)
    for settings, overrides in _list_choices(study):
        name, seed = settings["appliance"], settings["seed"]
        try:
            if name in lacking:
                raise DataError(lacking[name])
            protocol = override_protocol(study.base, **overrides)
            steps = ProtocolSteps(protocol, study.base.where, data)
            steps.check_network(name, seed)
            pruned = settings["pruner"] != UNPRUNED
            point = RunPoint(name, steps, pruned, seed)
            sparsity = getattr(steps.pruner, "sparsity", None) if pruned else None
            part = StudyPart(
                {**settings, "sparsity": sparsity},
                point,
                point.part.key,
                steps.plan_network(name, seed).key,
            )
        except Seq2PointError as error:
            plan.refused.append(Failure(settings, str(error)))
            continue
        plan.parts.append(part)
    return plan


def find_results(plan: StudyPlan, cache: ResultCache) -> dict[str, dict[str, Any]]:
    """Return by key the results of those parts that are there."""
    found = {}
    for part in plan.parts:
        try:
            result = Runner([part.point.variant], cache).find(part.point)
        except Seq2PointError:
            continue  # it says what is wrong when it is made
        if result is not None:
            found[part.key] = result
    return found


def count_choices(study: Study) -> int:
    """Return how many parts each recipe of a study has, whether they can be made or not."""
    return sum(1 for _ in _list_choices(study)) // max(len(study.grid.recipes), 1)


def _require_named_parts(study: Study) -> None:
    """Raise UsageError for an entry of `only` that no part of the grid is of."""
    choices = [settings for settings, _ in _list_grid(study)]
    for number, part in enumerate(study.grid.only, 1):
        if not any(part.matches(settings) for settings in choices):
            given = ", ".join(f"{k} = {v}" for k, v in part.model_dump(exclude_none=True).items())
            raise UsageError(
                f"{study.base.where}: study.only: no part has {given} (entry {number});"
                " --dry-run without `only` lists all"
            )


def _list_choices(study: Study) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the choices of those parts of the grid that are to be made."""
    only = study.grid.only
    for settings, overrides in _list_grid(study):
        if not only or any(part.matches(settings) for part in only):
            yield settings, overrides


def _list_grid(study: Study) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the choices of each part as its row has them, and as they go over the protocol."""
    grid, protocol = study.grid, study.base.protocol
    own = protocol.network if isinstance(protocol.network, str) else USUAL
    networks: dict[str, Any] = {**grid.networks} or {own: None}
    recipes: dict[str, Any] = {**grid.recipes} or {USUAL: None}
    for name, (network, shape), (recipe, training) in product(
        study.appliances, networks.items(), recipes.items()
    ):
        base = {"network": shape, "training": training}
        for label, pruning in _list_prunings(study):
            for seed in dict.fromkeys(grid.seeds):
                settings = {
                    "appliance": name,
                    "network": network,
                    "recipe": recipe,
                    "pruner": label,
                    "sparsity": pruning.get("sparsity"),
                    "seed": seed,
                }
                yield settings, base | pruning


def _list_prunings(study: Study) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the label of each pruning with what it is over the protocol: first that of none."""
    grid, own = study.grid, study.base.protocol.pruning
    yield UNPRUNED, {}
    choices = grid.pruners or (
        (PrunerChoice(method=own.method, settings=own.settings),) if own else ()
    )
    for pruner in choices:
        method = ALIASES.get(pruner.method, pruner.method)
        if method == UNPRUNED:
            continue
        sparsities = grid.sparsities if pruner.sparsities is None else pruner.sparsities
        for sparsity in dict.fromkeys(sparsities) or (None,):
            yield (
                pruner.label,
                {"pruning": method, "sparsity": sparsity, "pruning_settings": pruner.settings},
            )
