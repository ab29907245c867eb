"""Days: what each part of the mains used on the last local days, and what it cost."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2point.household.calendar import CalendarSpan, list_spans
from seq2point.household.tariff import Tariff
from seq2point.live.history import QUARTER_S
from seq2point.live.mains_parts import MAINS
from seq2point.live.page.time_sums import TimeSums
from seq2point.live.store import DAY_S, HOUR_S

SHOWN_DAYS = 14


class DaySums(NamedTuple):
    """Joules and known seconds by the quarter of an hour, up to a time."""

    quarters: TimeSums
    end_s: float


def list_days(
    sums: DaySums, names: Sequence[str], zone: str, tariff: Tariff | None
) -> list[dict[str, Any]]:
    """Return the last days with some known time, and today: date, hours, kWh and cost by name.

    A cost is None without a tariff, and where a price is not known.
    """
    first_s = sums.end_s - SHOWN_DAYS * DAY_S  # a day of 25 hours is longer than most
    days = [
        _describe_day(sums.quarters, span, names, zone, tariff)
        for span in list_spans(first_s, sums.end_s, zone, "day")[-SHOWN_DAYS:]
    ]
    known = [i for i, day in enumerate(days) if day["hours_known"] > 0]
    return days[known[0] :] if known else days[-1:]


def _describe_day(
    quarters: TimeSums, span: CalendarSpan, names: Sequence[str], zone: str, tariff: Tariff | None
) -> dict[str, Any]:
    first_s = math.floor(span.first_s / QUARTER_S) * QUARTER_S
    end_s = math.floor(span.end_s / QUARTER_S) * QUARTER_S
    prices = None
    if tariff is not None:
        prices = tariff.find_prices(np.arange(first_s, end_s, QUARTER_S, dtype=float), zone)
    kwh: dict[str, float | None] = {}
    cost: dict[str, float | None] = {}
    for name in names:
        joules, seconds = quarters.read(name, first_s, end_s)
        each_kwh, is_known = joules / HOUR_S / 1000, bool(seconds.any())
        kwh[name] = round(float(each_kwh.sum()), 3) if is_known else None
        if prices is not None:
            used = each_kwh > 0
            amount = float((each_kwh[used] * prices[used]).sum())
            cost[name] = round(amount, 4) if is_known and math.isfinite(amount) else None
    _, known_s = quarters.read(MAINS, first_s, end_s)
    return {
        "date": span.start.isoformat(),
        "hours": round(span.hours, 2),
        "hours_known": round(float(known_s.sum()) / HOUR_S, 2),
        "kwh": kwh,
        "cost": cost if prices is not None else None,
    }
