"""The mains of a table: which column holds them, or which phases make them up."""

import re
from collections.abc import Sequence
from itertools import takewhile

import numpy as np
import polars as pl

from seq2point.appliances import find_words, look_up_appliance, names_appliance
from seq2point.configuration import ColumnsConfig
from seq2point.data.interpretation.counters import Numbers
from seq2point.data.interpretation.formats import Format
from seq2point.data.interpretation.phases import (
    find_phases,
    require_no_namesake,
    require_no_phase,
    require_no_twin,
)
from seq2point.data.interpretation.sample import Sample
from seq2point.data.interpretation.series_reference import SeriesReference, parse_reference
from seq2point.data.interpretation.units import find_unit, says_energy
from seq2point.data.table_file import list_columns
from seq2point.errors import DataError
from seq2point.recording.plausibility import looks_like_counter

MAINS_NAMES = (
    "mains", "aggregate", "main", "house_overall", "whole_house", "whole_home", "house", "home",
    "use", "grid", "total", "total_power", "power_total", "total_act_power", "power",
    "active_power",
    "act_power", "apower", "power_active", "global_active_power", "real_power", "current_power",
    "load", "demand", "consumption", "usage", "household", "total_energy", "energy", "watts", "w",
    "watt", "kw", "p", "value", "state", "reading", "hausanschluss", "verbrauch", "leistung",
    "gesamt", "bezug", "wattage", "avg_wattage", "avg_power", "mean_power", "power_avg",
    "consumption_power", "total_usage", "energy_consumed", "consumed", "import", "imported",
    "mains_power", "house_power", "home_power", "grid_power", "power_grid", "total_active_power",
    "wirkleistung_gesamt", "gesamtleistung", "wirkleistung", "mean",
    "valeur", "wert", "valor", "potencia", "puissance", "vermogen", "potenza", "payload",
)  # fmt: skip
"""Names of the mains in snake case, without units, the surest first."""

SURE_MAINS_NAMES = {"mains", "aggregate", "whole_house", "whole_home", "total_power", "power_total"}
"""Names that are the mains' alone, whatever the columns hold."""

PRODUCTION = (
    "solar", "pv", "gen", "generation", "production", "produced", "inverter", "erzeugung",
    "wechselrichter",
)  # fmt: skip
EXPORT = (
    "returned", "return", "export", "exported", "ret", "feed_in", "feedin", "fed_in", "einspeisung",
    "injection",
)  # fmt: skip
NO_MAINS = find_words(*PRODUCTION, *EXPORT, "battery", "min", "max")
"""Words of columns that are no mains: production, export, and extremes."""

NOTHING = 0.01
"""The share of a column's largest reading below which it reads nothing, about."""
SILENT = 0.05
"""The share of the readings beside export or production that are nothing, in an import."""
FEWEST_SILENT = 5


def find_mains(
    sample: Sample,
    columns: ColumnsConfig,
    layout: Format,
    used: Sequence[str],
    *,
    has_times: bool,
) -> SeriesReference:
    """Return the columns of the mains: those that are named, that of the format, the only one, or
    one of a usual name.

    `used` are columns that hold something else.
    Raises DataError where there is none, with the columns and the phases that could be, and where
    the usual name is that of one phase.
    """
    if columns.mains:
        return require_reference(sample, columns.mains)
    for template in layout.mains:
        if reference := _fit_template(sample, template):
            for name in reference.columns:
                require_no_namesake(sample, name, _list_alike(sample, name, sample.file.names))
            return reference
    numeric = list_candidates(sample, used)
    candidates = [name for name in numeric if is_load(sample, name)]
    by_name = _find_by_name(sample, candidates)
    if by_name is None:
        _require_numbers(sample, used)
    if numeric and not candidates:
        raise DataError(
            f"{sample.file.path}: no column for the load: by its name '{numeric[0]}' is what is"
            f" produced, or an extreme (columns: {list_columns(sample.file.names)}); if it is the"
            " mains, name it with `mains`"
        )
    if len(candidates) == 1 and not names_appliance(sample.titles[candidates[0]].name):
        _require_load(sample, candidates[0], numeric)
        return SeriesReference((candidates[0],), (1,), None)
    phases = find_phases(sample, candidates)
    if by_name is not None:
        require_no_namesake(sample, by_name, _list_alike(sample, by_name, candidates))
        require_no_phase(sample, by_name, phases)
        require_no_twin(sample, by_name, [name for name in candidates if name not in phases])
        _require_load(sample, by_name, numeric)
        return SeriesReference((by_name,), (1,), None)
    raise _refuse(sample, candidates, phases, has_times=has_times)


