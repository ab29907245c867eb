"""Interpret a table: which column is what, in which unit, power or energy, wide or long.

What the user names in `ColumnsConfig` comes first, then what the format is known to write, then
names and contents of the columns. What stays open is refused with the choices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from seq2point.appliances import canonical_name
from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.configuration.arguments import gather_names
from seq2point.data.change_reports import FEWEST_READINGS
from seq2point.data.interpretation.appliance_series import (
    find_appliance_columns,
    find_appliance_sensors,
)
from seq2point.data.interpretation.formats import (
    Format,
    find_format,
    find_unit_of_format,
    require_format,
)
from seq2point.data.interpretation.interpretation import Interpretation, SeriesReading, TimeReading
from seq2point.data.interpretation.mains_column import (
    find_mains,
    list_candidates,
    require_reference,
)
from seq2point.data.interpretation.measures import find_series_reading
from seq2point.data.interpretation.pace import PLUG_HOLD_S, measure_pace
from seq2point.data.interpretation.sample import Sample
from seq2point.data.interpretation.sensor_key import NO_KEY, Key, find_key, find_rows
from seq2point.data.interpretation.sensors import (
    choose_mains_sensor,
    find_sensors_of_kind,
    find_unit_of_rows,
    match_sensor,
)
from seq2point.data.interpretation.series_reference import parse_reference
from seq2point.data.interpretation.time_columns import (
    find_time_reading,
    find_times_s,
    is_time_name,
)
from seq2point.data.interpretation.units import split_unit
from seq2point.data.table_file import TableFile
from seq2point.data.times.timestamps import find_autumn_hour
from seq2point.data.times.zones import require_zone
from seq2point.errors import DataError

UNNAMED = "column_"  # what a column without a name is called, and its number
FEWEST_ROWS = 20  # so few may repeat a time by chance
MOST_REPEATED = 0.3
"""The share of rows that may repeat a time; more, and they are not readings of one meter."""


def interpret(
    file: TableFile,
    appliances: Sequence[str] | None = (),
    columns: ColumnsConfig = DEFAULT_COLUMNS,
    *,
    every: bool = False,
) -> Interpretation:
    """Return what a table's columns are: the times, the mains, and some appliances.

    `appliances` None means all known ones; `every` takes every other column of numbers, too.
    Raises DataError for a column that the table lacks, and for what stays open, with the choices.
    """
    require_zone(columns.zone)
    names = None if appliances is None else gather_names(appliances)
    return _interpret(Sample(file, repair=columns.repair), names, columns, every)


def _interpret(
    sample: Sample, appliances: Sequence[str] | None, columns: ColumnsConfig, every: bool = False
) -> Interpretation:
    file = sample.file
    if not len(sample):
        raise DataError(f"{file.path}: holds no rows")
    plain_names = list(sample.plain_names.values())
    layout = find_format(plain_names, columns.format)
    if columns.format:
        require_format(layout, plain_names, file.path)
    time = find_time_reading(sample, columns, layout)
    used = [name for name in file.names if time and name in time.columns]
    key = find_key(sample, [*used, *_list_named(file, columns)], time)
    sensor = choose_mains_sensor(sample, key, columns)
    _require_moments(sample, time, key, sensor)
    used += [*key.columns, *_list_other_columns(sample, layout)]
    mains = _find_mains_reading(sample, columns, layout, time, key, sensor, used)
    solar = _find_solar(sample, columns, time, key)
    taken = [*used, *mains.columns, *(solar.columns if solar else ())]
    others = (
        find_appliance_sensors(sample, appliances, columns, key, mains, time)
        if len(key.sensors) > 1
        else find_appliance_columns(sample, appliances, columns, time, taken, every)
    )
    if sensor is not None and len(key.sensors) == 1:
        others = {name: replace(reading, sensor=sensor) for name, reading in others.items()}
    pace, *paces = (
        measure_pace(sample, time, each, key, columns.hold_s, on_change=layout.writes_changes)
        for each in (mains, *(others.values() if len(key.sensors) > 1 else ()))
    )
    for (name, reading), own in zip(others.items(), paces, strict=False):
        hold_s = own.hold_s and (columns.hold_s or PLUG_HOLD_S)
        others[name] = replace(reading, hold_s=hold_s)
    series = {"mains": mains, **others}
    return Interpretation(
        str(file.path),
        layout.name,
        time,
        series,
        solar,
        key.columns,
        key.sensors,
        pace.step_s,
        pace.hold_s,
        _list_alternatives(sample, key, series, used),
        file.dialect_json,
    )


def interpret_plug(file: TableFile, name: str, columns: ColumnsConfig) -> Interpretation:
    """Return what the columns of a plug's file are; the plug stands as 'mains'.

    Its column is that of `columns.mains`, the one that is called as the appliance, or what would be
    the mains. So few readings that they show no pace are changes, unless their times are regular.
    Raises DataError as `interpret` does.
    """
    require_zone(columns.zone)
    sample = Sample(file, repair=columns.repair)
    if columns.mains is None:
        titles = {column: split_unit(column).name for column in file.names}
        own = [column for column, title in titles.items() if canonical_name(title) == name]
        numbers = [column for column in list_candidates(sample, ()) if not is_time_name(column)]
        own = own if len(own) == 1 else numbers
        if len(own) == 1:
            columns = columns.model_copy(update={"mains": own[0]})
        elif len(file.names) > 1:
            key = find_key(sample, ())
            sensors = find_sensors_of_kind(key.sensors, name)
            if len(sensors) == 1:
                columns = columns.model_copy(update={"sensor": sensors[0]})
    interpretation = _interpret(sample, (), columns)
    if interpretation.hold_s is not None or len(sample) >= FEWEST_READINGS:
        return interpretation
    key = Key(interpretation.key, interpretation.sensors)
    mains = interpretation.series["mains"]
    pace = measure_pace(sample, interpretation.time, mains, key, columns.hold_s, on_change=True)
    return replace(interpretation, hold_s=pace.hold_s)


def _require_moments(
    sample: Sample, time: TimeReading | None, key: Key, sensor: str | None
) -> None:
    """Raise DataError where many rows of a sensor repeat a time."""
    times_s = find_times_s(sample, time)
    if times_s is None or len(times_s) < FEWEST_ROWS:
        return
    times_s = times_s[find_rows(sample, key, sensor)]
    known = np.sort(times_s[np.isfinite(times_s)])
    repeated = int(np.count_nonzero(np.diff(known) == 0))
    if find_autumn_hour(times_s) is not None:
        return
    if repeated > MOST_REPEATED * len(known):
        raise DataError(
            f"{sample.file.path}: {repeated:,} of {len(known):,} rows repeat a time: several"
            " sensors are mixed and no column tells them apart, the times lack their seconds, or"
            " the clock was not set; export it again"
        )


def _list_named(file: TableFile, columns: ColumnsConfig) -> list[str]:
    """Return the columns that the user names, which tell no sensors apart."""
    texts = [columns.mains, columns.solar, *columns.appliances.values()]
    references = [parse_reference(text, file.names) for text in texts if text]
    return [name for reference in references if reference for name in reference.columns]


def _list_other_columns(sample: Sample, layout: Format) -> list[str]:
    """Return the columns that are no series: those of the format, and empty ones without names,
    as lines that begin or end in a separator make.
    """
    return [
        name
        for name, plain in sample.plain_names.items()
        if plain in layout.others
        or (name.startswith(UNNAMED) and sample.frame[name].null_count() == len(sample))
    ]


def _find_mains_reading(
    sample: Sample,
    columns: ColumnsConfig,
    layout: Format,
    time: TimeReading | None,
    key: Key,
    sensor: str | None,
    used: Sequence[str],
) -> SeriesReading:
    if sensor is not None and columns.mains and match_sensor(key, columns.mains) == sensor:
        columns = columns.model_copy(update={"mains": None})
    reference = find_mains(sample, columns, layout, used, has_times=time is not None)
    format_unit = find_unit_of_format(layout, sample.plain_names[reference.columns[0]])
    unit = find_unit_of_rows(sample, key, sensor) or format_unit
    return find_series_reading(
        sample, "mains", reference, columns, time, key, sensor, unit, columns.measures
    )


def _find_solar(
    sample: Sample, columns: ColumnsConfig, time: TimeReading | None, key: Key
) -> SeriesReading | None:
    if columns.solar is None:
        return None
    sensor = match_sensor(key, columns.solar)
    if sensor is not None:
        raise DataError(
            f"{sample.file.path}: `solar` takes a column beside the mains, and '{sensor}' is a"
            " sensor with rows of its own; write both into columns of one table"
        )
    reference = require_reference(sample, columns.solar)
    return find_series_reading(sample, "solar", reference, columns, time, NO_KEY, None, None, None)


def _list_alternatives(
    sample: Sample, key: Key, series: Mapping[str, SeriesReading], used: Sequence[str]
) -> tuple[str, ...]:
    """Return the sensors or columns that could be read and are not."""
    if len(key.sensors) > 1:
        read = {each.sensor for each in series.values()}
        return tuple(sensor for sensor in key.sensors if sensor not in read)
    taken = {*used, *(name for each in series.values() for name in each.columns)}
    return tuple(list_candidates(sample, [*taken]))
