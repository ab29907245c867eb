"""Local days, weeks and months as spans of time, on days of 23, 24 and 25 hours."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point import UsageError
from seq2point.household.calendar import PERIODS, find_local_minutes, floor_date, list_spans

ZONES = ("Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC")


def seconds(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2024, 3, 31), 23.0), (date(2024, 10, 27), 25.0), (date(2024, 7, 1), 24.0)],
)
def test_the_days_of_london_have_23_24_and_25_hours(day: date, hours: float):
    noon_s = seconds(day.year, day.month, day.day, 12)
    (span,) = list_spans(noon_s, noon_s + 60, "Europe/London", "day")
    assert (span.start, span.hours) == (day, hours)


def test_a_summer_day_of_london_begins_an_hour_before_that_of_utc():
    (span,) = list_spans(seconds(2024, 7, 1, 12), seconds(2024, 7, 1, 13), "Europe/London", "day")
    assert span.first_s == seconds(2024, 6, 30, 23)


def test_a_week_begins_on_monday_and_a_month_on_its_first():
    first_s, end_s = seconds(2024, 2, 28, 12), seconds(2024, 3, 4)
    weeks = list_spans(first_s, end_s, "UTC", "week")
    months = list_spans(first_s, end_s, "UTC", "month")
    assert [(week.start, week.hours) for week in weeks] == [(date(2024, 2, 26), 168.0)]
    assert [(month.start, month.hours) for month in months] == [
        (date(2024, 2, 1), 29 * 24.0),
        (date(2024, 3, 1), 31 * 24.0),
    ]


def test_a_date_that_a_zone_skipped_has_no_span():
    spans = list_spans(seconds(2011, 12, 28), seconds(2012, 1, 1), "Pacific/Apia", "day")
    assert date(2011, 12, 30) not in [span.start for span in spans]
    assert all(a.end_s == b.first_s for a, b in itertools.pairwise(spans))


def test_a_day_whose_midnight_does_not_exist_begins_when_the_clock_has_leapt():
    # In Beirut the clock went from 2024-03-30 24:00 to 2024-03-31 01:00.
    noon_s = seconds(2024, 3, 31, 12)
    (span,) = list_spans(noon_s, noon_s + 60, "Asia/Beirut", "day")
    assert (span.hours, span.first_s) == (23.0, seconds(2024, 3, 30, 22))


def test_an_unknown_zone_is_refused():
    with pytest.raises(UsageError, match="unknown time zone 'Europe/Londn'"):
        list_spans(0, 1, "Europe/Londn", "day")


@given(
    st.integers(0, 2_000_000_000),
    st.integers(1, 100 * 86400),
    st.sampled_from(ZONES),
    st.sampled_from(PERIODS),
)
def test_spans_cover_the_time_without_gap_or_overlap(
    first_s: int, length_s: int, zone: str, period: str
):
    spans = list_spans(first_s, first_s + length_s, zone, period)
    assert spans[0].first_s <= first_s
    assert spans[-1].first_s < first_s + length_s <= spans[-1].end_s
    assert all(a.end_s == b.first_s for a, b in itertools.pairwise(spans))
    for span in spans:
        begins = datetime.fromtimestamp(span.first_s, ZoneInfo(zone))
        assert (begins.date(), begins.time().isoformat()) == (span.start, "00:00:00")
        assert floor_date(span.start, period) == span.start


@given(st.integers(0, 2_000_000_000), st.sampled_from(ZONES))
def test_local_minutes_are_those_of_the_clock(time_s: int, zone: str):
    clock = datetime.fromtimestamp(time_s, ZoneInfo(zone))
    minutes = find_local_minutes(np.array([float(time_s)]), zone)
    assert minutes.tolist() == [clock.hour * 60 + clock.minute]


def test_the_spans_of_a_year_are_its_days():
    spans = list_spans(seconds(2024, 1, 1), seconds(2025, 1, 1), "Europe/London", "day")
    assert len(spans) == 366
    assert sum((timedelta(hours=span.hours) for span in spans), timedelta()) == timedelta(366)
