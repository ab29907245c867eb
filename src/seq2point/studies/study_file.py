"""What a study declares: a protocol's tables, and `[study]` with the choices of its grid.

protocol = "one_minute"             # its houses and settings, a file beside this one, or own tables
[study]
appliances = ["kettle", "fridge"]
networks = ["seq2point", "reduced"]
pruners = ["magnitude", { method = "spp", settings = { granularity = "units" } }]
sparsities = [0.5, 0.8]
seeds = 3
[study.recipes]
short = { steps = 200 }
long = { steps = 800 }
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from seq2point.appliances import canonical_name
from seq2point.architecture import NETWORKS, Architecture
from seq2point.choices import find_nearest
from seq2point.compression.pruning import find_pruner
from seq2point.configuration.training import HIGHEST_SEED
from seq2point.errors import UsageError
from seq2point.studies.protocols.library import (
    NamedProtocol,
    find_protocol,
    parse_toml,
    read_toml,
    validate_protocol,
    validate_table,
)
from seq2point.studies.protocols.plain_words import check_training
from seq2point.studies.protocols.protocol_file import StrictTable
from seq2point.studies.search_space import StudySearch

BASE, STUDY = "protocol", "study"

MOST_SEEDS = 1000

Share = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, le=HIGHEST_SEED)]


class PrunerChoice(StrictTable):
    """A pruner with settings of its own; `name` is what its rows are called, its method's without.

    `sparsities` stand over the study's.
    """

    method: str
    name: str | None = None
    settings: dict[str, Any] = Field({})
    sparsities: tuple[Share, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _take_name(cls, given: Any) -> Any:
        return {"method": given} if isinstance(given, str) else given

    @property
    def label(self) -> str:
        """What its rows are called."""
        return self.name or self.method

    def require_any(self, sparsities: Sequence[float]) -> None:
        """Raise UsageError where the pruner can be made at none of some sparsities.

        Where it can be at one, the others fail alone.
        """
        shares = [{"sparsity": share} for share in sparsities] or [{}]
        for last, share in enumerate(shares, 1):
            try:
                find_pruner(self.method, **self.settings | share)
                return
            except UsageError:
                if last == len(shares):
                    raise


class PartFilter(StrictTable):
    """Parts of a grid, by some of their choices; a choice that is not given may be any."""

    appliance: str | None = None
    network: str | None = None
    recipe: str | None = None
    pruner: str | None = None
    sparsity: Share | None = None

    def matches(self, settings: Mapping[str, Any]) -> bool:
        """Return whether a part's choices are those of the filter."""
        given = self.model_dump(exclude_none=True)
        return given.items() <= settings.items()


def _count_seeds(given: Any) -> Any:
    if isinstance(given, list | tuple):
        return given
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise ValueError("give a count of at least 1, or a list of seeds, as [0, 1, 2]")
    if given > MOST_SEEDS:
        raise ValueError(f"give at most {MOST_SEEDS:,} seeds")
    return tuple(range(given))


def _name_networks(given: Any) -> Any:
    if isinstance(given, str):
        raise ValueError(f'expected a list, as ["{given}"], or a table of shapes by name')
    if not isinstance(given, list | tuple):
        return given
    if wrong := [name for name in given if not isinstance(name, str)]:
        raise ValueError(f"expected names in quotes, and not {wrong[0]}")
    _require_once("networks", given)
    return {name: name for name in given}


def _require_once(key: str, given: Sequence[Any]) -> None:
    twice = next((each for each in given if given.count(each) > 1), None)
    if twice is not None:
        raise ValueError(f"{key}: {twice!r} comes twice; give it once")


