"""Verbs whose options are declared by configuration classes: one parameter of a verb, many flags.

A verb takes an object of a configuration class. `expand` gives the command line a flag for each of
its fields, with the field's type, default, bounds and description, and hands the verb the object.
"""

import inspect
import re
from collections.abc import Callable, Collection, Sequence
from functools import cache, wraps
from pathlib import Path
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import typer
from pydantic.fields import FieldInfo

from seq2point import configuration
from seq2point.cli import options
from seq2point.cli.options import Take
from seq2point.configuration.declare import ABSURD, UNSET, Config
from seq2point.errors import Seq2PointError

PANELS = {
    "ColumnsConfig": options.COLUMNS,
    "AppliancePower": options.APPLIANCE,
    "NetworkConfig": options.NETWORK,
    "PruningConfig": options.PRUNING,
    "AugmentationConfig": options.AUGMENTATION,
    "MaterialConfig": options.MATERIAL,
    "LearningConfig": options.TRAINING,
    "MachineConfig": options.MACHINE,
    "RunConfig": options.OUTPUT,
    "SessionConfig": options.DATA,
    "TransferConfig": options.DATA,
    "AdaptConfig": options.TRAINING,
    "ExportConfig": options.TARGET,
    "ClusterConfig": options.MACHINE,
    "FleetConfig": options.FLEET,
    "StudyConfig": options.STUDY,
    "HouseholdConfig": options.HOUSEHOLD,
    "TariffConfig": options.HOUSEHOLD,
    "Tolerances": options.PROOF,
    "LiveConfig": options.LIVE,
    "MeterConfig": options.METER,
    "BrokerConfig": options.BROKER,
    "HomeAssistantConfig": options.HOME_ASSISTANT,
    "PaceConfig": options.PACE,
    "KeepConfig": options.KEEP,
    "PageConfig": options.PAGE,
}
"""What `--help` groups the options of a configuration class by, which is named: a verb
imports no more of them than it takes."""

FLAGS: dict[str, tuple[str, ...]] = {
    "time": ("--time-column",),
    "mains": ("--mains-column",),
    "out": ("--out", "-o"),
    "pruning_settings": ("--set",),
    "start": ("--from",),
    "validation": ("--validate",),
    "clipped": ("--clipped/--no-clipped",),
    "on_mae": ("--max-on-mae",),
    "sae": ("--max-sae",),
    "teachers": ("--teacher",),
}
"""The flags of fields that are not called as the field is, less its unit."""

METAVARS = {
    "format": "FORMAT",
    "time": "COLUMN",
    "mains": "COLUMN",
    "solar": "COLUMN",
    "sensor": "NAME",
    "zone": "ZONE",
    "encoding": "NAME",
    "separator": "CHARACTER",
    "decimal": "CHARACTER",
    "out": "DIR",
    "pruning_settings": "NAME=VALUE",
    "fill": "READINGS",
    "tariff": "PRICE",
    "without": "APPLIANCE",
    "meter_id": "NAME",
    "topic": "TOPIC",
    "entity": "ENTITY",
    "production": "TOPIC",
    "stamp": "PATH",
    "meter": "NAME",
    "broker": "ADDRESS",
    "user": "NAME",
    "ha_url": "ADDRESS",
    "home": "NAME",
    "house": "NAME",
    "cluster": "ADDRESS",
    "page_host": "ADDRESS",
    "page_port": "PORT",
    "page_name": "NAME",
}
UNITS = ("_s", "_w", "_bytes")


class _Group(NamedTuple):
    """A verb's parameter that is an object of a configuration class, and the fields it takes."""

    kind: type[Config]
    fields: dict[str, inspect.Parameter]


def flag_of(field: str) -> str:
    """Return the flag of a field: `budget_s` is --budget."""
    if field in FLAGS:
        return FLAGS[field][0].partition("/")[0]
    name = next((field.removesuffix(u) for u in UNITS if field.endswith(u)), field)
    return f"--{name.replace('_', '-')}"


def expand(verb: Callable[..., None]) -> Callable[..., None]:
    """Return the verb with a flag for each field of the configurations that it takes.

    What the library's errors say of fields is said of flags.
    """
    hints = get_type_hints(verb, include_extras=True)
    signature = inspect.signature(verb)
    groups: dict[str, _Group] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        kind, take = _split_hint(hints[name])
        if kind is None:
            parameters.append(
                parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
            )
        else:
            groups[name] = _Group(kind, _make_parameters(kind, take))
            parameters += groups[name].fields.values()
    fields = {parameter.name for parameter in parameters}
    fields |= {field for group in groups.values() for field in group.fields}

    @wraps(verb)
    def call(**values: Any) -> None:
        try:
            for name, group in groups.items():
                chosen = {field: values.pop(p.name) for field, p in group.fields.items()}
                values[name] = group.kind.of(**_convert(chosen))
            verb(**values)
        except Seq2PointError as error:
            error.args = (say_flags(str(error), getattr(error, "field", None), fields),)
            raise

    vars(call)["__signature__"] = signature.replace(parameters=parameters)
    vars(call)["__annotations__"] = {p.name: p.annotation for p in parameters}
    return call


