"""What a series measures, and in which unit: power, energy of each interval, or a counter."""

import numpy as np

from seq2point.choices import Measure
from seq2point.configuration import ColumnsConfig
from seq2point.data.interpretation.counters import Numbers, measure_counting, rises_alone
from seq2point.data.interpretation.interpretation import SeriesReading, TimeReading
from seq2point.data.interpretation.sample import Sample
from seq2point.data.interpretation.sensor_key import Key, find_rows
from seq2point.data.interpretation.series_reference import SeriesReference
from seq2point.data.interpretation.time_columns import find_times_s
from seq2point.data.interpretation.units import UnitOf, W, find_unit, says_energy, says_use
from seq2point.errors import DataError
from seq2point.limits import ABSURD_W, KILOWATTS_BELOW, NOISE_W
from seq2point.recording.plausibility import (
    find_missing_marks,
    looks_like_counter,
    means_missing_by_minus_one,
)
from seq2point.wording import format_watts

MOST_ABSURD = 0.01
"""The share of readings, zeros aside, beyond what a house draws: more, and the unit is wrong."""

FEWEST_RISING = 20  # so many readings that never fall are a counter, where most of them rise,
SMALL_RISE = 0.02  # and by next to nothing
TURNED = 0.01  # readings above zero, by their sum, where the sign of all is turned
FEWEST_TURNED = 10  # so few readings below zero may be noise


def find_series_reading(
    sample: Sample,
    name: str,
    reference: SeriesReference,
    columns: ColumnsConfig,
    time: TimeReading | None,
    key: Key,
    sensor: str | None,
    unit: UnitOf | None,
    measures: Measure | None,
) -> SeriesReading:
    """Return how a series is read: its unit, and whether it is power or energy.

    The unit is that of the reference, of the column's name, of the rows or the format (`unit`), of
    `ColumnsConfig.unit`, or W. `measures` is what the user says that the series measures. Solar
    production that is written below zero is turned.
    Raises DataError for readings that look like energy of an unknown unit, for energy without
    times, for mains below zero, and for a unit that makes readings absurd.
    """
    values, times_s = _add_up(sample, reference, time, key, sensor)
    newest_first = _are_newest_first(times_s)
    if newest_first:
        values = values[::-1]
    if unit is None and sample.file.metadata.get("unit") == W.name and columns.unit is None:
        unit, measures = W, measures or "power"
    unit = reference.unit or _find_unit_of_names(sample, reference) or unit
    known = unit is not None
    if unit is None and columns.unit is not None:
        unit = find_unit(columns.unit)
    where = f"{sample.file.path}: '{reference.expression}'"
    if sensor:
        where += f" of {sensor}"
    if unit is None and measures is None:
        names = [*reference.columns, *([sensor] if sensor else [])]
        _require_power(where, names, values)
    unit = unit or W
    if measures is None:
        measures = _find_measure(where, name, values, unit)
    if (measures == "power") != (unit.measures == "power"):
        needed = "W or kW" if measures == "power" else "Wh or kWh"
        raise DataError(
            f"{where} is in {unit.name}, and `measures` is {measures}: set `unit` to {needed}"
        )
    if measures != "power" and time is None:
        raise DataError(
            f"{where} is energy, and power follows from its times alone; the file has"
            " no times: name their column with `time`"
        )
    turned = _is_turned(values)
    if measures == "power" and name == "mains" and turned:
        raise DataError(
            f"{where} is below zero throughout: what is drawn is written above zero; turn the sign"
            f" by setting `mains` to -{reference.columns[0]}"
        )
    counting = None
    if measures == "power":
        _require_plausible(where, reference.expression, values, unit, known)
    elif measures == "counter":
        if newest_first:
            raise DataError(
                f"{where} counts energy, and its rows are newest first; sort the file by time"
            )
        counting = measure_counting(values, times_s)
    sign = -1 if name == "solar" and measures != "counter" and turned else 1
    return SeriesReading(
        reference.columns,
        tuple(sign * each for each in reference.signs),
        unit,
        measures,
        sensor,
        measures == "power" and _marks_by_minus_one(values, unit),
        counting,
    )