class StudyGrid(StrictTable):
    """The choices of a study: each of them with each other one.

    `networks` are names, or shapes by name. `recipes` are training settings by name, which stand
    over the protocol's; a `search` finds some itself. The unpruned network is always there. The
    protocol's `pruning` says how networks are trained while and after they are pruned, and prunes
    where no pruner is named. `only` names the parts that are made; without it all are.
    """

    appliances: tuple[str, ...] = Field((), min_length=1)
    networks: Annotated[dict[str, str | dict[str, Any]], BeforeValidator(_name_networks)] = Field(
        {}
    )
    recipes: dict[str, dict[str, Any]] = Field({})
    pruners: tuple[PrunerChoice, ...] = ()
    sparsities: tuple[Share, ...] = Field((), min_length=1)
    only: tuple[PartFilter, ...] = Field((), min_length=1)
    search: StudySearch | None = None
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_count_seeds)] = Field((0,), min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key in ("appliances", "sparsities", "seeds"):
            _require_once(key, getattr(self, key))
        for name, shape in self.networks.items():
            _check_network(name, shape)
        for name, settings in self.recipes.items():
            _check_recipe(name, settings)
        if self.search and self.recipes:
            raise ValueError("search: its trials are the recipes; leave out `recipes`")
        if self.search and any(part.recipe is not None for part in self.only):
            raise ValueError("only: the recipes of a search have no names yet; leave out `recipe`")
        for pruner in self.pruners:
            own = pruner.sparsities
            pruner.require_any(self.sparsities if own is None else own)
        labels = [pruner.label for pruner in self.pruners]
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice is not None:
            raise ValueError(f"pruners: '{twice}' comes twice; give one of them another `name`")
        return self


def _check_network(name: str, shape: str | Mapping[str, Any]) -> None:
    if isinstance(shape, str):
        if shape not in NETWORKS:
            raise ValueError(
                f"networks: unknown network '{shape}': choose one of {', '.join(NETWORKS)}"
            )
        return
    _require_fields(f"networks.{name}", shape, [*Architecture.model_fields])


def _check_recipe(name: str, settings: Mapping[str, Any]) -> None:
    if "seed" in settings:
        raise ValueError(f"recipes.{name}.seed: the seeds stand in `seeds`")
    check_training(f"recipes.{name}", settings)


def _require_fields(key: str, given: Mapping[str, Any], known: list[str]) -> None:
    for name in given:
        if name not in known:
            near = find_nearest(name, known)
            hint = f"; did you mean '{near}'?" if near else f"; choose from {', '.join(known)}"
            raise ValueError(f"{key}.{name}: there is no such key{hint}")


@dataclass(frozen=True)
class Study:
    """A study: its name, the protocol that all of its parts share, its grid, its file's text."""

    name: str
    base: NamedProtocol
    grid: StudyGrid
    text: str

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def appliances(self) -> list[str]:
        """Those of the grid, or all of the protocol's."""
        return list(dict.fromkeys(map(canonical_name, self.grid.appliances))) or [
            *self.base.protocol.appliances
        ]


def read_study(path: Path) -> Study:
    """Return the study of a TOML file.

    Raises UsageError for a file that cannot be read or is no study: file, key and what is wrong.
    """
    text, where = read_toml(path), str(path)
    given = parse_toml(text, where)
    table, base = given.pop(STUDY, None), given.pop(BASE, None)
    if not isinstance(table, Mapping):
        raise UsageError(f"{where}: has no table [{STUDY}], which says what is compared")
    if base is not None:
        if not isinstance(base, str):
            raise UsageError(f"{where}: {BASE}: give the name of a protocol, or a file")
        if Path(base).suffix == ".toml":
            base = str(path.parent / base)
        given = find_protocol(base).protocol.model_dump(exclude_unset=True) | given
    protocol = validate_protocol(given, where)
    grid = validate_table(StudyGrid, table, where, STUDY)
    if grid.sparsities and not grid.pruners and protocol.pruning is None:
        raise UsageError(f"{where}: {STUDY}.sparsities: are of pruners; name some in `pruners`")
    study = Study(path.stem, NamedProtocol(path.stem, where, text, protocol), grid, text)
    for name in study.appliances:
        if name not in protocol.appliances:
            raise UsageError(
                f"{where}: {STUDY}.appliances: has no '{name}', only"
                f" {', '.join(protocol.appliances)}"
            )
    return study
