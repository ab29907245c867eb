"""Appliances: the table of known ones, with names, aliases, thresholds, durations and scaling
constants, and the definition of others.
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
    """One appliance: its name, when it counts as on, and its scaling. A model file holds a copy.

    `on_power_w`, `min_on_s` and `min_off_s` decide when the appliance counts as on. The table takes
    them from Kelly and Knottenbelt (2015), 'Neural NILM', table 4. `mean_w` and `std_w` are the
    published constants of seq2point (Zhang et al. 2018).
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
        """The name with spaces: 'washing machine'."""
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
        _row("kettle", max_w=3100, on_w=2000, on_s=12, off_s=0, mean_w=700, std_w=1000),
        _row("fridge", max_w=300, on_w=50, on_s=60, off_s=12, mean_w=200, std_w=400),
        _row("washing_machine", max_w=2500, on_w=20, on_s=1800, off_s=160, mean_w=400, std_w=700),
        _row("microwave", max_w=3000, on_w=200, on_s=12, off_s=30, mean_w=500, std_w=800),
        _row("dishwasher", max_w=2500, on_w=10, on_s=1800, off_s=1800, mean_w=700, std_w=1000),
    )
}

# spellings of REFIT, UK-DALE, REDD ('dishwaser'), Pecan Street, IDEAL and NILMTK's metadata
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
    """Return the column name of an appliance: 'washing_machine' for 'Washing Machine'.

    A number stays, since a house may have two of a kind: 'Washer Dryer(2)' and 'washing_machine2'
    become 'washing_machine_2'. A name of an unknown kind becomes snake case.
    """
    plain = to_snake_case(name)
    kind, number = _split_number(plain)
    kind = ALIASES.get(kind, kind)
    if kind not in APPLIANCES:
        return plain
    return f"{kind}_{number}" if number else kind


def to_snake_case(name: str) -> str:
    """Return a name in lower case with underscores."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def _split_number(plain: str) -> tuple[str, str]:
    """Return a name and its number: ('kettle', '2') for 'kettle_2' and for 'kettle2'."""
    kind = plain.rstrip("0123456789")
    if kind == plain:
        return plain, ""
    return kind.removesuffix("_"), plain[len(kind) :]


def name_columns(columns: Iterable[str]) -> dict[str, str]:
    """Map canonical names to a table's columns, in their order.

    Of several columns with one canonical name, the one with that very spelling keeps it. The others
    are numbered: {'fridge': 'Fridge', 'fridge_2': 'Fridge-Freezer'}.
    """
    in_order = list(columns)
    column_by_name: dict[str, str] = {}
    next_number: dict[str, int] = {}
    for column in sorted(
        in_order, key=lambda column: canonical_name(column) != to_snake_case(column)
    ):
        own = canonical_name(column) or column
        name, number = own, next_number.get(own, 2)
        while name in column_by_name:
            name, number = f"{own}_{number}", number + 1
        column_by_name[name] = column
        next_number[own] = number
    place = {column: i for i, column in enumerate(in_order)}
    return dict(sorted(column_by_name.items(), key=lambda pair: place[pair[1]]))


def find_column_of_kind(name: str, columns: Collection[str]) -> str | None:
    """Return the column of an appliance among canonical names; None where there is no single one.

    A column of that name comes first, then the only numbered column of the kind.
    """
    name = canonical_name(name)
    if name in columns:
        return name
    same_kind = [column for column in columns if _split_number(column)[0] == name]
    return same_kind[0] if len(same_kind) == 1 else None


def look_up_appliance(name: str) -> Appliance | None:
    """Return the table's appliance of a name or alias; None for a name that the table lacks.

    A numbered name has the row of its kind: 'kettle_2' has the thresholds of the kettle.
    """
    column = canonical_name(name)
    row = APPLIANCES.get(_split_number(column)[0])
    return row if row is None or row.name == column else row.model_copy(update={"name": column})


def names_appliance(name: str) -> bool:
    """Return whether a name holds the word of an appliance: 'kettle_power', 'Washer Dryer(2)'."""
    return find_words(*APPLIANCES, *ALIASES).search(to_snake_case(name)) is not None


def find_words(*words: str) -> re.Pattern[str]:
    """Return the pattern that finds any of some words in a name in snake case."""
    return re.compile(rf"(^|_)({'|'.join(map(re.escape, words))})(_|\d|$)")


def find_appliance(name: str) -> Appliance:
    """Return the table's appliance of a name or alias, as `look_up_appliance` does.

    Raises UsageError for a name that the table lacks. The message lists the table's names and the
    nearest of them.
    """
    row = look_up_appliance(name)
    if row is None:
        near = difflib.get_close_matches(
            canonical_name(name), [*APPLIANCES, *ALIASES], n=1, cutoff=0.75
        )
        nearest = f"; did you mean {ALIASES.get(near[0], near[0])}?" if near else ""
        raise UsageError(
            f"unknown appliance '{name}': choose one of {', '.join(APPLIANCES)}{nearest}"
        )
    return row


class Definition(BaseModel):
    """An appliance outside the table: its name, and when it counts as on.

    `max_power_w` None is the highest reading in training. Nobody has published scaling constants
    for it: `recording.scaling.define_from_recordings` fits them on the training houses.
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
    """Return the table's appliance with some values changed, or the definition of another one.

    A name outside the table needs `on_power_w`: watts above which the appliance counts as on. Its
    durations are zero by default.
    Raises UsageError for such a name without `on_power_w`, and for values out of range.
    """
    if not name.isprintable():
        raise UsageError(f"appliance {name!r}: a name is one line without control characters")
    values = {
        "on_power_w": on_power_w,
        "max_power_w": max_power_w,
        "min_on_s": min_on_s,
        "min_off_s": min_off_s,
    }
    changes = {key: value for key, value in values.items() if value is not None}
    try:
        if row := look_up_appliance(name):
            appliance = Appliance.model_validate(row.model_dump() | changes) if changes else row
            _require_highest_above_on(appliance)
            return appliance
        if on_power_w is None:
            _refuse_unknown(name)
        definition = Definition.model_validate({"name": canonical_name(name), **changes})
    except ValidationError as error:
        raise _explain_invalid_value(name, error) from None
    _require_highest_above_on(definition)
    return definition


def _refuse_unknown(name: str) -> None:
    """Raise UsageError for a name outside the table, with the way to define it."""
    try:
        find_appliance(name)
    except UsageError as error:
        raise UsageError(
            f"{error}; or define it with `on_power_w`, the watts above which it is on"
        ) from None


def _explain_invalid_value(name: str, error: ValidationError) -> UsageError:
    first = error.errors()[0]
    if first["loc"] == ("name",):
        return UsageError(f"appliance '{name}': a name needs a letter or a digit")
    return UsageError(
        f"appliance '{name}', `{first['loc'][0]}` {first['input']:g}: {first['msg'].lower()}"
    )


def _require_highest_above_on(appliance: Appliance | Definition) -> None:
    """Raise UsageError where the highest power would count as off."""
    highest_w, on_w = appliance.max_power_w, appliance.on_power_w
    if highest_w is not None and highest_w <= on_w:
        raise UsageError(
            f"appliance '{appliance.name}': its highest power {highest_w:g} W is not above the"
            f" {on_w:g} W of being on"
        )
