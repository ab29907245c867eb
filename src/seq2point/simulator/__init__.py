"""Synthetic houses: recordings of any length from a seed, for demos, tests and training without
data.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from seq2point.appliances import APPLIANCES, find_appliance
from seq2point.errors import UsageError
from seq2point.recording import Recording
from seq2point.simulator.averaging import PeriodMeans
from seq2point.simulator.habits import DAY_S
from seq2point.simulator.house import NAMES, House

__all__ = ["simulate_house"]

_MOST_DAYS = 36525


def simulate_house(
    seed: int,
    days: float = 14,
    period_s: float = 6.0,
    appliances: Sequence[str] = tuple(APPLIANCES),
    start: datetime = datetime(2025, 1, 6, tzinfo=UTC),
    house: str | None = None,
) -> Recording:
    """A household that never was: mains and appliances in watts, f32[days * 86400 / period_s],
    without gaps.

    The seed decides the makes, powers, habits and the other devices; the same arguments give the
    same bytes, a longer run begins with the shorter one, and neither mains nor columns depend on
    which `appliances` are asked for: the house owns all five. A column is what its plug meter
    reads, cut at the table's maximum as published carriers do; the mains has a meter of its own, so
    it is never exactly a sum. Hours of habits are hours of UTC. Power is made at 1 s, day by day,
    and averaged over periods, so memory beyond the result stays small.
    Raises UsageError for an unknown appliance, a naive start, or days, period or seed out of range.
    """
    asked = [appliances] if isinstance(appliances, str) else appliances
    columns = list(dict.fromkeys(find_appliance(name).name for name in asked))
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise UsageError(f"the simulator's seed is {seed!r}: give a whole number from 0")
    if not 0.1 <= period_s <= DAY_S:
        raise UsageError(
            f"the sampling period is {period_s} s: choose one between 0.1 and {DAY_S} s"
        )
    if not 0 < days <= _MOST_DAYS:
        raise UsageError(
            f"cannot simulate {days} days: choose a number above 0 and up to {_MOST_DAYS}"
        )
    length = round(days * DAY_S / period_s)
    if length < 1:
        raise UsageError(
            f"{days} days hold no sample of {period_s} s: ask for more days or a shorter period"
        )
    if start.tzinfo is None:
        raise UsageError(
            f"the start {start.isoformat()} has no time zone: say which, for example UTC"
        )
    try:
        start = start.astimezone(UTC)
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        first_day = (midnight - timedelta(days=1)).toordinal()
        midnight + timedelta(days=math.ceil(days) + 2)
    except OverflowError:
        raise UsageError(
            f"{days} days from {start.date()} leave the calendar: choose another start"
        ) from None

    built = House(int(seed), first_day)
    built.next_day()
    means = PeriodMeans(period_s, skip_s=(start - midnight).total_seconds())
    wanted = [NAMES.index(name) for name in columns] + [len(NAMES)]
    limits_w = [APPLIANCES[name].max_power_w for name in columns] + [math.inf]
    result = np.empty((len(wanted), length), np.float32)
    filled = 0
    while filled < length:
        powers_w, noise = built.next_day()
        mean_w = means.add(powers_w)
        draws = noise.spawn(len(NAMES) + 1)
        end = min(filled + mean_w.shape[1], length)
        for column, row, limit_w in zip(result, wanted, limits_w, strict=True):
            read_w = built.meters[row].read(mean_w[row], period_s, draws[row])
            column[filled:end] = np.minimum(read_w, limit_w)[: end - filled]
        filled = end
    name = house if house is not None else f"simulated {seed}"
    return Recording(
        name, float(period_s), result[-1], dict(zip(columns, result[:-1], strict=True)), start
    )
