"""What a protocol says: data set, houses by role and appliance, period, window, clipping, scaling,
thresholds, published rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from seq2point.appliances import Appliance, canonical_name, find_appliance
from seq2point.data.clipping import Clipping
from seq2point.studies.protocols.plain_words import as_tuples, check_training

Role = Literal["train", "validation", "test"]
ROLES: tuple[Role, ...] = ("train", "validation", "test")
Metric = Literal[
    "mae_w", "on_mae_w", "sae", "sae_delta_w", "nde", "energy_per_day_wh", "f1",
    "precision", "recall", "mcc", "accuracy",
    "event_f1", "event_precision", "event_recall",
]  # fmt: skip
Instant = Annotated[AwareDatetime, Field(strict=False)]  # as text, too
NotNegative = Annotated[float, Field(ge=0)]


class StrictTable(BaseModel):
    """A table of the file: what it does not know it refuses."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _take_lists(cls, given: Any) -> Any:
        return as_tuples(given)


class House(StrictTable):
    """A house, or a stretch of it: a time span, or a block as two fractions of its samples. In TOML
    a number is a whole house.

    `file` is a recording without a house number in a data set; it is relative to the data folder.
    """

    house: str | None = None
    file: str | None = None
    dataset: str | None = None
    start: Instant | None = None
    end: Instant | None = None
    block: tuple[float, float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _number(cls, given: Any) -> Any:
        if isinstance(given, int | str) and not isinstance(given, bool):
            return {"house": str(given)}
        if isinstance(given, Mapping) and isinstance(given.get("house"), int):
            return {**given, "house": str(given["house"])}
        return given

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.house is None) == (self.file is None):
            raise ValueError("give a house by its number, or a file")
        if self.block is not None and (self.start or self.end):
            raise ValueError("give a block, or start and end, not both")
        if self.block is not None and not 0 <= self.block[0] < self.block[1] <= 1:
            raise ValueError("a block is two fractions in order, like [0.0, 0.8]")
        if self.start and self.end and self.start >= self.end:
            raise ValueError("start must come before end")
        return self

    @property
    def label(self) -> str:
        """The house in words."""
        name = f"house {self.house}" if self.house else str(self.file)
        name = f"{self.dataset} {name}" if self.dataset else name
        if self.block:
            return f"{name}, {self.block[0]:.0%} to {self.block[1]:.0%}"
        span = [
            f"{word} {time:%Y-%m-%d}"
            for word, time in (("from", self.start), ("until", self.end))
            if time
        ]
        return " ".join([name, *span])

    def overlaps(self, other: "House", dataset: str = "") -> bool:
        """Whether two stretches may have a sample in common; `dataset` is that of houses that name
        none.
        """
        one, another = (
            (house.dataset or dataset, house.house, house.file) for house in (self, other)
        )
        if one != another:
            return False
        if self.block and other.block:
            return self.block[0] < other.block[1] and other.block[0] < self.block[1]
        if self.block or other.block:
            return True
        begins = [h.start for h in (self, other)]
        return not any(
            end and begin and end <= begin
            for end, begin in ((self.end, begins[1]), (other.end, begins[0]))
        )


Houses = tuple[House, ...]


class Roles(StrictTable):
    """Houses by role.

    Where none validate, the last 20 % of each training house does; where none test, those that
    validate do.
    """

    train: Houses = ()
    validation: Houses = ()
    test: Houses = ()

    def require_apart(self, dataset: str) -> None:
        """Raises ValueError where a reading may be in two roles."""
        for one, other in combinations(ROLES, 2):
            for here in getattr(self, one):
                shared = next(
                    (there for there in getattr(self, other) if here.overlaps(there, dataset)), None
                )
                if shared is not None:
                    raise ValueError(
                        f"{here.label} ({one}) and {shared.label} ({other}) are, or may be, the"
                        " same readings"
                    )


class Thresholds(StrictTable):
    """What replaces the appliance table's row."""

    max_power_w: PositiveFloat | None = None
    on_power_w: PositiveFloat | None = None
    min_on_s: NotNegative | None = None
    min_off_s: NotNegative | None = None


class ApplianceEntry(StrictTable):
    """An appliance of the protocol: what is not said here is the protocol's `houses`, and the
    appliance table. Its `window` and `training` stand over the protocol's.
    """

    train: Houses | None = None
    validation: Houses | None = None
    test: Houses | None = None
    thresholds: Thresholds = Thresholds()
    window: PositiveInt | None = None
    training: dict[str, Any] = {}


class Constants(StrictTable):
    """Scaling constants of one series."""

    mean_w: float
    std_w: PositiveFloat


class OwnScaling(StrictTable):
    """The authors' own scaling constants, and what they know that they should not."""

    leak: str = Field(min_length=1)
    mains: Constants
    appliances: dict[str, Constants]


