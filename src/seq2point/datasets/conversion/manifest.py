"""What a folder of converted houses was made from, so that nothing is made twice: `conversion.json`
beside them.

A house is up to date where its sources' names, sizes and times of change, the settings, and the
file itself are as they were.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from seq2point.datasets.contract import RawHouse
from seq2point.datasets.conversion.conversion_report import ConversionReport
from seq2point.datasets.conversion.house import ConversionConfig
from seq2point.system.atomic_files import atomic_write

NAME = "conversion.json"
FORMAT = 1  # to be raised where the same sources and settings give another file


class _Entry(BaseModel):
    made_from: str
    bytes: int
    changed_ns: int
    report: ConversionReport


class _Manifest(BaseModel):
    format: int = FORMAT
    houses: dict[str, _Entry] = {}


class Manifest:
    """The manifest of a folder: one that is missing or damaged is empty, and everything is made
    anew.
    """

    def __init__(self, folder: Path):
        self.path = folder / NAME
        try:
            found = _Manifest.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            found = _Manifest()
        self._houses = found.houses if found.format == FORMAT else {}

    def report_of(self, file: Path, made_from: str) -> ConversionReport | None:
        """The report of a house that is up to date; None where it has to be made."""
        entry = self._houses.get(file.name)
        if entry is None or entry.made_from != made_from:
            return None
        try:
            about = file.stat()
        except OSError:
            return None
        return (
            entry.report
            if (entry.bytes, entry.changed_ns) == (about.st_size, about.st_mtime_ns)
            else None
        )

    def add(self, file: Path, made_from: str, report: ConversionReport) -> None:
        """Take note of a house that has been made."""
        about = file.stat()
        entry = _Entry(
            made_from=made_from, bytes=about.st_size, changed_ns=about.st_mtime_ns, report=report
        )
        self._houses[file.name] = entry
        houses = {name: self._houses[name] for name in sorted(self._houses)}
        with atomic_write(self.path) as beside:
            beside.write_text(
                _Manifest(houses=houses).model_dump_json(indent=1) + "\n", encoding="utf-8"
            )


def hash_inputs(house: RawHouse, period_s: float, settings: ConversionConfig) -> str:
    """A hash of all that decides what a house's file holds."""
    sources = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in house.files]
    about: Mapping[str, Any] = {
        "format": FORMAT,
        "sources": sources,
        "meters": [(meter.name, meter.columns, meter.how) for meter in house.meters],
        "facts": [
            house.dataset,
            house.house,
            house.licence,
            dict(house.channels),
            dict(house.facts),
            house.nominal_time,
        ],
        "settings": [period_s, settings.fill_s, settings.plug_limit_of(house)],
    }
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()
