"""One known day as columns of text: a grammar of times, names, units, marks and gaps.

What is drawn is a file, what its user sets, and the right watts. `open_to` says what the file
leaves open, for which it may be refused; a file that leaves nothing open must be read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from tests.data.right_readings import Right

Watts = npt.NDArray[np.float64]
Cells = list[str]
NAN = float("nan")
PERIOD_S = 60


@dataclass
class Column:
    """A column of text: its name, its unit for a row of units, and its cells."""

    name: str
    cells: Cells
    unit: str = ""
    is_text: bool = False


@dataclass
class Drawing:
    """A file that was drawn, what its user sets, and what is right."""

    name: str
    text: bytes
    settings: dict[str, Any]
    right: Right
    open_to: list[str]


@dataclass
class Day:
    """The readings of a mains and of a kettle, one a minute, and what the file leaves open."""

    moments: list[datetime]
    mains_w: Watts
    kettle_w: Watts
    settings: dict[str, Any] = field(default_factory=dict)
    open_to: list[str] = field(default_factory=list)
    within_w: float = 0.0

    def right(self, with_kettle: bool) -> Right:
        """What is right for the file, by the times of its rows."""
        first = self.moments[0]
        places = [round((moment - first).total_seconds() / PERIOD_S) for moment in self.moments]
        mains_w = np.full(places[-1] + 1, NAN)
        kettle_w = mains_w.copy()
        mains_w[places], kettle_w[places] = self.mains_w, self.kettle_w
        appliances_w = {"kettle": kettle_w} if with_kettle else {}
        return Right(mains_w, first, PERIOD_S, appliances_w, self.within_w + 0.01)


@st.composite
def days(draw: DrawFn) -> Day:
    """A day with kettles, in which some rows may be missing."""
    start = draw(
        st.sampled_from(
            [
                datetime(2023, 11, 5, tzinfo=UTC),
                datetime(2023, 11, 25, tzinfo=UTC),
                datetime(2024, 2, 28, 22, tzinfo=UTC),
                datetime(2023, 6, 7, 13, 30, tzinfo=UTC),
            ]
        )
    )
    rows = draw(st.sampled_from([240, 1300]))
    rng = np.random.default_rng(draw(st.integers(0, 50)))
    kettle_w = np.zeros(rows)
    for first in (31, 77, 160, rows - 40):
        kettle_w[first : first + 3] = rng.integers(1800, 2700, 3)
    mains_w = kettle_w + 150 + 100 * (np.arange(rows) % 37 < 12) + rng.integers(0, 60, rows)
    kept = np.ones(rows, dtype=bool)
    if draw(st.booleans()):
        first = draw(st.integers(2, rows - 20))
        kept[first : first + draw(st.integers(1, 15))] = False
    moments = [start + timedelta(seconds=PERIOD_S * int(i)) for i in np.flatnonzero(kept)]
    return Day(moments, mains_w[kept], kettle_w[kept])


def write_decimal(value: float, decimals: int, mark: str, group: str) -> str:
    """Return a number as text; '' for a missing one."""
    text = f"{value:{',' if group else ''}.{decimals}f}"
    return text.replace(",", "\0").replace(".", mark).replace("\0", group)


PLUS_ONE = timezone(timedelta(hours=1))
LONDON = ZoneInfo("Europe/London")
ISO = "%Y-%m-%d %H:%M:%S"
TIME_NAMES = ["time", "timestamp", "Timestamp", "Datetime", "date_time", "utc", "Date", "Zeit"]
TEXT_FORMS: dict[str, Callable[[datetime], str]] = {
    "blank": lambda t: t.strftime(ISO),
    "T": lambda t: t.strftime("%Y-%m-%dT%H:%M:%S"),
    "Z": lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "ms": lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    "UTC": lambda t: t.strftime("%Y-%m-%d %H:%M:%S UTC"),
    "zero offset": lambda t: t.isoformat(sep=" "),
    "offset": lambda t: t.astimezone(PLUS_ONE).isoformat(),
    "local": lambda t: t.astimezone(LONDON).strftime(ISO),
    "minutes": lambda t: t.strftime("%Y-%m-%d %H:%M"),
    "slashes": lambda t: t.strftime("%Y/%m/%d %H:%M:%S"),
    "day first": lambda t: t.strftime("%d/%m/%Y %H:%M:%S"),
    "day first, unpadded": lambda t: f"{t.day}/{t.month}/{t.year} {t.hour}:{t.minute:02}",
    "dots": lambda t: t.strftime("%d.%m.%Y %H:%M"),
    "month first": lambda t: t.strftime("%m/%d/%Y %H:%M:%S"),
    "AM/PM": lambda t: t.strftime("%m/%d/%Y %I:%M:%S %p"),
    "name of month": lambda t: t.strftime("%d-%b-%Y %H:%M:%S"),
    "compact": lambda t: t.strftime("%Y%m%d%H%M%S"),
    "compact T": lambda t: t.strftime("%Y%m%dT%H%M%S"),
    "unix": lambda t: f"{t.timestamp():.0f}",
    "unix float": lambda t: f"{t.timestamp():.1f}",
    "unix ms": lambda t: f"{t.timestamp() * 1000:.0f}",
}
ORDERS = {"day first": "day-first", "month first": "month-first", "AM/PM": "month-first"}


@st.composite
def time_columns(draw: DrawFn, day: Day) -> list[Column]:
    """The columns of the times: one, or a date and a time of day."""
    form = draw(st.sampled_from([*TEXT_FORMS, "apart"]))
    if form == "apart":
        order = draw(st.sampled_from(["%Y-%m-%d", "%d/%m/%Y"]))
        if order == "%d/%m/%Y":
            _leave_order_open(draw, day, "day-first")
        names = draw(st.sampled_from([("Date", "Time"), ("date", "time"), ("Datum", "Uhrzeit")]))
        patterns = (order, draw(st.sampled_from(["%H:%M:%S", "%H:%M"])))
        return [
            Column(name, [t.strftime(pattern) for t in day.moments])
            for name, pattern in zip(names, patterns, strict=True)
        ]
    if form.startswith("day first"):
        _leave_order_open(draw, day, "day-first")
    elif form in ORDERS:
        _leave_order_open(draw, day, ORDERS[form])
    if form == "local":
        day.settings["zone"] = "Europe/London"
    name = draw(st.sampled_from([*TIME_NAMES, ""]))
    if draw(st.booleans()):
        name = draw(st.sampled_from(["when", "Ablesung", "Measured"]))
        day.settings["time"] = name
    return [Column(name, [TEXT_FORMS[form](t) for t in day.moments])]


def _leave_order_open(draw: DrawFn, day: Day, order: str) -> None:
    if draw(st.booleans()):
        day.settings["dates"] = order
    elif all(t.day <= 12 for t in day.moments):
        day.open_to.append("dates")


MAINS = [
    "mains", "Mains", "aggregate", "power", "Power", "total", "Total power", "use", "grid",
    "consumption", "active_power", "value", "main", "house", "Verbrauch", "demand",
]  # fmt: skip
KETTLES = ["kettle", "Kettle", "KETTLE"]
WH_FACTOR = {"W": 1.0, "kW": 1000.0, "Wh": 1.0, "kWh": 1000.0}
MARKS = ["", "unavailable", "unknown", "nan", "NaN", "null", "NULL", "-", "n/a", "None", "NA"]
NUMBER_MARKS = ["-1", "32767", "-9999"]
SHAPES = ["{} [{}]", "{} ({})", "{}_{}", "{} {}"]


@dataclass
class Style:
    """How numbers are written."""

    mark: str
    group: str


@st.composite
def series(
    draw: DrawFn, day: Day, power_w: Watts, names: Sequence[str], style: Style, says: str
) -> Column:
    """A column of readings, some of them missing; `power_w` gets the gaps."""
    measures = draw(st.sampled_from(["power", "power", "power", "energy", "counter"]))
    if power_w is day.kettle_w and measures == "counter" and _find_gaps(day).any():
        measures = "energy"  # a gap in a long rest hides all of it
    if says == "setting":
        measures = "power"
    unit = draw(st.sampled_from(["W", "kW"] if measures == "power" else ["Wh", "kWh"]))
    if says == "setting":
        unit = day.settings.setdefault("unit", unit)
    if says == "nothing":
        measures, unit = "power", "W"
    decimals = draw(st.integers(0, 2)) if measures == "power" else 3
    decimals += 3 if WH_FACTOR[unit] == 1000 else 0
    power_w[:] = np.round(power_w, 3)
    step = 10.0**-decimals * WH_FACTOR[unit]
    values = power_w / WH_FACTOR[unit]
    if measures == "power":
        day.within_w = max(day.within_w, step / 2)
    else:
        day.within_w = max(day.within_w, 60 * step)
        values = values / 60
    if measures == "counter":
        values = 4321 + np.concatenate([[0], np.cumsum(values)[:-1]])
        power_w[-1] = NAN
        power_w[np.flatnonzero(_find_gaps(day))] = NAN
    cells = [write_decimal(value, decimals, style.mark, style.group) for value in values]
    if style.group and not decimals:
        day.open_to.append("thousands")
    if style.mark == "," and decimals in (3,) and all(c[0] in "123456789" for c in cells):
        day.open_to.append("decimal")
    if measures != "counter" and draw(st.booleans()):
        mark = draw(st.sampled_from([*MARKS, *(NUMBER_MARKS if measures == "power" else [])]))
        for row in draw(st.lists(st.integers(0, len(cells) - 1), max_size=9)):
            cells[row], power_w[row] = mark, NAN
    name = draw(st.sampled_from(names))
    if says == "names":
        name = draw(st.sampled_from(SHAPES)).format(name, unit)
    return Column(name, cells, unit if says == "row" else "")


def _find_gaps(day: Day) -> npt.NDArray[np.bool_]:
    return np.diff([t.timestamp() for t in day.moments]) > PERIOD_S


@st.composite
def others(draw: DrawFn, rows: int, style: Style) -> list[Column]:
    """Columns of something else."""
    rng = np.random.default_rng(rows)

    def numbers(middle: float, decimals: int) -> Cells:
        values = middle + rng.integers(-20, 20, rows) / 10
        return [write_decimal(value, decimals, style.mark, "") for value in values]

    known = {
        "voltage": Column("voltage", numbers(230, 1), "V"),
        "volts": Column("Voltage (V)", numbers(230, 2), "V"),
        "current": Column("current [A]", numbers(5, 2), "A"),
        "factor": Column("power_factor", numbers(3, 2)),
        "hertz": Column("frequency", numbers(50, 2), "Hz"),
        "weather": Column("temperature", numbers(12, 1), "°C"),
        "humid": Column("humidity", numbers(60, 0), "%"),
        "sun": Column("solar", numbers(30, 1), "W"),
        "sky": Column("summary", ["clear" if i % 50 else "Regen" for i in range(rows)]),
        "note": Column("comment", ["" if i % 90 else "Küche" for i in range(rows)], is_text=True),
        "number": Column("row", [str(i) for i in range(rows)]),
        "cost": Column("cost", numbers(4, 2), "EUR"),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(known)), max_size=3, unique=True))
    return [known[name] for name in chosen]
