"""Units of readings: in names of columns, in options, and what one is in watts."""

import re
from typing import NamedTuple

from seq2point.appliances import to_snake_case
from seq2point.choices import Measure


class UnitOf(NamedTuple):
    """A unit: its usual spelling, what it measures, and how many W or Wh it is."""

    name: str
    measures: Measure
    factor: float


W, KW = UnitOf("W", "power", 1), UnitOf("kW", "power", 1000)
WH, KWH = UnitOf("Wh", "energy", 1), UnitOf("kWh", "energy", 1000)
UNITS = {
    "w": W, "watt": W, "watts": W, "kw": KW, "kwatt": KW, "kwatts": KW, "kilowatt": KW,
    "kilowatts": KW, "wh": WH, "watt_hour": WH, "watt_hours": WH, "watthours": WH, "kwh": KWH,
    "kwhs": KWH, "kwatthrs": KWH, "kilowatt_hour": KWH, "kilowatt_hours": KWH, "kwatt_hours": KWH,
    "mw": UnitOf("mW", "power", 1e-3), "mwh": UnitOf("mWh", "energy", 1e-3),
    "milliwatt": UnitOf("mW", "power", 1e-3), "milliwatts": UnitOf("mW", "power", 1e-3),
}  # fmt: skip
"""Units of power and energy, by their spellings in snake case. A plug writes milliwatts, and no
home is read in megawatts."""

MEGA = {"MW": UnitOf("MW", "power", 1e6), "MWh": UnitOf("MWh", "energy", 1e6)}
"""Units that capital letters alone tell from others."""

OTHERS = {
    "a", "amp", "amps", "ma", "v", "volt", "volts", "va", "kva", "vah", "var", "kvar", "varh",
    "mv", "kv", "hz", "c", "f", "k", "pf", "percent", "eur", "usd", "gbp", "cents", "dbm", "lux",
    "m3", "l", "bar", "hpa", "ppm",
}  # fmt: skip
"""Units of other quantities. Such a column is neither mains nor appliance."""

OTHER_QUANTITIES = re.compile(
    r"(^|_)(voltage|volt|current(?!_(power|consumption|usage|load|demand))|amps?|frequency|freq|power_factor|pf|reactive\w*|apparent\w*|aprt|va|var"
    r"|temperature|temp|humidity|price|cost|tariff|rssi|signal|battery_level|vah|varh|hz)(_|\d|$)"
)
"""Words in the names of columns that measure something else than active power or its energy."""

BRACKETS = re.compile(r"^(.*?)\s*[\[(]\s*([^\])]*?)\s*[\])]\s*$")
SIGNS = ("%", "°C", "°F", "€", "$", "£", "m³")
UNIT_START = re.compile(r"(?<=[a-jln-z])([kKm]?W[hH]?|[kK]?Watts?)$")
"""Where a unit begins that a capital letter alone sets off: 'powerKW', 'energyWh'."""

POWER_WORDS = re.compile(r"(^|_)(power|watts?|wattage|kw|w|leistung|puissance)(_|\d|$)")
USE_WORDS = re.compile(
    r"(^|_)(consumption|consumed|usage|used|verbrauch|consommation|consumo)(_|$)"
)
ENERGY_WORDS = re.compile(r"(^|_)(energy|consumption_total|watt_hours|watthours|total_act_energy)")


PHASE_LETTERS = {"a", "b", "c", "l1", "l2", "l3"}
"""What stands in brackets after a unit for a phase, where 'A' is no ampere."""


class NamedUnit(NamedTuple):
    """A column's name without its unit, the unit, and whether it measures another quantity."""

    name: str
    unit: UnitOf | None
    other: bool = False


def find_unit(text: str) -> UnitOf | None:
    """Return a unit by its spelling: 'kW', 'Watts', 'kilowatt hours'; None for no unit."""
    return MEGA.get(text.strip("[]() ")) or UNITS.get(to_snake_case(text))


def measures_other(unit: str) -> bool:
    """Return whether the spelling of a unit is that of something else than power: 'V', '°C'."""
    return unit.strip() in SIGNS or to_snake_case(unit) in OTHERS


def split_unit(column: str) -> NamedUnit:
    """Return the name of a column without its unit: 'kettle' and W for 'kettle [W]'.

    The unit stands in brackets, or as the last word: 'kettle_kw', 'watt_hours', 'W'. A phase may
    follow it in brackets: 'Active energy Wh (A)'.
    """
    bracketed = BRACKETS.match(column)
    if bracketed:
        inner = split_unit(bracketed[1]) if bracketed[2].lower() in PHASE_LETTERS else None
        if inner and inner.unit:
            return NamedUnit(f"{inner.name} {bracketed[2]}", inner.unit)
        unit = find_unit(bracketed[2])
        if unit:
            return NamedUnit(bracketed[1] or bracketed[2], unit)
        if measures_other(bracketed[2]):
            return NamedUnit(column, None, other=True)
    plain = to_snake_case(UNIT_START.sub(r"_\1", column))
    if OTHER_QUANTITIES.search(plain) or plain in OTHERS:
        return NamedUnit(column, None, other=True)
    for words in (2, 1):
        head, last = _split_last_words(plain, words)
        if last in UNITS:
            unit = MEGA.get(column[-len(last) :], UNITS[last])
            return NamedUnit(head or column, unit)
    first, _, rest = plain.partition("_")
    if first in UNITS and rest:
        return NamedUnit(rest, UNITS[first])
    return NamedUnit(column, None)


def advise_kilo(column: str) -> str:
    """Return what to set where the readings of a column may be kilowatts or kilowatt hours."""
    unit = split_unit(column).unit
    if unit is None:
        return "if they are kilowatts, set `unit` to kW"
    return f"if they are k{unit.name}, set `mains` to {column}[k{unit.name}]"


def says_energy(column: str) -> bool:
    """Return whether a name says energy without a unit: 'energy_import', but not 'energy.power'."""
    plain = to_snake_case(column)
    energy, power = _find_last(ENERGY_WORDS, plain), _find_last(POWER_WORDS, plain)
    return energy > power


def _find_last(words: re.Pattern[str], plain: str) -> int:
    return max((match.start() for match in words.finditer(plain)), default=-1)


def says_use(column: str) -> bool:
    """Return whether a name says what was used, in an interval or just now: 'consumption'."""
    return bool(USE_WORDS.search(to_snake_case(column)))


def says_power(column: str) -> bool:
    """Return whether a name says power: 'sensor.current_power'."""
    return bool(POWER_WORDS.search(to_snake_case(column)))


def _split_last_words(plain: str, count: int) -> tuple[str, str]:
    words = plain.split("_")
    return "_".join(words[:-count]), "_".join(words[-count:])
