"""The energy of a home by day, week and month, and in all, as its page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple, cast

import polars as pl

from seq2point.household import HomeEnergy
from seq2point.household.balance import ALWAYS_ON, MAINS, OTHER
from seq2point.household.calendar import PERIODS, Period


class Part(NamedTuple):
    """What a share of the mains is shown as: its name in the tables of energy, its label, and the
    class of its colour.
    """

    name: str
    label: str
    style: str


class Use(NamedTuple):
    """What something used in a while: None is unknown. Money is None without a tariff."""

    kwh: float | None
    cost: float | None
    uses: int | None
    hours_on: float | None


@dataclass(frozen=True)
class EnergyPeriod:
    """A local day, week or month: its dates, its hours, those that are known, and what was used."""

    period: Period
    start: date
    last: date
    hours: float
    hours_known: float
    uses: Mapping[str, Use]

    @property
    def id(self) -> str:
        """Its name in the page."""
        return f"{self.period}-{self.start}"

    @property
    def is_known(self) -> bool:
        """Whether anything of it is known."""
        return self.hours_known > 0

    @property
    def is_complete(self) -> bool:
        """Whether all of it is known, but for less than a tenth of an hour."""
        return self.hours - self.hours_known < 0.1

    def kwh(self, name: str) -> float:
        """Return the energy of a part; 0 where it is unknown."""
        return self.uses[name].kwh or 0.0


def list_parts(home: HomeEnergy) -> list[Part]:
    """Return what the mains are made of, from the bottom of a stack to its top."""
    appliances = [
        Part(each.name, each.label, f"p{i % 8}") for i, each in enumerate(home.appliances)
    ]
    return [
        Part(ALWAYS_ON, "always on", "p-always-on"),
        *appliances,
        Part(OTHER, "other", "p-other"),
    ]


def list_periods(home: HomeEnergy) -> dict[Period, list[EnergyPeriod]]:
    """Return all days, weeks and months of a home, in order."""
    table = home.energy
    frame = table if isinstance(table, pl.DataFrame) else pl.from_pandas(table)
    rows: dict[tuple[Period, date], list[dict[str, Any]]] = {}
    for row in frame.iter_rows(named=True):
        rows.setdefault((row["period"], _as_date(row["start"])), []).append(row)
    periods: dict[Period, list[EnergyPeriod]] = {period: [] for period in PERIODS}
    for (period, start), some in sorted(rows.items(), key=lambda pair: pair[0][1]):
        periods[period].append(_read_period(period, start, some))
    return periods


def add_up(periods: Sequence[EnergyPeriod]) -> dict[str, Use]:
    """Return what was used in several periods together, by name.

    Hours that are unknown add nothing. A cost that some known hours lack is unknown.
    """
    names = periods[0].uses if periods else {}
    known = [each for each in periods if each.is_known]
    return {name: _add([each.uses[name] for each in known]) for name in names}


def _add(uses: Sequence[Use]) -> Use:
    if not uses:
        return Use(None, None, None, None)
    columns = zip(*uses, strict=True)
    sums = [None if None in column else sum(cast("Any", column)) for column in columns]
    return Use(*cast("list[Any]", sums))


def _read_period(period: Period, start: date, rows: Sequence[Mapping[str, Any]]) -> EnergyPeriod:
    mains = next(row for row in rows if row["name"] == MAINS)
    return EnergyPeriod(
        period=period,
        start=start,
        last=_find_last(period, start),
        hours=mains["hours"],
        hours_known=mains["hours_known"],
        uses={row["name"]: _read_use(row) for row in rows},
    )


def _read_use(row: Mapping[str, Any]) -> Use:
    if not row["hours_known"]:
        return Use(None, None, None, None)
    uses = row["uses"]
    return Use(row["kwh"], row["cost"], None if uses is None else int(uses), row["hours_on"])


def _find_last(period: Period, start: date) -> date:
    if period == "month":
        return (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return start + timedelta(days=6 if period == "week" else 0)


def _as_date(value: Any) -> date:
    day: date = value.date() if hasattr(value, "date") else value
    return day
