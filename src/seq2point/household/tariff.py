"""Tariffs: what a kilowatt-hour costs: always the same, by the hours of the day, or by a table."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.errors import UsageError
from seq2point.household.calendar import find_local_minutes

DAY_MINUTES = 24 * 60
SYMBOLS = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "JPY"}
MINOR = {"p": "GBP", "pence": "GBP"}
"""Hundredths of a currency that are of no other: cents are of several."""
CENTS = ("c", "ct", "cent", "cents")
PLAIN_BELOW = 5.0
"""A price without a currency is below this: 30 may be pence or cents, 0.30 cannot."""

MOST_LISTED = 4  # prices of hours in a line

EXAMPLES = "'0.30 GBP', '0.30 EUR, 0.18 23:00-07:00', or a table of half-hours, prices.csv"

RATE = re.compile(
    r"(?:(?:day|night|else|peak|off-peak)[\s=:]+)?(?P<before>[£€$¥]?)\s*(?P<price>-?\d+(?:[.,]\d+)?)"
    r"\s*(?P<unit>[^\W\d_]+|[£€$¥])?\s*(?:/\s*kWh)?"
    r"(?:\s*@?\s*(?P<first>\d{1,2}:\d\d)\s*-\s*(?P<end>\d{1,2}:\d\d))?",
    re.IGNORECASE,
)

Prices = npt.NDArray[np.float64]


class RateHours(NamedTuple):
    """A price for each kWh from one time of the local day to another, in minutes since midnight.

    Where `first` is not before `end` the hours go past midnight.
    """

    price: float
    first: int
    end: int

    def cover(self, minutes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which minutes of the day are within the hours."""
        after, before = minutes >= self.first, minutes < self.end
        return after & before if self.first < self.end else after | before

    def __str__(self) -> str:
        first, end = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (self.first, self.end))
        return f"{self.price:g} from {first} to {end}"


@dataclass(frozen=True, eq=False)
class Tariff:
    """What a kWh costs: `price`, but in `hours` of the local day; or a table of prices.

    `currency` is '' where none was said. A table has prices f64[N] by the times `starts_s` f64[N]
    from which they hold, in seconds since 1970, for `holds_s` f64[N]; `source` is its file.
    """

    currency: str = ""
    price: float = 0.0
    hours: tuple[RateHours, ...] = ()
    starts_s: Prices | None = None
    prices: Prices | None = None
    holds_s: Prices | None = None
    source: str = ""

    @staticmethod
    def parse(text: "TariffLike", columns: ColumnsConfig = DEFAULT_COLUMNS) -> "Tariff":
        """Return the tariff that a text, a number or the file of a table says.

        A text is a price, '0.30 GBP', then prices of some hours: '0.30 GBP, 0.18 23:00-07:00'. A
        table is a file with a time and a price in each row, half-hours usually. `columns` say how
        its times are read.
        Raises UsageError for a text that is ambiguous, with the choices, and DataError for a table
        that cannot be read.
        """
        if isinstance(text, Tariff):
            return text
        path = Path(str(text))
        if isinstance(text, Path) or path.suffix.lower() in (".csv", ".parquet", ".pq"):
            from seq2point.household.price_table import read_price_table

            return read_price_table(path, columns)
        return _parse_rates(str(text))

    @property
    def kind(self) -> Literal["flat", "hours", "table"]:
        """Whether there is one price, prices by the hours of the day, or a table."""
        if self.starts_s is not None:
            return "table"
        return "hours" if self.hours else "flat"

    def find_prices(self, times_s: Prices, zone: str) -> Prices:
        """Return what a kWh costs at UTC times f64[N] in a zone, f64[N]; NaN where unknown."""
        if self.starts_s is not None and self.prices is not None and self.holds_s is not None:
            row = np.searchsorted(self.starts_s, times_s, side="right") - 1
            holds = (row >= 0) & (times_s < self.starts_s[row] + self.holds_s[row])
            return np.where(holds, self.prices[row], np.nan)
        prices = np.full(len(times_s), self.price)
        if self.hours:
            minutes = find_local_minutes(times_s, zone)
            for rate in self.hours:
                prices[rate.cover(minutes)] = rate.price
        return prices

    def describe(self) -> str:
        """Return the tariff in words: '0.3 GBP a kWh, 0.18 from 23:00 to 07:00'."""
        currency = f" {self.currency}" if self.currency else ""
        if len(self.hours) > MOST_LISTED:
            return f"{self.price:g}{currency} a kWh and others by the hour, by {self.source}"
        if self.prices is not None:
            low, high = float(self.prices.min()), float(self.prices.max())
            return f"{low:g} to {high:g}{currency} a kWh, by {self.source}"
        return ", ".join([f"{self.price:g}{currency} a kWh", *map(str, self.hours)])


