"""Manifests: `conversion.json` beside converted houses, so that no house is converted twice.

A house is up to date if its file, the settings, and its sources' names, sizes and times of change
are the same.
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
FORMAT = 1  # raise it when the same sources and settings give another file


class _Entry(BaseModel):
    made_from: str
    bytes: int
    changed_ns: int
    report: ConversionReport


class _Manifest(BaseModel):
    format: int = FORMAT
    houses: dict[str, _Entry] = {}


class Manifest:
    """The manifest of a folder. A missing or damaged one is empty: every house is converted."""

    def __init__(self, folder: Path):
        self.path = folder / NAME
        try:
            manifest = _Manifest.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            manifest = _Manifest()
        self._houses = manifest.houses if manifest.format == FORMAT else {}

    def find_report(self, file: Path, made_from: str) -> ConversionReport | None:
        """Return the report of a house that is up to date; None for one to convert."""
        entry = self._houses.get(file.name)
        if entry is None or entry.made_from != made_from:
            return None
        try:
            status = file.stat()
        except OSError:
            return None
        unchanged = (entry.bytes, entry.changed_ns) == (status.st_size, status.st_mtime_ns)
        return entry.report if unchanged else None

    def add(self, file: Path, made_from: str, report: ConversionReport) -> None:
        """Add a converted house and write the manifest."""
        status = file.stat()
        entry = _Entry(
            made_from=made_from, bytes=status.st_size, changed_ns=status.st_mtime_ns, report=report
        )
        self._houses[file.name] = entry
        houses = {name: self._houses[name] for name in sorted(self._houses)}
        with atomic_write(self.path) as beside:
            beside.write_text(
                _Manifest(houses=houses).model_dump_json(indent=1) + "\n", encoding="utf-8"
            )


def hash_inputs(house: RawHouse, period_s: float, settings: ConversionConfig) -> str:
    """Return a hash of all that decides what a house's file holds."""
    sources = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in house.files]
    inputs: Mapping[str, Any] = {
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
        "settings": [period_s, settings.fill_s, settings.choose_plug_limit_w(house)],
    }
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