def require_reference(sample: Sample, text: str) -> SeriesReference:
    """Return what a reference names; raises DataError where the table lacks a column of it."""
    reference = parse_reference(text, sample.file.names)
    if reference is None:
        raise DataError(
            f"{sample.file.path}: no column '{text}' (columns: {list_columns(sample.file.names)})"
        )
    return reference


def list_candidates(sample: Sample, used: Sequence[str]) -> list[str]:
    """Return the columns of numbers that may be power or energy of the house or of an appliance."""
    return [
        name
        for name in sample.file.names
        if name not in used and not sample.titles[name].other and sample.is_numeric(name)
    ]


def _fit_template(sample: Sample, template: str) -> SeriesReference | None:
    """Return a format's reference with the table's own names; None where one is missing."""
    parts = re.split(r"([+-])", template)
    names = [sample.find_plain(part) for part in parts[::2]]
    if any(name is None for name in names):
        return None
    signs = [1, *(1 if sign == "+" else -1 for sign in parts[1::2])]
    return SeriesReference(tuple(name for name in names if name), tuple(signs), None)


def _find_by_name(sample: Sample, candidates: Sequence[str]) -> str | None:
    """Return the column of a usual name, or the only one of power beside others of energy.

    Power comes before energy. What all names begin with says nothing.
    """
    power = [name for name in candidates if not _is_energy(sample, name)]
    prefix = _find_prefix([sample.plain_names[name] for name in candidates])
    for names in (power, candidates):
        by_plain = {sample.plain_names[name]: name for name in reversed(names)}
        by_rest = {plain[len(prefix) :]: name for plain, name in by_plain.items()}
        for by_name in (by_plain, by_rest):
            if found := next((by_name[name] for name in MAINS_NAMES if name in by_name), None):
                return found
    only = power[0] if len(power) == 1 < len(candidates) else None
    return only if only and look_up_appliance(sample.plain_names[only]) is None else None


def _list_alike(sample: Sample, name: str, names: Sequence[str]) -> list[str]:
    """Return the columns of numbers that are power as one is, or energy as it is."""
    energy = _is_energy(sample, name)
    numeric = [other for other in names if sample.is_numeric(other)]
    return [other for other in numeric if _is_energy(sample, other) == energy]


def _is_energy(sample: Sample, name: str) -> bool:
    """Return whether a column is energy by its unit, or by its name or readings where it has none.

    Readings that only rise are a counter.
    """
    unit = sample.titles[name].unit
    if unit is not None:
        return unit.measures != "power"
    if sample.plain_names[name] in SURE_MAINS_NAMES:
        return False
    return says_energy(name) or looks_like_counter(sample.numbers(name))


def _find_prefix(names: Sequence[str]) -> str:
    """Return the words that all of several names begin with: 'energy_'; '' for none."""
    if len(names) < 2:
        return ""
    columns = zip(*(name.split("_")[:-1] for name in names), strict=False)
    shared = takewhile(lambda words: len(set(words)) == 1, columns)
    return "".join(f"{words[0]}_" for words in shared)


