"""The appliances of a table: which columns or sensors hold them, and how they are read."""

from collections.abc import Sequence

from seq2point.appliances import (
    APPLIANCES,
    canonical_name,
    find_column_of_kind,
    look_up_appliance,
    name_columns,
)
from seq2point.configuration import ColumnsConfig
from seq2point.data.interpretation.interpretation import SeriesReading, TimeReading
from seq2point.data.interpretation.mains_column import is_load, list_candidates, require_reference
from seq2point.data.interpretation.measures import find_series_reading
from seq2point.data.interpretation.sample import Sample
from seq2point.data.interpretation.sensor_key import NO_KEY, Key
from seq2point.data.interpretation.sensors import (
    find_sensor,
    find_sensors_of_kind,
    find_unit_of_rows,
    keep_neighbours,
)
from seq2point.data.interpretation.series_reference import SeriesReference
from seq2point.data.interpretation.time_columns import is_time_name
from seq2point.data.table_file import list_columns, list_sensors
from seq2point.errors import DataError

ISSUES = "issues"
"""REFIT's column of flags, which is no meter."""


def find_appliance_columns(
    sample: Sample,
    appliances: Sequence[str] | None,
    columns: ColumnsConfig,
    time: TimeReading | None,
    used: Sequence[str],
    every: bool,
) -> dict[str, SeriesReading]:
    """Return the appliances of a table with a column for each.

    `used` are columns that hold something else. Raises DataError where an appliance has none.
    """
    chosen = {
        canonical_name(name): require_reference(sample, text)
        for name, text in columns.appliances.items()
    }
    taken = {*used, *(name for each in chosen.values() for name in each.columns)}
    others = [
        name
        for name in sample.file.names
        if name not in taken and not is_time_name(name) and sample.plain_names[name] != ISSUES
    ]
    by_plain = {sample.titles[name].name: name for name in reversed(others)}
    by_name = {name: by_plain[title] for name, title in name_columns(reversed(by_plain)).items()}
    references = {n: SeriesReference((column,), (1,), None) for n, column in by_name.items()}
    references |= chosen
    if every:
        numeric = {name for name in list_candidates(sample, [*taken]) if is_load(sample, name)}
        names = [n for n, r in references.items() if n in chosen or r.columns[0] in numeric]
        names = [name for name in names if name != "mains"]
    elif appliances is None:
        names = [n for n in references if look_up_appliance(n) or n in chosen]
    else:
        names = [canonical_name(name) for name in appliances]
    readings = {}
    for name in names:
        column = find_column_of_kind(name, references)
        if column is None:
            raise DataError(
                f"{sample.file.path}: no column for '{name}' (columns:"
                f" {list_columns(sample.file.names)})"
            )
        try:
            readings[name] = find_series_reading(
                sample, name, references[column], columns, time, NO_KEY, None, None, None
            )
        except DataError:
            # nobody asked for this one, and it is no power
            if not every or look_up_appliance(name) or name in chosen:
                raise
    return readings


def find_appliance_sensors(
    sample: Sample,
    appliances: Sequence[str] | None,
    columns: ColumnsConfig,
    key: Key,
    mains: SeriesReading,
    time: TimeReading | None,
) -> dict[str, SeriesReading]:
    """Return the appliances of a table whose sensors stand below one another.

    Raises DataError where an appliance has no sensor or several.
    """
    others = [sensor for sensor in key.sensors if sensor != mains.sensor]
    chosen = {canonical_name(name): text for name, text in columns.appliances.items()}
    names = [canonical_name(name) for name in appliances or ()]
    if appliances is None:
        names = [n for n in APPLIANCES if n in chosen or find_sensors_of_kind(others, n)]
        names += [n for n in chosen if n not in names]
    readings = {}
    for name in names:
        if name in chosen:
            sensor = find_sensor(sample, key, chosen[name])
        else:
            candidates = find_sensors_of_kind(others, name)
            if len(candidates) > 1 and mains.sensor:
                candidates = keep_neighbours(candidates, mains.sensor) or candidates
            if len(candidates) != 1:
                found = list_sensors(candidates) if candidates else "none"
                raise DataError(
                    f"{sample.file.path}: sensors of '{name}': {found} (sensors:"
                    f" {list_sensors(key.sensors)}); name the column of the appliance"
                )
            sensor = candidates[0]
        reference = SeriesReference(mains.columns, mains.signs, None)
        unit = find_unit_of_rows(sample, key, sensor)
        readings[name] = find_series_reading(
            sample, name, reference, columns, time, key, sensor, unit, None
        )
    return readings
