"""The files of a run's folder, and whether a run may replace them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seq2point.errors import UsageError
from seq2point.studies.protocols.library import NamedProtocol
from seq2point.studies.result_cache import ResultCache

REPORT, TABLE, PICTURE = "report.json", "report.md", "report.png"


def require_own(folder: Path, source: NamedProtocol, cache: ResultCache) -> None:
    """Refuse a folder in which the report of a run would replace what it does not hold.

    Raises UsageError for another protocol's report, for one whose parts are gone, and for files of
    its name that are none.
    """
    path = folder / REPORT
    others = [folder / name for name in (TABLE, PICTURE) if (folder / name).exists()]
    if not path.exists() and not others:
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        name = before["protocol"]
        keys = {
            seed["key"]: seed["folder"]
            for tested in _collect_scored(before)
            for seeds in tested["parts"].values()
            for seed in seeds
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{(others or [path])[0]}: is of no protocol's run and would be replaced; choose"
            " another folder"
        ) from None
    if name != source.name:
        raise UsageError(
            f"{path}: is the report of '{name}' and would be replaced; choose another folder for"
            f" '{source.name}'"
        )
    gone = set(keys) - {record.key for record in cache.list_records()}
    if gone:
        raise UsageError(
            f"{path}: has results whose parts are gone, as {keys[min(gone)]}, and would lose them;"
            " choose another folder"
        )


def _collect_scored(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the parts of a report, each of what was scored alike."""
    return [
        scored
        for tested in report["appliances"].values()
        for scored in (tested, *tested.get("elsewhere", []))
    ]
