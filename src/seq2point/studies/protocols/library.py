"""The protocols that come with the package, and those in a user's own files."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files as resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from seq2point.errors import UsageError
from seq2point.studies.protocols.plain_words import describe_expected
from seq2point.studies.protocols.protocol_file import Protocol

Table = TypeVar("Table", bound=BaseModel)

DEEP_KEY = re.compile(
    r"""(?<![\w"'-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){64}"""
)  # tomllib takes minutes over a key of 50,000 parts

PROSE = {"title", "source", "differs"}


@dataclass(frozen=True)
class NamedProtocol:
    """A protocol with its name, the text of its file and the text's SHA-256."""

    name: str
    where: str
    text: str
    protocol: Protocol

    @property
    def sha256(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def recipe_sha256(self, appliance: str) -> str:
        """Of what the protocol says of one appliance: no prose, no other appliance."""
        recipe = self.protocol.model_dump(mode="json", exclude_defaults=True, exclude=PROSE)
        recipe["appliances"] = recipe["appliances"][appliance]
        return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """What the protocol says, and the hash."""
        return self.protocol.model_dump(mode="json", exclude_defaults=True) | {
            "sha256": self.sha256
        }


def list_names() -> list[str]:
    """The protocols of the package, in order."""
    return sorted(
        path.name.removesuffix(".toml")
        for path in resources(__package__).iterdir()
        if path.name.endswith(".toml")
    )


def find_protocol(name: str) -> NamedProtocol:
    """A protocol by its name, or by the path of a TOML file.

    Raises UsageError for a name or file that is not there, and for a file that is no protocol:
    file, key and what is wrong.
    """
    if name in list_names():
        text = resources(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
        return NamedProtocol(name, f"{name}.toml", text, parse_protocol(text, f"{name}.toml"))
    path = Path(name)
    if path.suffix != ".toml":
        raise UsageError(
            f"unknown protocol '{name}': choose one of {', '.join(list_names())}, or a file of your"
            " own that ends in .toml"
        )
    text = read_toml(path)
    return NamedProtocol(path.stem, str(path), text, parse_protocol(text, str(path)))


def parse_protocol(text: str, where: str) -> Protocol:
    """The protocol in a text; raises UsageError with the file, the key and what is wrong with
    it.
    """
    return validate_protocol(parse_toml(text, where), where)


def read_toml(path: Path) -> str:
    """The text of a file; raises UsageError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is no text in UTF-8, so it is no TOML") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from None


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The tables of a text; raises UsageError for what is no TOML."""
    try:
        if DEEP_KEY.search(text):
            raise RecursionError
        return tomllib.loads(text)
    except RecursionError:
        raise UsageError(
            f"{where}: no TOML that can be read: its tables are nested too deeply"
        ) from None
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        raise UsageError(f"{where}: no TOML: {error}") from None


def validate_protocol(given: Mapping[str, Any], where: str) -> Protocol:
    """The protocol of a table; raises UsageError with the file, the key and what is wrong with
    it.
    """
    return validate_table(Protocol, given, where)


def validate_table(
    kind: type[Table], given: Mapping[str, Any], where: str, above: str = ""
) -> Table:
    """The table of a kind; `above` is its own key.

    Raises UsageError with the file, the key and what is wrong with it: an unknown one at its top
    with those that there are.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = _key(given, first["loc"], first["type"] == "missing")
        said = describe_expected(
            [e for e in error.errors() if _key(given, e["loc"], missing=False) == key] or [first]
        )
        if first["type"] == "extra_forbidden":
            known = f"; choose from {', '.join(kind.model_fields)}" if above else ""
            said = "there is no such key" + (known if len(first["loc"]) == 1 else "")
        if above:
            key = f"{above}.{key}" if key else f"{above}: "
        raise UsageError(f"{where}: {key}{said}") from None
    except UsageError as error:
        raise UsageError(f"{where}: {above or 'appliances'}: {error}") from None


def _key(given: Any, place: Sequence[int | str], missing: bool) -> str:
    """A key as its file has it, 'appliances.kettle.train[0].block: ', without the names of
    alternatives that none chose.
    """
    key = ""
    for i, part in enumerate(place):
        inside = isinstance(given, Mapping) and part in given
        inside |= (
            isinstance(given, Sequence)
            and isinstance(part, int)
            and not isinstance(given, str)
            and part < len(given)
        )
        if not inside and not (missing and i == len(place) - 1):
            break
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
        given = given[part] if inside else None
    return f"{key}: " if key else ""
