"""The energy of each local day by appliance, of predictions as they stand."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from seq2point.household.balance import MAINS
from seq2point.household.calendar import HOUR_S, list_spans
from seq2point.recording import Recording, Watts


def tabulate_daily_energy(
    recording: Recording, power_w: Mapping[str, Watts], zone: str
) -> pl.DataFrame:
    """Return a row for each local day and each series, the mains last: start, hours, name,
    hours_known and kwh.

    `power_w` are f32[T] in watts at the samples of the recording. `kwh` is that of the known
    samples, null where none is known. Raises UsageError for an unknown zone.
    """
    times_s, hours = recording.times_s(), recording.period_s / HOUR_S
    days = list_spans(float(times_s[0]), float(times_s[-1]) + recording.period_s, zone, "day")
    day_of = np.searchsorted([day.first_s for day in days], times_s, side="right") - 1
    seen = np.unique(day_of)
    rows = []
    columns = {}
    for name, each_w in {**power_w, MAINS: recording.mains_w}.items():
        known = ~np.isnan(each_w)
        counts = np.bincount(day_of[known], minlength=len(days))
        watts = np.bincount(day_of[known], each_w[known].astype(np.float64), len(days))
        columns[name] = counts * hours, watts * hours / 1000
    for day in seen.tolist():
        for name, (hours_known, kwh) in columns.items():
            known_hours = round(float(hours_known[day]), 4)
            energy = round(float(kwh[day]), 3) if known_hours else None
            rows.append((days[day].start, days[day].hours, name, known_hours, energy))
    schema = {
        "start": pl.Date,
        "hours": pl.Float64,
        "name": pl.String,
        "hours_known": pl.Float64,
        "kwh": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")