def say_flags(text: str, field: str | None = None, names: Collection[str] | None = None) -> str:
    """Return a text with the flags of the fields that it names.

    `names` are the verb's parameters, or else those of all verbs: a field in backticks that is none
    of them stays.
    """
    if field is None and "`" not in text:
        return text
    names = _list_fields() if names is None else names
    if field is not None and text.startswith(f"{field} "):
        text = flag_of(field) + text[len(field) :]
    known = {*names, *FLAGS, *("period_s", "resample", "flash_bytes", "ram_bytes")}
    return re.sub(r"`(\w+)`", lambda m: flag_of(m[1]) if m[1] in known else m[0], text)


@cache
def _list_fields() -> frozenset[str]:
    """Return every field that some verb has a flag for."""
    kinds: list[type[Config]] = [getattr(configuration, name) for name in PANELS]
    return frozenset(field for kind in kinds for field in kind.model_fields)


def _split_hint(hint: Any) -> tuple[type[Config] | None, Take]:
    """Return the configuration class of a parameter, None where it is none, and what it takes."""
    kind, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if not (isinstance(kind, type) and issubclass(kind, Config)):
        return None, Take()
    return kind, next((extra for extra in extras if isinstance(extra, Take)), Take())


def _make_parameters(kind: type[Config], take: Take) -> dict[str, inspect.Parameter]:
    types = get_type_hints(kind, include_extras=True)
    names = take.only or [name for name in kind.model_fields if name not in take.without]
    return {name: _make_parameter(kind, name, types[name], take) for name in names}


def _make_parameter(kind: type[Config], name: str, hint: Any, take: Take) -> inspect.Parameter:
    field = kind.model_fields[name]
    default = take.defaults.get(name, field.default)
    extra = field.json_schema_extra
    unset = take.unset.get(name) or (extra.get(UNSET) if isinstance(extra, dict) else None)
    settings: dict[str, Any] = {
        "help": say_flags(field.description or "", names=kind.model_fields),
        "rich_help_panel": _find_panel(kind, name),
        "metavar": METAVARS.get(name),
    }
    if unset and default is None:
        settings["show_default"] = say_flags(str(unset), names=kind.model_fields)
    type_ = _find_type(hint)
    if name.endswith("_s") and type_ is float:
        from_zero = any(getattr(c, "ge", None) == 0 for c in _list_constraints(hint))
        parser = options.parse_duration_or_zero_s if from_zero else options.parse_duration_s
        settings |= {"parser": parser, "metavar": "DURATION"}
    elif name.endswith("_bytes"):
        settings |= {"parser": options.parse_bytes, "metavar": "SIZE"}
    elif type_ is float and _is_fraction(field):
        settings |= {"metavar": "FRACTION", "help": f"{settings['help']} From 0 to below 1."}
    elif type_ in (int, float):
        settings |= _find_bounds([*field.metadata, *_list_constraints(hint)], type_)
        if isinstance(extra, dict) and ABSURD in extra:
            settings.pop("max", None)
    flags = FLAGS.get(name, (flag_of(name),))
    optional = type_ if default is not None else type_ | None
    return inspect.Parameter(
        flag_of(name).lstrip("-").replace("-", "_"),
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[optional, typer.Option(*flags, **settings)],
    )


def _find_panel(kind: type[Config], name: str) -> str:
    """Return the panel of the class that declares a field."""
    declaring = next(c for c in kind.__mro__ if name in vars(c).get("__annotations__", {}))
    return PANELS[declaring.__name__]


def _find_type(hint: Any) -> Any:
    """Return the type that the command line parses a field as."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        members = [member for member in get_args(hint) if member not in (type(None), Any)]
        return Path if Path in members else _find_type(members[0])
    if get_origin(hint) is Literal or hint in (bool, int, float, str, Path):
        return hint
    return list[str]


def _is_fraction(field: FieldInfo) -> bool:
    """Whether a field takes 0 and all below 1, which the command line's parser cannot say."""
    bounds = {
        name: getattr(c, name) for c in field.metadata for name in ("ge", "lt") if hasattr(c, name)
    }
    return bounds == {"ge": 0, "lt": 1}


def _list_constraints(hint: Any) -> list[Any]:
    """Return the constraints of a type, or of the one beside None."""
    if get_origin(hint) is Annotated:
        return [*hint.__metadata__]
    return [constraint for member in get_args(hint) for constraint in _list_constraints(member)]


def _find_bounds(constraints: Sequence[Any], type_: type) -> dict[str, Any]:
    """Return the bounds of a number, as far as the command line's parser can hold them."""
    bounds: dict[str, Any] = {}
    for constraint in constraints:
        if (least := getattr(constraint, "ge", None)) is not None:
            bounds["min"] = least
        if (most := getattr(constraint, "le", None)) is not None:
            bounds["max"] = most
        if getattr(constraint, "gt", None) == 0 and type_ is int:
            bounds["min"] = 1
    return bounds


def _convert(values: dict[str, Any]) -> dict[str, Any]:
    """Return a verb's values as the fields take them: settings by name."""
    if values.get("pruning_settings") is not None:
        settings = options.parse_settings(values["pruning_settings"])
        return values | {"pruning_settings": settings}
    return values
