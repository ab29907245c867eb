"""What the table and the picture of a protocol's report have in common."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DAGGER = "†"


def list_tables(report: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Return what was scored alike: appliance, part of the report, and whether as in this run."""
    for name, tested in report["appliances"].items():
        yield name, tested, True
        for other in tested["elsewhere"]:
            yield name, other, False


def format_name(name: str) -> str:
    """Return an appliance's or a baseline's name with spaces."""
    return name.replace("_", " ")


def format_houses(tested: Mapping[str, Any]) -> str:
    """Return the houses of a test in a few words, files by their names alone."""
    return ", ".join(Path(house).name if "/" in house else house for house in tested["tested_on"])
