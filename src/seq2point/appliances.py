"""The one table of appliances: names and aliases, thresholds, durations and scaling constants; and
appliances of one's own.
"""

import difflib
import re
from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from seq2point.errors import UsageError


def _require_printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("a name is one line without control characters")
    return name


Name = Annotated[str, Field(min_length=1), AfterValidator(_require_printable)]


class Appliance(BaseModel):
    """What the methods need to know about one appliance; a model carries its own copy in its file.

    Thresholds and durations decide when the appliance counts as on (Kelly and Knottenbelt 2015,
    'Neural NILM', table 4); `mean_w` and `std_w` are the scaling constants of the seq2point lineage
    (Zhang et al. 2018).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    max_power_w: float = Field(gt=0)
    on_power_w: float = Field(gt=0)
    min_on_s: float = Field(ge=0)
    min_off_s: float = Field(ge=0)
    mean_w: float
    std_w: float = Field(gt=0)

    @property
    def label(self) -> str:
        """The name as people write it: 'washing machine'."""
        return self.name.replace("_", " ")


def _row(
    name: str, max_w: float, on_w: float, on_s: float, off_s: float, mean_w: float, std_w: float
) -> Appliance:
    return Appliance(
        name=name,
        max_power_w=max_w,
        on_power_w=on_w,
        min_on_s=on_s,
        min_off_s=off_s,
        mean_w=mean_w,
        std_w=std_w,
    )


APPLIANCES: dict[str, Appliance] = {
    row.name: row
    for row in (
        _row("kettle", 3100, 2000, 12, 0, 700, 1000),
        _row("fridge", 300, 50, 60, 12, 200, 400),
        _row("washing_machine", 2500, 20, 1800, 160, 400, 700),
        _row("microwave", 3000, 200, 12, 30, 500, 800),
        _row("dishwasher", 2500, 10, 1800, 1800, 700, 1000),
    )
}

# as REFIT, UK-DALE, REDD (which has a slip of the pen), Pecan Street, IDEAL and NILMTK's metadata
# write them
ALIASES = {
    "water_kettle": "kettle",
    "electric_kettle": "kettle",
    "fridge_freezer": "fridge",
    "fridgefreezer": "fridge",
    "refrigerator": "fridge",
    "dish_washer": "dishwasher",
    "dishwaser": "dishwasher",
    "washingmachine": "washing_machine",
    "washer": "washing_machine",
    "clothes_washer": "washing_machine",
    "clotheswasher": "washing_machine",
    "washer_dryer": "washing_machine",
    "washerdryer": "washing_machine",
    "microwave_oven": "microwave",
}


def canonical_name(name: str) -> str:
    """The column name of an appliance however it was written: 'Washing Machine' is
    'washing_machine'.

    A number stays, so that two of a kind in a house are told apart: 'Washer Dryer(2)' and
    'washing_machine2' are 'washing_machine_2'. A name of no known kind is left as it is, in lower
    case with underscores.
    """
    plain = plain_name(name)
    kind, number = _numbered(plain)
    kind = ALIASES.get(kind, kind)
    if kind not in APPLIANCES:
        return plain
    return f"{kind}_{number}" if number else kind


def plain_name(name: str) -> str:
    """A name in lower case with underscores, whatever kind it is of."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def _numbered(plain: str) -> tuple[str, str]:
    """A name without its number, and the number: ('kettle', '2') of 'kettle_2' and of 'kettle2'."""
    kind = plain.rstrip("0123456789")
    return (kind.removesuffix("_"), plain[len(kind) :]) if len(kind) < len(plain) else (plain, "")


def name_columns(columns: Iterable[str]) -> dict[str, str]:
    """Names for a table's columns, in their order: {'fridge': 'Fridge', 'fridge_2':
    'Fridge-Freezer'}.

    Where several columns would have one name, a column that is called just that has it, and the
    others are numbered.
    """
    in_order = list(columns)
    named: dict[str, str] = {}
    next_number: dict[str, int] = {}
    for column in sorted(in_order, key=lambda column: canonical_name(column) != plain_name(column)):
        own = canonical_name(column) or column
        name, number = own, next_number.get(own, 2)
        while name in named:
            name, number = f"{own}_{number}", number + 1
        named[name], next_number[own] = column, number
    place = {column: i for i, column in enumerate(in_order)}
    return dict(sorted(named.items(), key=lambda pair: place[pair[1]]))


