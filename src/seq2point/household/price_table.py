"""Tables of prices: a time and a price in each row, dated or of every day."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.data.table_file import TableFile, list_columns, open_table_file
from seq2point.data.times.time_numbers import to_floats, to_numbers
from seq2point.data.times.timestamps import Clock
from seq2point.errors import DataError
from seq2point.household.tariff import DAY_MINUTES, PLAIN_BELOW, SYMBOLS, Prices, RateHours, Tariff

LONGEST_S = 3600.0
"""A price of a dated time holds until the next one, and for an hour at most."""

TIME_NAMES = ("time", "start", "valid_from", "from", "hour", "date", "timestamp", "datetime")
END_NAMES = ("valid_to", "to", "end", "until")
PRICE_NAMES = ("price", "value_inc_vat", "rate", "tariff", "cost", "unit_rate")
PENCE_NAMES = ("value_inc_vat", "value_exc_vat", "unit_rate_inc_vat")
"""The columns of prices of an energy supplier's files, which are in pence."""

UNIT = re.compile(r"(?<![^\W_])(p|[A-Z]{3}|£|€|\$|c|ct)\s*(?:/|_per_|\s+per\s+)\s*([kM]Wh)")
CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::00)?")


class _Unit(NamedTuple):
    currency: str
    factor: float


def read_price_table(path: Path, columns: ColumnsConfig = DEFAULT_COLUMNS) -> Tariff:
    """Return the tariff of a table: its times are dated, or times of the day that hold every day.

    Times without a zone are those of `columns.zone`. The column of prices says its unit, 'price
    [p/kWh]' or 'EUR/MWh'; a price without one must be too low for pence.
    Raises DataError for a table without the two columns, a price that is no number, a time that is
    unreadable or comes twice, and a unit that stays open.
    """
    file = open_table_file(path, columns)
    time, price = _find_columns(file)
    frame = pl.concat([piece.frame for piece in file.read_pieces([time, price])])
    if not len(frame):
        raise DataError(f"{path}: holds no rows")
    prices = _read_prices(file, frame[price])
    unit = _find_unit(path, price, prices)
    prices = prices * unit.factor
    if frame[time].dtype == pl.String and (minutes := _read_minutes(frame[time])) is not None:
        return _make_profile(path, unit.currency, minutes, prices)
    times_s = _read_times(file, frame[time], columns.zone)
    if times_s[0] > times_s[-1]:
        times_s, prices = _read_times(file, frame[time].reverse(), columns.zone), prices[::-1]
    steps_s = np.diff(times_s)
    if (steps_s <= 0).any():
        row = int(np.flatnonzero(steps_s <= 0)[0]) + 1
        raise DataError(
            f"{path}: the times go back or repeat at row {row + 1}; sort the table and drop repeats"
        )
    usual_s = float(np.median(steps_s)) if len(steps_s) else LONGEST_S
    if usual_s > LONGEST_S:
        raise DataError(
            f"{path}: a price every {usual_s / 3600:g} hours; a table of dated times has one for"
            " each half-hour, or each hour"
        )
    holds_s = np.minimum(np.append(steps_s, usual_s), LONGEST_S)
    return Tariff(unit.currency, 0.0, (), times_s, prices, holds_s, path.name)


def _find_columns(file: TableFile) -> tuple[str, str]:
    """Return the columns of times and of prices: by their names, else the only ones left."""
    plain = {name: re.split(r"[\[(]", name)[0].strip().lower() for name in file.names}
    used = {name for name, word in plain.items() if word in END_NAMES}
    left = [name for name in file.names if name not in used]
    time = next((name for word in TIME_NAMES for name in left if plain[name] == word), None)
    time = time or (left[0] if left else None)
    rest = [name for name in left if name != time]
    by_name = [name for word in PRICE_NAMES for name in rest if plain[name].startswith(word)]
    by_name += [name for name in rest if UNIT.search(name)]
    price = by_name[0] if by_name else (rest[0] if len(rest) == 1 else None)
    if time is None or price is None:
        raise DataError(
            f"{file.path}: a table of prices has a column 'time' and one called 'price [GBP/kWh]'"
            f" (columns here: {list_columns(file.names)})"
        )
    return time, price


def _read_prices(file: TableFile, column: pl.Series) -> Prices:
    prices = to_floats(to_numbers(column))
    if len(bad := np.flatnonzero(~np.isfinite(prices))):
        row = int(bad[0])
        cell = column[row]
        problem = "is missing" if cell is None or cell != cell else f"'{cell}' is not a number"
        raise DataError(
            f"{file.path}, row {row + 1}: the price {problem}; write it as 0.30, and leave out rows"
            " without a price"
        )
    return prices


def _find_unit(path: Path, name: str, prices: Prices) -> _Unit:
    """Return the currency of a column of prices, and what makes them prices of a kWh in it."""
    match = UNIT.search(name)
    if match is None:
        if name.lower() in PENCE_NAMES:
            return _Unit("GBP", 0.01)
        if np.abs(prices).max() < PLAIN_BELOW:
            return _Unit("", 1.0)
        raise DataError(
            f"{path}: '{name}' goes up to {np.abs(prices).max():g}, of what for a kWh? Say it in"
            " the heading: 'price [GBP/kWh]', 'price [p/kWh]' or 'price [EUR/MWh]'"
        )
    currency, energy = match.groups()
    if currency in ("c", "ct"):
        raise DataError(
            f"{path}: '{name}' has cents of which currency? Write prices as 0.30 under 'price"
            " [EUR/kWh]' or another currency"
        )
    factor = 0.001 if energy == "MWh" else 1.0
    if currency == "p":
        return _Unit("GBP", factor / 100)
    return _Unit(SYMBOLS.get(currency, currency), factor)


def _read_minutes(column: pl.Series) -> list[int] | None:
    """Return the minutes since midnight of times of the day; None for other cells."""
    matches = [CLOCK.fullmatch(cell or "") for cell in column.to_list()]
    return (
        [int(match[1]) * 60 + int(match[2]) for match in matches if match] if all(matches) else None
    )


def _make_profile(path: Path, currency: str, minutes: Sequence[int], prices: Prices) -> Tariff:
    """Return the tariff of prices by the time of day, each until the next."""
    if minutes[0] != 0 or list(minutes) != sorted(set(minutes)) or minutes[-1] >= DAY_MINUTES:
        raise DataError(f"{path}: the times of the day must begin at 00:00 and ascend, each once")
    ends = [*minutes[1:], DAY_MINUTES]
    hours = tuple(
        RateHours(float(price), first, end)
        for first, end, price in zip(minutes, ends, prices, strict=True)
    )
    return Tariff(currency, hours[0].price, hours, source=path.name)


def _read_times(file: TableFile, column: pl.Series, zone: str | None) -> Prices:
    times_s = Clock(zone).to_seconds(column)
    if len(bad := np.flatnonzero(np.isnan(times_s))):
        row = int(bad[0])
        raise DataError(
            f"{file.path}: the time '{column[row]}' is unreadable; write times like"
            " 2024-03-31T07:30:00Z or 00:00, 00:30, ... for every day"
        )
    return times_s
