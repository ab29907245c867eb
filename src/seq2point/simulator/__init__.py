"""The simulator: synthetic houses from a seed, for demos, tests and training without data."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from seq2point.appliances import APPLIANCES, find_appliance
from seq2point.configuration.arguments import gather_names
from seq2point.errors import UsageError
from seq2point.recording import Recording
from seq2point.simulator.averaging import PeriodMeans
from seq2point.simulator.habits import DAY_S
from seq2point.simulator.house import NAMES, House

__all__ = ["simulate_house"]

_MOST_DAYS = 36525  # a century


def simulate_house(
    seed: int,
    days: float = 14,
    period_s: float = 6.0,
    appliances: Sequence[str] = tuple(APPLIANCES),
    start: datetime = datetime(2025, 1, 6, tzinfo=UTC),
    house: str | None = None,
    owned: Sequence[str] | None = None,
) -> Recording:
    """Return the recording of a synthetic house: mains and appliances in watts, without gaps.

    Each series is f32[days * 86400 / period_s]. The seed decides the makes, powers, habits and
    other devices. The same arguments give the same bytes, and a longer run begins with the shorter
    one. The house owns all five appliances, or those in `owned`: the column of another one is zero.
    No column depends on the choice of `appliances`. One house in twelve has solar panels, and its
    mains reads an export as zero or as positive.
    A column is what its plug meter reads, clipped at the table's maximum as published data are. The
    mains has its own meter and is never exactly a sum. Habits follow the hours of UTC. Power is
    simulated at 1 s, day by day, and averaged over periods, so that little memory is needed.
    Raises UsageError for an unknown appliance, for a start without a time zone, and for a seed,
    days or a period out of range.
    """
    columns = list(dict.fromkeys(find_appliance(name).name for name in gather_names(appliances)))
    has = NAMES if owned is None else [find_appliance(name).name for name in gather_names(owned)]
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
            f"{days} days hold no sample of {period_s} s: choose more days or a shorter period"
        )
    if start.tzinfo is None:
        raise UsageError(
            f"the start {start.isoformat()} has no time zone: add one, for example UTC"
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

    home = House(int(seed), first_day, columns, has)
    home.skip_day()  # the day before: its activations reach into the first one
    means = PeriodMeans(period_s, skip_s=(start - midnight).total_seconds())
    meter_names = [*columns, "mains"]
    limits_w = [APPLIANCES[name].max_power_w for name in columns] + [math.inf]
    result = np.empty((len(limits_w), length), np.float32)
    done = 0
    while done < length:
        means_w = means.add(home.simulate_day())
        end = min(done + means_w.shape[1], length)
        rows = zip(result, meter_names, home.meters, means_w, limits_w, strict=True)
        for column, name, meter, mean_w, limit_w in rows:
            read_w = meter.read(mean_w, period_s, home.open_noise(name))
            column[done:end] = np.minimum(read_w, limit_w)[: end - done]
        done = end
    return Recording(
        house if house is not None else f"simulated {seed}",
        float(period_s),
        result[-1],
        dict(zip(columns, result[:-1], strict=True)),
        start,
    )