def _require_numbers(sample: Sample, used: Sequence[str]) -> None:
    """Raise DataError for a column that is surely called the mains and holds no numbers."""
    for name in sample.file.names:
        sure = sample.plain_names[name] in SURE_MAINS_NAMES and name not in used
        if sure and not sample.is_numeric(name):
            raise DataError(
                f"{sample.file.path}: column '{name}' holds {sample.describe_cells(name)}, not"
                " numbers; mend it, or name another column with `mains`"
            )


def _refuse(
    sample: Sample, candidates: Sequence[str], phases: Sequence[str], *, has_times: bool
) -> DataError:
    path, listing = sample.file.path, f"(columns: {list_columns(sample.file.names)})"
    cell = None if candidates else _find_cell_with_unit(sample)
    if cell:
        return DataError(
            f"{path}: no column of numbers for the mains {listing}; write numbers alone, without"
            f" units, and the unit after the name: '{cell}'"
        )
    if not candidates and not has_times:
        return DataError(
            f"{path}: holds neither times nor numbers {listing}; give a table with a row for each"
            " reading: its time and its watts"
        )
    advice = "name it with `mains`"
    if phases:
        total = "+".join(phases)
        advice = f"for the sum of the phases set `mains` to '{total}', or name one column"
    if not has_times:
        advice += "; no column of times was found either: name it with `time`"
    numbers = "" if candidates else " of numbers"
    return DataError(f"{path}: no column{numbers} for the mains {listing}; {advice}")


def _find_cell_with_unit(sample: Sample) -> str | None:
    """Return a cell that is a number and its unit, '270 W', of a column that is no numbers."""
    for column in sample.frame:
        if column.dtype == pl.String and (cells := column.drop_nulls()).len():
            match = re.fullmatch(r"\s*[-+\d.,]+\s*([a-zA-Z]+)\s*", cells[0])
            if match and find_unit(match[1]):
                return str(cells[0])
    return None


def _require_load(sample: Sample, name: str, numeric: Sequence[str]) -> None:
    """Raise DataError for a column that is what the grid delivers, not what the home draws.

    It reads nothing while the home feeds back or produces, and never else. A home always draws.
    """
    export, production = (_find_by_word(sample, words, numeric) for words in (EXPORT, PRODUCTION))
    beside = next((other for other in (export, production) if other and other != name), None)
    if beside is None or not _is_silent_beside(sample.numbers(name), sample.numbers(beside)):
        return
    advice = "what it feeds back is in no column, so what the home draws meanwhile is unknown"
    if export:
        solar = f", and `solar` to '{production}' to add what it produces" if production else ""
        advice = f"set `mains` to '{name}-{export}'{solar}"
    raise DataError(
        f"{sample.file.path}: '{name}' is nothing while '{beside}' is not: it looks like what the"
        f" grid delivers, not like what the home draws; {advice}; for '{name}' as it is, set"
        " `mains` to it"
    )


def _find_by_word(sample: Sample, words: Sequence[str], numeric: Sequence[str]) -> str | None:
    """Return the first column whose name has one of some words."""
    pattern = find_words(*words)
    return next((name for name in numeric if pattern.search(sample.plain_names[name])), None)


def _is_silent_beside(mains: Numbers, other: Numbers) -> bool:
    """Return whether readings are often nothing where others are not, and hardly ever elsewhere."""
    known = np.isfinite(mains) & np.isfinite(other)
    mains, other = mains[known], other[known]
    if not len(mains) or (mains < 0).any():
        return False
    silent = mains <= NOTHING * np.max(mains)
    active = np.abs(other) > NOTHING * np.max(np.abs(other))
    beside = silent[active]
    if np.count_nonzero(beside) < FEWEST_SILENT:
        return False
    elsewhere = silent[~active].mean() if not active.all() else 0.0
    return bool(beside.mean() > max(SILENT, 10 * elsewhere))


def is_load(sample: Sample, name: str) -> bool:
    """Return whether a column's name is neither production nor export."""
    return not NO_MAINS.search(sample.plain_names[name])
