"""Numbers and counts in words, for tables, messages and pictures."""

import math

SMALLEST = 1e-4
"""Below this an exponent is easier to read than zeros after the point."""


def format_number(value: float | None, digits: int = 3) -> str:
    """Return a number with so many significant digits: '0.0123'; '-' for None.

    Digits in front of the point are never cut: '1,234' and not '1.2e+03'.
    """
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return str(value)
    if value and abs(value) < SMALLEST:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{_drop_zeros(mantissa)}e{int(exponent)}"
    decimals = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    return _drop_zeros(f"{value:,.{max(decimals, 0)}f}")


def format_seconds(seconds: float | None) -> str:
    """Return a sampling period or another short time: '6 s'; '-' for None."""
    return "-" if seconds is None else f"{format_number(seconds, 6)} s"


def format_minutes(seconds: float) -> str:
    """Return a delay in whole minutes, or in seconds below one: '39 min'."""
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"


def format_watts(power_w: float) -> str:
    """Return a power: '2,500 W'."""
    return f"{format_number(power_w, 6)} W"


def format_count(count: float, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun: '1 row', '2,000 rows', '0.5 days'."""
    number = f"{count:,}" if isinstance(count, int) else format_number(count)
    return f"{number} {noun if count == 1 else plural or f'{noun}s'}"


def _drop_zeros(number: str) -> str:
    """Return a number without the zeros at the end of its fraction."""
    return number.rstrip("0").rstrip(".") if "." in number else number
