"""What a cell of text looks like: a number, a time, a unit, a format of dates, or no reading."""

import re
from typing import Final

NUMBER: Final = "number"
TIME: Final = "time"
STAMP: Final = "stamp"  # a long whole number: seconds since 1970, 20231105000000, a meter's count
EMPTY: Final = "empty"
TEXT: Final = "text"

BLANKS = " \t\r\n\ufeff\u00a0\u202f"
QUOTES = "\"'"
AROUND = BLANKS + QUOTES
NO_READINGS = frozenset({
    "", "-", "--", "?", "nan", "null", "none", "na", "n/a", "unknown", "unavailable", "missing",
    "no data",
})  # fmt: skip
"""What files write, in any case, where there is no reading."""

UNIT_CELLS = frozenset({
    "w", "watt", "watts", "kw", "kilowatt", "kilowatts", "mw", "va", "kva", "var", "kvar", "wh",
    "kwh", "mwh", "v", "volt", "volts", "a", "amp", "amps", "ampere", "amperes", "hz", "s", "sec",
    "secs", "second", "seconds", "ms", "min", "mins", "minutes", "h", "hours", "pf", "%", "°c",
    "°f", "c", "f", "-", "unix", "utc", "eur", "usd", "gbp", "cents", "pence", "ct", "€", "$", "£",
    "pa", "hpa", "lux", "km/h", "m/s",
})  # fmt: skip
"""Cells of a row of units, of whatever quantity."""

_GROUPS = "[,.'\u00a0\u202f ]"
_NUMBER = re.compile(
    rf"[+\-−]?(\d{{1,3}}({_GROUPS}\d{{3}})+|\d+|(?=[.,]\d))([.,]\d*)?(e[+-]?\d+)?"
    r"(\s*\[?(w|kw|wh|kwh|va|v|a|hz|%)\]?)?",
    re.IGNORECASE,
)
_MONTH = "(jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*"
_CLOCK = r"\d{1,2}:\d\d(:\d\d([.,]\d+)?)?( ?[ap]\.?m\.?)?( ?([a-z][\w/]*|[+-]\d\d(:?\d\d)?))?"
_TIME = re.compile(
    rf"\d{{1,4}}[-/.]\s?\d{{1,2}}[-/.]\s?\d{{1,4}}\.?([T_ ,]+{_CLOCK})?"
    rf"|{_CLOCK}"
    rf"|([a-z]+,? )?(\d{{1,2}}\.?[ -])?{_MONTH}\.?[ -]+\d{{1,4}}\b.*"
    r"|\d{8}[T ]\d{4,6}.*|\d{12}[WS]",
    re.IGNORECASE | re.DOTALL,
)
_STAMP = re.compile(r"\d{8,19}([.,]\d*)?")
_FORMAT = re.compile(r"[ymdhsaptz:./\-,'_ ]+", re.IGNORECASE)
_FORMAT_PART = re.compile(r"yy|hh|dd[./-]mm|mm[./-]dd|h:mm", re.IGNORECASE)


def clean_cell(cell: str) -> str:
    """Return a cell without the blanks and quotes around it."""
    return cell.strip(AROUND)


def judge_cell(cell: str) -> str:
    """Return NUMBER, STAMP, TIME, EMPTY or TEXT for a clean cell."""
    if cell.lower() in NO_READINGS:
        return EMPTY
    if len(cell) > 64:
        return TEXT
    if _STAMP.fullmatch(cell):
        return STAMP
    if _TIME.fullmatch(cell):
        return TIME
    return NUMBER if _NUMBER.fullmatch(cell) else TEXT


def is_unit(cell: str) -> bool:
    """Return whether a clean cell is a unit alone: 'Watt', '[kWh]'."""
    return cell.strip("[](){} ").lower() in UNIT_CELLS


def is_date_format(cell: str) -> bool:
    """Return whether a clean cell is a format of dates: 'yyyy-MM-dd HH:mm:ss'."""
    cell = cell.strip("[](){} ")
    return bool(_FORMAT.fullmatch(cell) and _FORMAT_PART.search(cell))