def _add_up(
    sample: Sample,
    reference: SeriesReference,
    time: TimeReading | None,
    key: Key,
    sensor: str | None,
) -> tuple[Numbers, Numbers]:
    """Return the sample's values of a reference and their times, those of one sensor where there
    are several.
    """
    values = sample.add_up(reference.columns, reference.signs)
    times_s = find_times_s(sample, time)
    times_s = np.arange(len(sample), dtype=np.float64) if times_s is None else times_s
    rows = find_rows(sample, key, sensor)
    return values[rows], times_s[rows]


def _find_unit_of_names(sample: Sample, reference: SeriesReference) -> UnitOf | None:
    """Return the unit that the columns' names say; raises DataError where they say several."""
    units = {sample.titles[name].unit for name in reference.columns}
    if len(units) > 1:
        names = " and ".join(f"'{name}'" for name in reference.columns)
        raise DataError(f"{sample.file.path}: {names} are in different units; convert one of them")
    return units.pop()


def _require_power(where: str, names: list[str], values: Numbers) -> None:
    """Raise DataError for readings without a unit that look like energy, or whose names say so."""
    if _counts(values):
        raise DataError(
            f"{where} only ever rises: it looks like a counter of energy, not power; set"
            " `unit` to kWh or Wh to have power from it, or `measures` to power"
        )
    if any(says_energy(text) for text in names):
        raise DataError(
            f"{where} says energy and not its unit; set `unit` to Wh or kWh, or `measures` to power"
        )
    highest = float(np.fmax.reduce(values, initial=0))
    if 0 < highest < KILOWATTS_BELOW and any(says_use(text) for text in names):
        raise DataError(
            f"{where} never exceeds {highest:g} and does not say its unit; set `unit` to kWh for"
            " the energy of each interval, to kW for power, or to W"
        )


def _find_measure(where: str, name: str, values: Numbers, unit: UnitOf) -> Measure:
    """Return what readings in a unit measure; raises DataError for mains that only rise."""
    if unit.measures == "energy":
        return "counter" if rises_alone(values, unit.factor) else "energy"
    if name == "mains" and _counts(values):
        raise DataError(
            f"{where} only ever rises: it looks like a counter of energy, not power in"
            f" {unit.name}; set `measures` to counter and `unit` to kWh or Wh, or `measures`"
            " to power"
        )
    return unit.measures


def _counts(values: Numbers) -> bool:
    """Return whether readings look like a counter: a few of them, too, that rise by little."""
    if looks_like_counter(values):
        return True
    known = values[np.isfinite(values)]
    steps = np.diff(known)
    if len(steps) < FEWEST_RISING or (steps < 0).any() or known[0] <= 0:
        return False
    return bool((steps > 0).mean() > 1 / 2) and bool(known[-1] - known[0] < SMALL_RISE * known[0])


def _marks_by_minus_one(values: Numbers, unit: UnitOf) -> bool:
    """Return whether -1 is a mark of a missing reading, in the unit or in watts."""
    with np.errstate(over="ignore"):
        watts = np.round(values * unit.factor, 1)
    return means_missing_by_minus_one(values) or means_missing_by_minus_one(watts)


def _is_turned(values: Numbers) -> bool:
    """Return whether nearly all of what was read, by its sum, is below zero."""
    values = values[~find_missing_marks(values, minus_one=False)]
    below, above = values[values < -NOISE_W], values[values > 0]
    return len(below) >= FEWEST_TURNED and bool(above.sum() <= TURNED * -below.sum())


def _are_newest_first(times_s: Numbers) -> bool:
    steps_s = np.diff(times_s)
    return len(steps_s) > 0 and float((steps_s < 0).mean()) > 1 / 2


def _require_plausible(
    where: str, expression: str, values: Numbers, unit: UnitOf, named: bool
) -> None:
    """Raise DataError where a unit makes readings absurd that would be plausible in watts."""
    known_values = np.isfinite(values) & (values != 0) & ~find_missing_marks(values)
    watts = np.abs(values[known_values]) * unit.factor
    if unit.factor <= 1 or not len(watts):
        return
    if (watts > ABSURD_W).mean() > MOST_ABSURD:
        source = "its name says" if named else "`unit` says"
        raise DataError(
            f"{where} would be {format_watts(float(watts.max()))} in {unit.name}, as {source};"
            f" its readings look like watts: write its unit after its name, '{expression}[W]'"
        )