class Pruning(StrictTable):
    """How the trained network is pruned: `training` stands over the protocol's while it is pruned.

    With `finetune`, training settings too, the compacted network is trained on.
    """

    method: str
    settings: dict[str, Any] = {}
    training: dict[str, Any] = {}
    finetune: dict[str, Any] = {}


class PublishedResult(StrictTable):
    """A published row: metrics by appliance, and where they stand. Whether F1 and MCC mean the same
    there, `differs` says.
    """

    model: str
    source: str = Field(min_length=1)
    mae_w: dict[str, NotNegative] = Field(min_length=1)
    nde: dict[str, float] = {}
    sae: dict[str, float] = {}
    f1: dict[str, float] = {}
    mcc: dict[str, float] = {}

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """By metric and appliance."""
        return {
            "mae_w": self.mae_w,
            "nde": self.nde,
            "sae": self.sae,
            "f1": self.f1,
            "mcc": self.mcc,
        }


def _by_canonical_name(given: Any) -> Any:
    return (
        {canonical_name(name): value for name, value in given.items()}
        if isinstance(given, dict)
        else given
    )


class Protocol(StrictTable):
    """A protocol. `differs` says what its authors' code does otherwise; `stride` is in samples, of
    the evaluation.

    `fill` is how many missing readings of the mains in a row are filled: none by default, since the
    published splits fill none. `network` is a name or an Architecture's fields without the window;
    `training` are the fields of the training's Settings. `traces` are files of appliances alone,
    relative to the data folder; those that may be of a house that validates or tests are left out.
    """

    title: str
    source: str
    dataset: str
    period_s: PositiveFloat
    window: PositiveInt
    stride: PositiveInt = 1
    fill: NonNegativeInt = 0
    network: str | dict[str, Any] = "seq2point"
    scaling: Literal["lineage", "fitted", "own"] = "lineage"
    own_scaling: OwnScaling | None = None
    clipping: Clipping = Clipping()
    houses: Roles = Roles()
    appliances: Annotated[dict[str, ApplianceEntry], BeforeValidator(_by_canonical_name)] = Field(
        min_length=1
    )
    traces: tuple[str, ...] = ()
    training: dict[str, Any] = {}
    pruning: Pruning | None = None
    metrics: tuple[Metric, ...] = (
        "mae_w",
        "on_mae_w",
        "nde",
        "sae",
        "energy_per_day_wh",
        "f1",
        "mcc",
    )
    published: tuple[PublishedResult, ...] = ()
    differs: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.appliances:
            find_appliance(name)
            roles = self.roles(name)
            if not roles.train:
                raise ValueError(f"no house to train the {name} on")
            roles.require_apart(self.dataset)
        for key, settings in self._list_trainings():
            check_training(key, settings)
        for row in self.published:
            self._known(
                f"published, {row.model}",
                [name for by_appliance in row.metrics.values() for name in by_appliance],
            )
        if self.own_scaling:
            self._known("own_scaling", self.own_scaling.appliances)
            lacking = [name for name in self.appliances if name not in self.own_scaling.appliances]
            if lacking:
                raise ValueError(f"own_scaling has no constants for {', '.join(lacking)}")
        elif self.scaling == "own":
            raise ValueError("scaling 'own' needs own_scaling, with the leak named")
        return self

    def _list_trainings(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the keys of the tables of training settings, and what is in them."""
        yield "training", self.training
        for name, entry in self.appliances.items():
            yield f"appliances.{name}.training", entry.training
        if self.pruning:
            yield "pruning.training", self.pruning.training
            yield "pruning.finetune", self.pruning.finetune

    def _known(self, where: str, names: Sequence[str] | Mapping[str, Any]) -> None:
        for name in names:
            if name not in self.appliances:
                raise ValueError(
                    f"{where}: '{name}' is not among the appliances ({', '.join(self.appliances)})"
                )

    def roles(self, appliance: str) -> Roles:
        """The houses of an appliance by role."""
        entry = self.appliances[appliance]
        given = {role: getattr(entry, role) for role in ROLES}
        return Roles(
            **{
                role: getattr(self.houses, role) if houses is None else houses
                for role, houses in given.items()
            }
        )

    def window_of(self, name: str) -> int:
        """The window of an appliance's network."""
        return self.appliances[name].window or self.window

    def traces_of(self, name: str) -> tuple[str, ...]:
        """The traces that an appliance's trainings draw from: none where none takes a share."""
        own = self.training | self.appliances[name].training
        others = [self.pruning.training, self.pruning.finetune] if self.pruning else []
        takes = any(
            settings.get(share) != 0
            for settings in (own, *(own | other for other in others))
            for share in ("traced", "distractors_per_day")
        )
        return self.traces if takes else ()

    def appliance(self, name: str) -> Appliance:
        """An appliance's row, as the protocol wants it."""
        return find_appliance(name).model_copy(
            update=self.appliances[name].thresholds.model_dump(exclude_none=True)
        )
