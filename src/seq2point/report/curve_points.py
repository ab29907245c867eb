"""The points of a transfer's report: which choices it has, and what each reached."""

from collections.abc import Mapping
from typing import Any

from seq2point.studies.transfer_choices import AS_IT_IS, FREEZES, FROM_NOTHING


def list_choices(report: Mapping[str, Any]) -> list[str]:
    """The choices of a report in the order in which they are shown."""
    there = {point["choice"] for point in report["points"]}
    shown_as = (*FREEZES, FROM_NOTHING) if there & {*FREEZES} else (AS_IT_IS, FROM_NOTHING)
    return [choice for choice in shown_as if choice in there]


def find_point(report: Mapping[str, Any], choice: str, days: float) -> Mapping[str, Any] | None:
    """A point of a report; at zero days every transfer is the model as it is."""
    if days == 0:
        choice = AS_IT_IS if choice != FROM_NOTHING else ""
    return next((p for p in report["points"] if (p["choice"], p["days"]) == (choice, days)), None)
