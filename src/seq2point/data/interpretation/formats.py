"""Formats by what people have: the columns that the usual loggers and data sets write.

A format says which columns hold what, so that nothing has to be guessed. It is recognised by its
columns, and `ColumnsConfig.format` overrides that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from seq2point.choices import DateOrder
from seq2point.data.interpretation.units import KW, KWH, WH, UnitOf, W
from seq2point.errors import DataError


@dataclass(frozen=True)
class Format:
    """The columns of a format, in snake case.

    `marks` are sets of columns: the format is recognised where a table has all of one. `time` are
    columns of times, the best first, and two joined by a blank for date and time of day. `mains`
    are references, the best first, of which each name must be there. `unit` is that of the mains
    where no name says it, `energy_unit` that of mains whose name says energy. `others` are columns
    that are no series. `writes_changes` says that it has a row for each change alone.
    """

    name: str
    title: str
    marks: Sequence[frozenset[str]] = ()
    time: Sequence[str] = ()
    mains: Sequence[str] = ()
    unit: UnitOf | None = None
    energy_unit: UnitOf | None = None
    dates: DateOrder | None = None
    others: frozenset[str] = frozenset()
    writes_changes: bool = False


def _marks(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(words.split()) for words in sets)


FORMATS = {
    each.name: each
    for each in (
        Format(
            "home-assistant",
            "Home Assistant's history",
            _marks("entity_id state last_changed", "entity_id state last_updated"),
            ("last_changed", "last_updated"),
            ("state",),
            writes_changes=True,
        ),
        Format(
            "influx",
            "InfluxDB's annotated CSV",
            _marks("result table time value", "result table time"),
            ("time",),
            ("value",),
            others=frozenset({"result", "table", "start", "stop"}),
        ),
        Format(
            "shelly",
            "Shelly's export",
            _marks(
                "a_act_power b_act_power c_act_power",
                "a_total_act_energy",
                "total_act_energy",
                "active_energy_wh returned_energy_wh",
            ),
            ("timestamp", "date_time_utc", "ts"),
            (
                "total_act_power",
                "a_act_power+b_act_power+c_act_power",
                "a_total_act_energy+b_total_act_energy+c_total_act_energy",
                "a_total_act_energy+b_total_act_energy",
                "a_total_act_energy",
                "total_act_energy",
                "active_energy_wh",
            ),
            energy_unit=WH,
        ),
        Format(
            "emporia",
            "Emporia's export",
            _marks("time_bucket"),
            ("time_bucket",),
            ("mains_a+mains_b+mains_c", "mains_a+mains_b", "mains_a"),
            KW,
            dates="month-first",
        ),
        Format(
            "p1",
            "a P1 (DSMR) smart meter's log",
            _marks(
                "power_delivered",
                "electricity_currently_delivered",
                "electricity_delivered_1 electricity_delivered_2",
                "import_t1 import_t2",
            ),
            ("timestamp", "read_at", "time"),
            (
                "power_delivered-power_returned",
                "power_delivered",
                "electricity_currently_delivered-electricity_currently_returned",
                "electricity_currently_delivered",
                "electricity_delivered_1+electricity_delivered_2",
                "import_t1+import_t2",
            ),
            KW,
            KWH,
        ),
        Format(
            "green-button",
            "a utility's Green Button file",
            _marks("start energy", "type date start_time end_time usage"),
            ("start", "date start_time"),
            ("energy", "usage"),
            dates="month-first",
        ),
        Format("emoncms", "emoncms' export", (), ("timestamp", "time", "date_time"), (), W),
        Format(
            "refit",
            "a house of REFIT",
            _marks("time unix aggregate"),
            ("unix",),
            ("aggregate",),
            W,
        ),
        Format("ukdale", "a channel of UK-DALE", (), ("column_1",), ("column_2",), W),
        Format("redd", "a channel of REDD", (), ("column_1",), ("column_2",), W),
        Format(
            "nilmtk",
            "a frame of NILMTK",
            _marks("power_active", "power_apparent"),
            (),
            ("power_active", "power_apparent"),
            W,
        ),
    )
}
TABLE = Format("table", "a table")


def find_format(plain_names: Sequence[str], chosen: str | None = None) -> Format:
    """Return the format of a table by its columns in snake case, without units; or the chosen one.

    A table of no known format is `TABLE`.
    """
    if chosen is not None:
        return FORMATS[chosen]
    names = set(plain_names)
    return next(
        (each for each in FORMATS.values() if any(mark <= names for mark in each.marks)), TABLE
    )


def require_format(layout: Format, plain_names: Sequence[str], path: object) -> None:
    """Raise DataError for a table that has none of the columns of a format that was chosen."""
    wanted = {*layout.time, *(name for ref in layout.mains for name in split_names(ref))}
    if wanted and not wanted & set(plain_names):
        raise DataError(
            f"{path}: is not {layout.title}: it has none of the columns"
            f" {', '.join(sorted(wanted))}; leave `format` out"
        )


def split_names(reference: str) -> list[str]:
    """Return the names in a reference of a format: those of 'a+b' are 'a' and 'b'."""
    return [name for part in reference.split("+") for name in part.split("-")]


COUNTERS = re.compile(r"energy|(^|_)electricity_delivered_\d$|(^|_)import_t\d$")


def find_unit_of_format(layout: Format, column: str) -> UnitOf | None:
    """Return the unit that a format writes a column of the mains in; None where it says none."""
    return layout.energy_unit if COUNTERS.search(column) and layout.energy_unit else layout.unit
