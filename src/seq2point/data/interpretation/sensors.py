"""Sensors below one another in one table: the choice of one, by its name, and its unit."""

import re
from collections.abc import Sequence

import polars as pl

from seq2point.appliances import ALIASES, canonical_name, to_snake_case
from seq2point.configuration import ColumnsConfig
from seq2point.data.interpretation.sample import Sample, may_hold_numbers
from seq2point.data.interpretation.sensor_key import UNIT_NAMES, Key, find_rows
from seq2point.data.interpretation.units import (
    UnitOf,
    find_unit,
    measures_other,
    says_power,
    split_unit,
)
from seq2point.data.table_file import list_sensors
from seq2point.errors import DataError

PHASE = re.compile(r"(^|_)(l|phase_?|leg_?|line_?)[1-3abcrst]$")
"""The name of a phase: 'L1', 'Phase A'."""


def find_unit_of_rows(sample: Sample, key: Key, sensor: str | None) -> UnitOf | None:
    """Return the unit that a column of units says for a sensor's rows; None where none does.

    Raises DataError where it says several, and for one of another quantity.
    """
    for name, plain in sample.plain_names.items():
        if plain not in UNIT_NAMES or not may_hold_numbers(sample.frame[name]):
            continue
        units = sample.frame[name].filter(pl.Series(find_rows(sample, key, sensor)))
        spellings = units.drop_nulls().cast(pl.String).unique(maintain_order=True).to_list()
        if len({find_unit(text) for text in spellings}) > 1:
            raise DataError(
                f"{sample.file.path}: column '{name}' says several units"
                f" ({list_sensors(spellings)}); name the rows' sensor with `sensor`"
            )
        if spellings and measures_other(spellings[0]):
            rows = f"the rows of '{sensor}'" if sensor else "the rows"
            raise DataError(
                f"{sample.file.path}: {rows} are in {spellings[0]}, as column '{name}' says: that"
                " is no power; name a sensor of power with `sensor`"
            )
        if spellings:
            return find_unit(spellings[0])
    return None


def choose_mains_sensor(sample: Sample, key: Key, columns: ColumnsConfig) -> str | None:
    """Return the sensor of the mains; None for a table with a column for each series.

    Raises DataError where there are several and none is named, for one that is not there, and for
    one whose name says that it measures something else than power.
    """
    if columns.sensor is not None:
        sensor = find_sensor(sample, key, columns.sensor)
        if len(key.sensors) > 1 and split_unit(sensor).other and not says_power(sensor):
            raise DataError(
                f"{sample.file.path}: by its name sensor '{sensor}' measures no power; say which is"
                f" the mains with `sensor` (sensors: {list_sensors(key.sensors)})"
            )
        return sensor
    if not key.columns:
        return None
    if columns.mains and (named := match_sensor(key, columns.mains)):
        return named
    if len(key.sensors) == 1:
        return key.sensors[0]
    advice = "say which is the mains with `sensor`"
    if all(PHASE.search(to_snake_case(label)) for label in key.sensors):
        advice = (
            "they look like the phases of one supply: write each into a column of its own, to add"
            f" them with `mains`; for one alone, {advice}"
        )
    raise DataError(
        f"{sample.file.path}: holds {len(key.sensors)} sensors below one another, told apart by"
        f" {_list_columns(key)}: {list_sensors(key.sensors)}; {advice}"
    )


def _list_columns(key: Key) -> str:
    return " and ".join(f"'{name}'" for name in key.columns)


def find_sensor(sample: Sample, key: Key, name: str) -> str:
    """Return the sensor of a name; raises DataError for one that the table lacks."""
    if not key.columns:
        raise DataError(
            f"{sample.file.path}: no column tells sensors apart; leave `sensor` out, and name a"
            " column with `mains`"
        )
    sensor = match_sensor(key, name)
    if sensor is None:
        several = _list_matches(key, name)
        problem = (
            f"{len(several)} sensors of the name '{name}'" if several else f"no sensor '{name}'"
        )
        raise DataError(
            f"{sample.file.path}: {problem} in {_list_columns(key)} (sensors:"
            f" {list_sensors(several or key.sensors)})"
        )
    return sensor


def match_sensor(key: Key, name: str) -> str | None:
    """Return the sensor of that very name, or the only one of that name in other letters, parts in
    another order, or an end; None for none.
    """
    if name in key.sensors:
        return name
    matches = _list_matches(key, name)
    return matches[0] if len(matches) == 1 else None


def _list_matches(key: Key, name: str) -> list[str]:
    wanted = name.lower()
    same = [sensor for sensor in key.sensors if sensor.lower() == wanted]
    return same or [sensor for sensor in key.sensors if _ends_in(sensor.lower(), wanted)]


def _ends_in(sensor: str, name: str) -> bool:
    """Return whether a sensor ends in a name, or has all of the name's parts: 'b1/mains'."""
    return sensor.endswith((f".{name}", f"/{name}")) or set(name.split("/")) <= set(
        sensor.split("/")
    )


def find_sensors_of_kind(sensors: Sequence[str], appliance: str) -> list[str]:
    """Return the sensors whose names hold the word of an appliance: 'sensor.kettle_plug_power'."""
    kind = canonical_name(appliance)
    words = {kind, *(alias for alias, name in ALIASES.items() if name == kind)}
    patterns = [re.compile(rf"(^|_){re.escape(word)}(_|\d|$)") for word in words]
    return [s for s in sensors if any(p.search(to_snake_case(s)) for p in patterns)]


def keep_neighbours(sensors: Sequence[str], other: str) -> list[str]:
    """Return the sensors that share a part of their names with another one: those of its house."""
    return [sensor for sensor in sensors if set(sensor.split("/")) & set(other.split("/"))]
