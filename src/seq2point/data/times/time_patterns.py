"""Patterns of times in words: what a cell like '05.11.2023 00:15' is made of."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from seq2point.choices import DateOrder

if TYPE_CHECKING:
    import polars as pl

SHAPE_ROWS = 20_000
"""So many cells of a sample show all the shapes that its times have."""

SHAPES = 300
"""A column with more shapes holds words, not times."""

_WEEKDAY = r"(?:(?P<weekday>mon|tue|wed|thu|fri|sat|sun)(?P<weekday_rest>[a-z]*)(?P<comma>,? +))?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATES = (
    r"(?P<iso>0000(?P<iso_mark>[-/.])00?(?P=iso_mark)00?)",
    r"(?P<short>00?(?P<mark>[-/.])00?(?P=mark)(?P<short_year>0000|00))",
    rf"(?P<day_name>00?(?P<gap>[-/. ]*){_MONTH}(?P<gap_2>[-/., ]*)(?P<day_year>0000|00))",
    rf"(?P<name_day>{_MONTH}(?P<gap_3>[-/. ]+)00?(?P<gap_4>[-/]|, *| +)(?P<name_year>0000|00))",
    rf"(?P<name_iso>0000(?P<gap_5>[-/. ]){_MONTH}(?P=gap_5)00?)",
    r"(?P<compact>00000000)",
)
_CLOCK = (
    r"(?:(?P<between> *T *| *, *| +- +|[ \u00a0\u202f]+|[_:-])"
    r"(?P<clock>(?P<digits>0000(?:00)?)|00?(?P<point>[:.])00"
    r"(?P<second>(?P=point)00(?P<fraction>\.0{1,9}|,000(?:000){0,2})?)?))?"
    r"(?P<half>[ \u00a0\u202f]*[ap]m)?"
    r"(?P<zone> ?(?:z|utc|gmt|[+-]00(?::?00)?))?"
)
_TIME = re.compile(rf"{_WEEKDAY}(?:{'|'.join(_DATES)})(?P<dot>\.?){_CLOCK}", re.IGNORECASE)
_TIME_OF_DAY = re.compile(r"00?:00(?::00(?:[.,]0+)?)?(?:\s*[ap]m)?", re.IGNORECASE)


class TimePattern(NamedTuple):
    """A pattern of times: its date by order of day, month and year, and what follows the date.

    `kind` is 'compact' for digits without marks, else None. `more` are the other endings that
    times of the column may have: with fractions, without seconds, without hours.
    """

    date_by_order: Mapping[DateOrder, str]
    clock: str
    more: tuple[str, ...]
    says_zone: bool
    kind: Literal["compact"] | None


def list_patterns(sample: "pl.Series") -> list[TimePattern]:
    """Return the patterns of the times of a text column, that of most cells first."""
    patterns = [find_pattern(shape) for shape in _list_shapes(sample)]
    return [pattern for pattern in patterns if pattern is not None]


def holds_times_of_day(sample: "pl.Series") -> bool:
    """Return whether a column holds times of day without dates, like 00:15 or 12:15:00 AM."""
    import polars as pl

    if sample.dtype != pl.String:
        return bool(sample.dtype == pl.Time)
    shapes = _list_shapes(sample)
    return bool(shapes) and _TIME_OF_DAY.fullmatch(shapes[0]) is not None


def _list_shapes(sample: "pl.Series") -> list[str]:
    """Return the cells of a sample with 0 for every digit, each once, the most usual first."""
    cells = sample.drop_nulls().str.strip_chars()
    cells = cells.gather_every(max(1, len(cells) // SHAPE_ROWS)).alias("shape")
    counts = cells.str.replace_all("[1-9]", "0").value_counts(name="rows")
    usual = counts.sort(["rows", "shape"], descending=[True, False])
    shapes: list[str] = usual.get_column("shape").head(SHAPES).to_list()
    return shapes


def find_pattern(text: str) -> TimePattern | None:
    """Return the pattern of a time in words, whose digits may all be 0; None for other words."""
    match = _TIME.fullmatch(re.sub(r"\d", "0", text.strip()))
    if match is None or not _makes_sense(match):
        return None
    clock, more = _make_clock(match)
    weekday = ""
    if match["weekday"]:
        weekday = ("%A" if match["weekday_rest"] else "%a") + match["comma"]
    dates = {
        order: weekday + pattern + match["dot"] for order, pattern in _make_dates(match).items()
    }
    return TimePattern(
        dates, clock, more, bool(match["zone"]), "compact" if match["compact"] else None
    )


def _makes_sense(match: re.Match[str]) -> bool:
    """Return whether AM, PM and a zone follow a time of day, and what follows '-' is no zone."""
    if match["half"] and match["point"] != ":":
        return False
    if match["zone"] and not match["clock"]:
        return False
    return not (match["between"] == "-" and match["point"] and not match["second"])


def _make_dates(match: re.Match[str]) -> dict[DateOrder, str]:
    """Return the patterns of a date by order; several where the order is open."""
    if match["iso"]:
        mark = match["iso_mark"]
        return {"year-first": f"%Y{mark}%m{mark}%d"}
    if match["short"]:
        mark, year = match["mark"], _pick_year(match["short_year"])
        dates: dict[DateOrder, str] = {
            "day-first": f"%d{mark}%m{mark}{year}",
            "month-first": f"%m{mark}%d{mark}{year}",
        }
        return dates if year == "%Y" else dates | {"year-first": f"{year}{mark}%m{mark}%d"}
    if match["day_name"]:
        year = _pick_year(match["day_year"])
        return {"day-first": f"%d{match['gap']}%B{match['gap_2']}{year}"}
    if match["name_day"]:
        year = _pick_year(match["name_year"])
        return {"month-first": f"%B{match['gap_3']}%d{match['gap_4']}{year}"}
    if match["name_iso"]:
        return {"year-first": f"%Y{match['gap_5']}%B{match['gap_5']}%d"}
    return {"year-first": "%Y%m%d"}


def _pick_year(digits: str) -> str:
    return "%Y" if len(digits) == 4 else "%y"


def _make_clock(match: re.Match[str]) -> tuple[str, tuple[str, ...]]:
    """Return the pattern of all that follows a date, and those of the other endings."""
    if not match["clock"]:
        return "", ()
    zone, any_zone = _pick_zone(match["zone"] or "")
    half = f"{match['half'][:-2]}%p" if match["half"] else ""
    hour = "%I" if half else "%H"
    if match["digits"]:
        clocks = ["%H%M%S" if len(match["digits"]) == 6 else "%H%M"]
        others = [*clocks, "%H%M%S", "%H%M"]
    else:
        point = match["point"]
        minutes = f"{hour}{point}%M"
        seconds = f"{minutes}{point}%S"
        clocks = [seconds + _pick_fraction(match["fraction"]) if match["second"] else minutes]
        others = [f"{seconds}%.f", minutes]
    endings = [match["between"] + clock + half + any_zone for clock in others]
    blank_or_t = [
        ending.replace(match["between"], other, 1)
        for ending in endings
        for other in ("T", " ")
        if match["between"].strip() in ("", "T")
    ]
    return (
        match["between"] + clocks[0] + half + zone,
        tuple(dict.fromkeys([*endings, *blank_or_t, *([] if zone else [""])])),
    )


def _pick_fraction(fraction: str | None) -> str:
    """Return the pattern of a fraction of a second. One of 3, 6 or 9 digits is read fast."""
    if not fraction:
        return ""
    digits = len(fraction) - 1
    if digits in (3, 6, 9):
        return f"{fraction[0]}%{digits}f"
    return "%.f"


def _pick_zone(zone: str) -> tuple[str, str]:
    """Return the pattern of a zone, and that of any zone. 'Z' alone is read fast."""
    if not zone:
        return "", ""
    if zone.strip().lower() in ("utc", "gmt"):
        return zone, zone
    return (zone if zone.lower() == "z" else " %#z" if zone[0] == " " else "%#z"), "%#z"


def parse_texts(column: "pl.Series", patterns: Sequence[str]) -> "pl.Series":
    """Return times in words as microseconds since 1970, i64[N]; null where none matches.

    Patterns are tried in order, each on the cells that those before it left. The first reads all
    cells as they stand, which is fast; then blanks around them are dropped. Times are UTC by the
    zone that they say; without one they are as they stand.
    """
    times = column.str.to_datetime(patterns[0], strict=False, time_unit="us").to_physical()
    for pattern in patterns:
        left = (times.is_null() & column.is_not_null()).arg_true()
        if len(left) == 0:
            break
        cells = column[left].str.strip_chars()
        parsed = cells.str.to_datetime(pattern, strict=False, time_unit="us").to_physical()
        times = times.scatter(left, parsed)
    return times
