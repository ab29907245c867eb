"""Times of day in a column of their own, beside a column of dates."""

import polars as pl

from seq2point.data.interpretation.sample import Sample
from seq2point.data.times.time_patterns import holds_times_of_day

CLOCK_NAMES = {"time", "hour", "start_time", "zeit", "uhrzeit", "hora", "tijd", "ora", "clock"}
MOST_ROWS_A_DAY = 1.5  # rows of one date; more, and the date alone is no time


def find_clock_column(sample: Sample, name: str) -> str | None:
    """Return the column of times of day that belongs to a column of dates; None for no such pair.

    A column of times of day alone is its own.
    """
    texts = sample.frame[name]
    if holds_times_of_day(texts):
        return name
    if texts.dtype not in (pl.String, pl.Date):
        return None
    if ":" in str(texts.drop_nulls().first()):
        return None
    dates = texts.drop_nulls()
    if len(dates) <= MOST_ROWS_A_DAY * dates.n_unique():
        return None
    others = [other for other in sample.file.names if other != name]
    clocks = [other for other in others if holds_times_of_day(sample.frame[other])]
    by_name = [c for c in clocks if sample.plain_names[c] in CLOCK_NAMES]
    return next(iter(by_name or clocks), None)
