"""Amounts, dates and times, as a home's page writes them."""

from datetime import UTC, date, datetime, timedelta

from seq2point.household.calendar import Period

SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}
"""Currencies that are written by a sign before the amount."""
UNKNOWN = "–"
"""Stands where an amount is not known."""
EPOCH = date(1970, 1, 1)
"""The first day of a recording without times."""


def format_kwh(kwh: float | None, decimals: int = 2) -> str:
    """Return an energy without its unit: '0.42'; '<0.01' where it would round to nothing."""
    return UNKNOWN if kwh is None else _format_amount(kwh, decimals)


def format_cost(cost: float | None, currency: str) -> str:
    """Return an amount of money: '£2.40', '2.40 CHF'; without a currency '2.40'."""
    if cost is None:
        return UNKNOWN
    sign = SYMBOLS.get(currency, currency if not currency.isalnum() else "")
    return f"{sign}{cost:,.2f}" + (f" {currency}" if currency and not sign else "")


def format_hours(hours: float) -> str:
    """Return hours with one decimal where they are not whole: '24', '7.5'."""
    return f"{hours:,.1f}".removesuffix(".0")


def format_share(share: float | None) -> str:
    """Return a share in percent: '12 %'; '<1 %' where it would round to nothing."""
    if share is None:
        return UNKNOWN
    return "<1 %" if 0 < share < 0.005 else f"{share:.0%}".replace("%", " %")


def format_duration(seconds: float) -> str:
    """Return how long something took: '3 min', '1 h 25 min'."""
    minutes = max(round(seconds / 60), 1)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def format_watts(power_w: float) -> str:
    """Return a power: '142 W', '2.3 kW'."""
    return f"{power_w:,.0f} W" if power_w < 1000 else f"{power_w / 1000:,.1f} kW"


def format_date(day: date, is_dated: bool = True, weekday: bool = True) -> str:
    """Return a date: 'Mon 6 Jan 2025'; 'Day 3' of a recording without times."""
    if not is_dated:
        return f"Day {(day - EPOCH).days + 1}"
    name = f"{day.day} {day:%b} {day.year}"
    return f"{day:%a} {name}" if weekday else name


def format_period(start: date, last: date, period: Period, is_dated: bool = True) -> str:
    """Return a day, a week or a month in words, by its first and its last date."""
    if period == "day":
        return format_date(start, is_dated)
    if not is_dated:
        return f"Days {(max(start, EPOCH) - EPOCH).days + 1} to {(last - EPOCH).days + 1}"
    if period == "week":
        return f"Week of {format_date(start, weekday=False)}"
    return f"{start:%B} {start.year}"


def format_clock(local_s: float, is_dated: bool = True) -> str:
    """Return what a clock shows: 'Mon 6 Jan 2025 14:05', from local seconds."""
    when = datetime.fromtimestamp(local_s, UTC) + timedelta(seconds=30)
    return f"{format_date(when.date(), is_dated)} {when:%H:%M}"


def make_sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a stop at its end."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def _format_amount(amount: float, decimals: int) -> str:
    if 0 < amount < 0.5 * 10**-decimals:
        return f"<{10**-decimals:.{decimals}f}"
    return f"{amount:,.{decimals}f}"
