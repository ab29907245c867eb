"""Green Button documents: the XML (ESPI) in which utilities give out a home's energy.

A reading has a start, a duration and an energy in Wh times a power of ten (NAESB ESPI,
IntervalBlock and ReadingType). A document may hold several meters, or what a home takes and what it
gives; each of them is a sensor.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import polars as pl

from seq2point.data.table_piece import TablePiece
from seq2point.data.text.file_kind import open_bytes, read_head, sniff_compression
from seq2point.errors import DataError

HEAD_BYTES = 65_536
NAMESPACE = "naesb.org/espi"
WH = "72"
"""The code of Wh in ESPI's table of units of measure."""

GIVEN = "19"
"""The code of a flow from the home to the grid."""


class _ReadingType(NamedTuple):
    unit: str = WH
    scale: float = 1.0
    flow: str = ""


@dataclass
class _Document:
    """The parts of a document: what the types of readings say, by their addresses, the addresses
    that belong to those of meters, and the readings of each block with the address of its meter.
    """

    types: dict[str, _ReadingType] = field(default_factory=dict)
    related: dict[str, list[str]] = field(default_factory=dict)
    blocks: list[tuple[str, int, list[tuple[int, int, float]]]] = field(default_factory=list)

    def find_type(self, meter: str, before: int) -> _ReadingType:
        """Return the type of a meter's readings: the one that it names, else the last one before
        its block, else the first.
        """
        named = [href for href in self.related.get(meter, ()) if href in self.types]
        if named:
            return self.types[named[0]]
        every = list(self.types.values()) or [_ReadingType()]
        return every[max(before - 1, 0)]


def is_green_button(path: Path) -> bool:
    """Return whether an XML document is one of ESPI."""
    head = read_head(path, sniff_compression(path), HEAD_BYTES)
    return NAMESPACE.encode() in head and b"Interval" in head


class GreenButtonTable:
    """The interval readings of a Green Button document: 'start' in Unix seconds, 'energy' in Wh.

    Where there are several meters or flows, 'meter' says whose a reading is.
    """

    row_word = "reading"
    units: Mapping[str, str] = {"energy": "Wh"}
    metadata: Mapping[str, str] = {}
    dialect_json: Mapping[str, Any] = {"kind": "Green Button"}

    def __init__(self, path: Path):
        self.path = path
        try:
            document = _read_document(path)
        except (ElementTree.ParseError, KeyError, ValueError) as error:
            raise DataError(f"{path}: a damaged Green Button document ({error})") from None
        self._frame = _make_frame(path, document)
        self.names: Sequence[str] = self._frame.columns

    def read_pieces(
        self, names: Sequence[str], doubles: Collection[str] = (), repair: bool = False
    ) -> Iterator[TablePiece]:
        """Yield the readings."""
        yield TablePiece(self._frame.select(names), np.arange(len(self._frame)) + 1)

    def read_sample(self, rows: int, repair: bool = False) -> TablePiece:
        """Return all readings."""
        return TablePiece(self._frame, np.arange(len(self._frame)) + 1)


def _read_document(path: Path) -> _Document:
    document = _Document()
    readings: list[tuple[int, int, float]] = []
    with open_bytes(path, sniff_compression(path)) as file:
        for _, element in ElementTree.iterparse(file):
            tag = _name(element)
            if tag == "IntervalReading":
                parts = {_name(part): part.text for part in element.iter()}
                start, duration = int(parts["start"] or 0), int(parts.get("duration") or 0)
                readings.append((start, duration, float(parts["value"] or "nan")))
                element.clear()
            elif tag == "entry":
                _add_entry(document, element, readings)
                readings = []
                element.clear()
    if readings:
        document.blocks.append(("", len(document.types), readings))
    return document


def _add_entry(
    document: _Document, entry: ElementTree.Element, readings: list[tuple[int, int, float]]
) -> None:
    """Add an entry of the feed: a type of readings, a meter or a block."""
    links: dict[str, list[str]] = {"self": [], "up": [], "related": []}
    parts: dict[str, ElementTree.Element] = {}
    for part in entry.iter():
        if _name(part) == "link":
            links.setdefault(part.get("rel", ""), []).append(part.get("href", ""))
        parts.setdefault(_name(part), part)
    own = (links["self"] or [str(len(document.types))])[0]
    if "ReadingType" in parts:
        text = {name: (part.text or "").strip() for name, part in parts.items()}
        document.types[own] = _ReadingType(
            text.get("uom") or WH,
            10.0 ** int(text.get("powerOfTenMultiplier") or 0),
            text.get("flowDirection", ""),
        )
    elif "MeterReading" in parts:
        document.related[own] = links["related"]
    if readings:
        meter = re.sub(r"/IntervalBlock.*", "", (links["self"] or links["up"] or [""])[0])
        document.blocks.append((meter, len(document.types), readings))


def _make_frame(path: Path, document: _Document) -> pl.DataFrame:
    """Return the readings in Wh, in order of time, those of several meters one after another.

    Raises DataError for a document without them, for durations that differ, and for meters that
    cannot be told apart.
    """
    by_series: dict[tuple[str, _ReadingType], list[tuple[int, int, float]]] = {}
    for meter, before, readings in document.blocks:
        type_ = document.find_type(meter, before)
        named = meter if meter in document.related else ""
        by_series.setdefault((named, type_), []).extend(readings)
    if not by_series:
        raise DataError(f"{path}: a Green Button document without interval readings")
    energy = {key: readings for key, readings in by_series.items() if key[1].unit == WH}
    if not energy:
        units = ", ".join(sorted({type_.unit for _, type_ in by_series}))
        raise DataError(
            f"{path}: its readings have the unit {units} of ESPI, and not Wh (72); ask for the"
            " energy of electricity in Wh"
        )
    frames = []
    for number, ((_, type_), readings) in enumerate(energy.items(), 1):
        starts, durations, values = zip(*readings, strict=True)
        if len(set(durations)) > 1:
            raise DataError(
                f"{path}: intervals of {min(durations)} to {max(durations)} s in one document;"
                " give one of a single duration"
            )
        if len(set(starts)) < len(starts):
            raise DataError(
                f"{path}: readings of the same start: several meters that nothing tells apart; ask"
                " for a document of one meter"
            )
        frame = pl.DataFrame({"start": starts, "energy": np.array(values) * type_.scale})
        if len(energy) > 1:
            flow = "given" if type_.flow == GIVEN else "taken"
            frame = frame.select(pl.lit(f"{number} {flow}").alias("meter"), pl.all())
        frames.append(frame.sort("start"))
    return pl.concat(frames)


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
