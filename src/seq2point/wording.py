"""Numbers and counts as people read them: in tables, messages and pictures. Files for programs keep
the numbers themselves.
"""

import math

SMALLEST = 1e-4
"""Below this the zeros after the point are harder to read than an exponent."""


def format_number(value: float | None, digits: int = 3) -> str:
    """A number to so many significant digits, but whole in front of the point: 1,234 and 0.0123,
    never 1.2e+03; '-' for none.
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
    """A sampling period or another short time: 6 s; '-' for none."""
    return "-" if seconds is None else f"{format_number(seconds, 6)} s"


def format_watts(power_w: float) -> str:
    """A power as it was read: 2,500 W."""
    return f"{format_number(power_w, 6)} W"


def format_count(count: float, noun: str, plural: str | None = None) -> str:
    """A count with its noun: 1 row, 2,000 rows, 0.5 days."""
    number = f"{count:,}" if isinstance(count, int) else format_number(count)
    return f"{number} {noun if count == 1 else plural or f'{noun}s'}"


def _drop_zeros(number: str) -> str:
    """Drop zeros at the end that stand behind a point."""
    return number.rstrip("0").rstrip(".") if "." in number else number
