"""How options are declared: once, as fields of a configuration class.

A field holds an option's type, default, bounds and description. The signature of the Python
functions, the command line with its help, protocols' TOML, `run.json` and the reference pages all
follow from it.
"""

import inspect
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from seq2point.choices import find_nearest
from seq2point.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")
AnyConfig = TypeVar("AnyConfig", bound="Config")

UNSET, ABSURD = "unset", "absurd"

REQUIRED = "required"
"""Words of what None stands for begin so where an option must be given, somewhere."""


def option(
    default: Any,
    description: str,
    *,
    unset: str | None = None,
    absurd_above: float | None = None,
    **field: Any,
) -> Any:
    """Return the field of an option: its default, what it does, and its bounds (`gt`, `ge`, ...).

    `unset` says in words what None stands for, where that is the default. Above `absurd_above` no
    computer follows: that is refused, and no help speaks of it.
    """
    extra: dict[str, Any] = {} if unset is None else {UNSET: unset}
    if absurd_above is not None:
        extra[ABSURD] = absurd_above
        field["le"] = absurd_above
    return Field(default, description=description, json_schema_extra=extra, **field)


class LazyType:
    """The type of a field that is a class of a heavy module, which is not imported for it.

    Its instances alone fit: nothing is made into one.
    """

    def __init__(self, path: str):
        self.module, _, self.name = path.rpartition(".")

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._require_instance)

    def _require_instance(self, value: Any) -> Any:
        # what is an instance has been imported with its class
        module = sys.modules.get(self.module)
        if module is None or not isinstance(value, getattr(module, self.name)):
            raise PydanticCustomError("instance", f"Input should be an instance of {self.name}")
        return value


class Config(BaseModel):
    """Options of one concern, each a field. Frozen, and without any other field."""

    # a command builds the validators of the few classes that it makes instances of
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        defer_build=True,
        allow_inf_nan=False,
    )

    @classmethod
    def of(cls, **values: Any) -> Self:
        """Return the options with these values; None stands for the default.

        Raises UsageError that names the option: one that does not exist, with the nearest that
        does, or one whose value does not fit.
        """
        for name in values:
            if name not in cls.model_fields:
                raise refuse_unknown(name, [*cls.model_fields])
        try:
            return cls(**{name: value for name, value in values.items() if value is not None})
        except ValidationError as error:
            raise refuse_invalid(error) from None

    def part(self, kind: type[AnyConfig]) -> AnyConfig:
        """Return those of the options that another configuration class has, too."""
        values = {name: getattr(self, name) for name in kind.model_fields}
        return cast(AnyConfig, kind.model_construct(**values))

    @classmethod
    def join(cls, *configs: "Config", **values: Any) -> Self:
        """Return the options of several configurations, and of values by name, as one."""
        joined: dict[str, Any] = {}
        for config in configs:
            joined |= config.as_options()
        return cls.of(**joined | values)

    def as_options(self) -> dict[str, Any]:
        """Return the options by name, as a function takes them."""
        return {name: getattr(self, name) for name in type(self).model_fields}


def refuse_unknown(name: str, known: Sequence[str]) -> UsageError:
    """Return the refusal of an option that does not exist, with the nearest that does."""
    near = find_nearest(name, known)
    advice = f"did you mean '{near}'?" if near else f"choose one of {', '.join(known)}"
    return UsageError(f"unknown setting '{name}': {advice}")


def refuse_invalid(error: ValidationError) -> UsageError:
    """Return the refusal of a value: the option, its value, and all that it could be."""
    complaints = error.errors()
    first = complaints[0]
    if not first["loc"]:
        return UsageError(first["msg"].removeprefix("Value error, "))
    others = [
        complaint["msg"].removeprefix("Input should be ")
        for complaint in complaints[1:]
        if complaint["input"] is first["input"]
    ]
    message = first["msg"].removeprefix("Value error, ")
    allowed = " or ".join([f"{message[:1].lower()}{message[1:]}", *others])
    return UsageError(f"{first['input']!r}: {allowed}", field=str(first["loc"][0]))


def accept_fields(
    config: Callable[P, Any], positional: Sequence[str] = ()
) -> Callable[[Callable[..., R]], Callable[Concatenate[Any, Any, P], R]]:
    """Let a function whose last argument is a configuration take that one's fields by name.

    Fields in `positional` may be given by their place, after the function's own arguments.
    The fields stand in the function's signature, where type checkers and `help` see them. The
    function raises UsageError as `Config.of` does.
    """

    def decorate(function: Callable[..., R]) -> Callable[Concatenate[Any, Any, P], R]:
        signature = inspect.signature(function)
        *own, last = signature.parameters.values()
        fields = {parameter.name: parameter for parameter in _list_parameters(config)}
        placed = [fields.pop(name).replace(kind=own[-1].kind) for name in positional]
        head = inspect.Signature([*own, *placed])

        @wraps(function)
        def call(*args: Any, **options: Any) -> R:
            named = {name: options.pop(name) for name in head.parameters.keys() & options.keys()}
            given = head.bind(*args, **named).arguments
            ours = {parameter.name: given.pop(parameter.name) for parameter in own}
            kind: Any = config
            return function(**ours, **{last.name: kind.of(**given, **options)})

        parameters = [*own, *placed, *fields.values()]
        vars(call)["__signature__"] = signature.replace(parameters=parameters)
        return call

    return decorate


def _list_parameters(config: Any) -> list[inspect.Parameter]:
    """Return the fields of a configuration class as parameters, their types without bounds."""
    types = get_type_hints(config)
    return [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=types[name]
        )
        for name, field in config.model_fields.items()
    ]
