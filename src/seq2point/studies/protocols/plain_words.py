"""What a value of a TOML file should have been, in plain words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from seq2point.choices import find_nearest
from seq2point.configuration import TrainingConfig

EXPECTED = {
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "a table"),
    **dict.fromkeys(("int_type", "int_from_float", "int_parsing"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("tuple_type", "list_type"), "a list"),
    "string_type": "text in quotes",
    "bool_type": "true or false",
}
SHOULD = "Input should be "


def describe_expected(complaints: Sequence[Mapping[str, Any]]) -> str:
    """Return what is wrong with one value, by all that pydantic says of it."""
    first = complaints[0]
    if first["type"] == "too_short":
        return "is empty; give at least one, or leave it out"
    if first["type"] not in EXPECTED:
        message = str(first["msg"]).removeprefix("Value error, ")
        return f"{message[:1].lower()}{message[1:]}"
    return f"expected {' or '.join(dict.fromkeys(map(_say, complaints)))}"


def _say(complaint: Mapping[str, Any]) -> str:
    words = EXPECTED.get(complaint["type"], str(complaint["msg"]).removeprefix(SHOULD))
    given = complaint["input"]
    if words == "a list" and isinstance(given, str | int | float) and len(str(given)) < 40:
        return f"a list, as [{json.dumps(given)}]"
    return words


def check_training(key: str, settings: Mapping[str, Any]) -> None:
    """Raise ValueError for training settings that no training takes; `key` is their table's."""
    known = [*TrainingConfig.model_fields]
    for name in settings:
        if name not in known:
            near = find_nearest(name, known)
            hint = f"did you mean '{near}'?" if near else f"choose from {', '.join(known)}"
            raise ValueError(f"{key}.{name}: there is no such key; {hint}")
    try:
        TrainingConfig.model_validate(settings, strict=True)
    except ValidationError as error:
        complaints = error.errors()
        place = complaints[0]["loc"]
        same = [each for each in complaints if each["loc"][:1] == place[:1]]
        name = f".{place[0]}" if place else ""
        raise ValueError(f"{key}{name}: {describe_expected(same)}") from None


def as_tuples(given: Any) -> Any:
    """Return TOML's values with tuples for lists, since a strict table takes no other."""
    if isinstance(given, Mapping):
        return {key: as_tuples(value) for key, value in given.items()}
    return tuple(map(as_tuples, given)) if isinstance(given, list | tuple) else given