def find_column_of_kind(name: str, columns: Collection[str]) -> str | None:
    """The column of an appliance among canonical names: its own, or the only numbered one of its
    kind.
    """
    name = canonical_name(name)
    if name in columns:
        return name
    numbered = [column for column in columns if _numbered(column)[0] == name]
    return numbered[0] if len(numbered) == 1 else None


def find_known(name: str) -> Appliance | None:
    """The table's row for a name, an alias or one of several of a kind; None for a name that the
    table lacks.

    The second kettle of a house has the kettle's thresholds and a name of its own, 'kettle_2'.
    """
    column = canonical_name(name)
    row = APPLIANCES.get(_numbered(column)[0])
    return row if row is None or row.name == column else row.model_copy(update={"name": column})


def find_appliance(name: str) -> Appliance:
    """The table's row for a name, an alias or one of several of a kind.

    Raises UsageError for a name the table lacks, with the names it has and the one that was perhaps
    meant.
    """
    row = find_known(name)
    if row is None:
        near = difflib.get_close_matches(
            canonical_name(name), [*APPLIANCES, *ALIASES], n=1, cutoff=0.75
        )
        meant = f"; did you mean {ALIASES.get(near[0], near[0])}?" if near else ""
        raise UsageError(
            f"unknown appliance '{name}': choose one of {', '.join(APPLIANCES)}{meant}"
        )
    return row


class Definition(BaseModel):
    """What a user says of an appliance: its name, and when it counts as on.

    A name that the table knows has the table's values for what is not said. For any other,
    `on_power_w` is needed, `max_power_w` is the highest reading in training where it is not said,
    and the durations are zero. Its scaling constants are fitted on the training houses
    (`windows.define_from_recordings`), since nobody has published any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: Name
    on_power_w: float = Field(gt=0)
    max_power_w: float | None = Field(None, gt=0)
    min_on_s: float = Field(0, ge=0)
    min_off_s: float = Field(0, ge=0)


def define(
    name: str,
    on_power_w: float | None = None,
    max_power_w: float | None = None,
    min_on_s: float | None = None,
    min_off_s: float | None = None,
) -> Appliance | Definition:
    """The appliance that a user means: the table's row with what is said otherwise, or a definition
    of one's own.

    Raises UsageError for a name that the table lacks and no `on_power_w`, and for values out of
    range.
    """
    if not name.isprintable():
        raise UsageError(f"appliance {name!r}: a name is one line without control characters")
    given = {
        "on_power_w": on_power_w,
        "max_power_w": max_power_w,
        "min_on_s": min_on_s,
        "min_off_s": min_off_s,
    }
    said = {key: value for key, value in given.items() if value is not None}
    try:
        if row := find_known(name):
            changed = Appliance.model_validate(row.model_dump() | said) if said else row
            _require_above(changed)
            return changed
        if on_power_w is None:
            try:
                find_appliance(name)
            except UsageError as error:
                raise UsageError(
                    f"{error}; or define it: --on-power WATTS, above which it is on"
                ) from None
        defined = Definition.model_validate({"name": canonical_name(name), **said})
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("name",):
            raise UsageError(f"appliance '{name}': a name needs a letter or a digit") from None
        option = "--" + str(first["loc"][0])[:-2].replace("_", "-")
        raise UsageError(
            f"appliance '{name}', {option} {first['input']:g}: {first['msg'].lower()}"
        ) from None
    _require_above(defined)
    return defined


def _require_above(what: Appliance | Definition) -> None:
    """Raises UsageError where the highest power would count as off."""
    if what.max_power_w is not None and what.max_power_w <= what.on_power_w:
        highest = f"its highest power {what.max_power_w:g} W"
        raise UsageError(
            f"appliance '{what.name}': {highest} is not above the {what.on_power_w:g} W of being on"
        )