TariffLike = Tariff | str | float | Path
"""A tariff, or what `Tariff.parse` makes one of."""


def _parse_rates(text: str) -> Tariff:
    parts = [part.strip() for part in re.split(r";|,(?=\s)", text) if part.strip()]
    matches = [_match_rate(part, text) for part in parts]
    if not matches:
        raise UsageError(f"{text!r}: no price; expected for example {EXAMPLES}", field="tariff")
    currency = _find_currency(matches, text)
    hours = tuple(
        RateHours(_find_price(match), *_parse_hours(match, text))
        for match in matches
        if match["first"] is not None
    )
    covered = np.zeros(DAY_MINUTES, int)
    for rate in hours:
        covered += rate.cover(np.arange(DAY_MINUTES))
    if covered.max() > 1:
        minute = int(np.argmax(covered))
        raise UsageError(
            f"'{text}': two prices hold at {minute // 60:02d}:{minute % 60:02d}: change the hours"
            " of one",
            field="tariff",
        )
    others = [_find_price(match) for match in matches if match["first"] is None]
    if len(others) == 1:
        return Tariff(currency, others[0], hours)
    if not others and covered.all():
        return Tariff(currency, hours[0].price, hours)
    problem = "which hours do the prices hold for?" if others else "what does the rest cost?"
    raise UsageError(
        f"'{text}': {problem} Give one price without hours and hours with each other one:"
        " '0.30 GBP, 0.18 23:00-07:00'",
        field="tariff",
    )


def _match_rate(part: str, text: str) -> re.Match[str]:
    match = RATE.fullmatch(part)
    if match is None:
        raise UsageError(
            f"'{text}': unclear price '{part}'; expected for example {EXAMPLES}", field="tariff"
        )
    return match


def _find_price(match: re.Match[str]) -> float:
    price = float(match["price"].replace(",", "."))
    return price / 100 if (match["unit"] or "").lower() in MINOR else price


def _find_currency(matches: list[re.Match[str]], text: str) -> str:
    """Return the currency of all prices; '' where none is said and the prices cannot be cents."""
    currencies = {_read_unit(match, text) for match in matches}
    said = sorted(currencies - {""})
    if len(said) > 1:
        raise UsageError(f"'{text}': prices in {' and '.join(said)}: say one", field="tariff")
    plain = [match for match in matches if not _read_unit(match, text)]
    minor = any((match["unit"] or "").lower() in MINOR for match in matches)
    high = next((match for match in plain if _find_price(match) >= PLAIN_BELOW), None)
    if plain and (minor or (high is not None and not said)):
        price = (high or plain[0])["price"]
        raise UsageError(
            f"'{text}': {price} of what for a kWh? Say '{price} GBP', '{price} EUR' or another"
            f" currency, or '{price} p' for pence; 30 cents are '0.30 EUR'",
            field="tariff",
        )
    return said[0] if said else ""


def _read_unit(match: re.Match[str], text: str) -> str:
    unit = match["before"] or match["unit"] or ""
    if unit in SYMBOLS:
        return SYMBOLS[unit]
    if unit.lower() in CENTS:
        price = f"{float(match['price'].replace(',', '.')) / 100:g}"
        raise UsageError(
            f"'{text}': cents of which currency? Say '{price} EUR', '{price} USD' or another",
            field="tariff",
        )
    if unit.lower() in MINOR:
        return MINOR[unit.lower()]
    if unit and not re.fullmatch("[A-Za-z]{3}", unit):
        raise UsageError(
            f"'{text}': unknown currency '{unit}': expected three letters, as GBP, EUR or USD",
            field="tariff",
        )
    return unit.upper()


def _parse_hours(match: re.Match[str], text: str) -> tuple[int, int]:
    """Return the first minute of the day and the end of a rate's hours; 24:00 is the day's end."""
    minutes = []
    for clock in (match["first"], match["end"]):
        hour, minute = map(int, clock.split(":"))
        if hour * 60 + minute > DAY_MINUTES or minute > 59:
            raise UsageError(f"'{text}': no time of day '{clock}'", field="tariff")
        minutes.append(hour * 60 + minute)
    first, end = minutes[0] % DAY_MINUTES, minutes[1]
    if first == end or (first == 0 and end == DAY_MINUTES):
        raise UsageError(
            f"'{text}': the hours {match['first']}-{match['end']} are none or the whole day: give"
            " the price alone for the whole day",
            field="tariff",
        )
    return first, end
