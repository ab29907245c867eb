"""Amounts, dates and times as a home's page writes them."""

from datetime import date

import pytest

from seq2point.report.household import amounts


@pytest.mark.parametrize(
    ("kwh", "text"), [(0.42, "0.42"), (0.0, "0.00"), (0.004, "<0.01"), (1234.5, "1,234.50")]
)
def test_energy(kwh, text):
    assert amounts.format_kwh(kwh) == text


def test_what_is_unknown_is_not_a_number():
    assert amounts.format_kwh(None) == amounts.format_cost(None, "GBP") == "–"
    assert amounts.format_share(None) == "–"


@pytest.mark.parametrize(
    ("currency", "text"), [("GBP", "£2.40"), ("CHF", "2.40 CHF"), ("", "2.40")]
)
def test_money_has_its_currency(currency, text):
    assert amounts.format_cost(2.4, currency) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.124, "12 %"), (0.0, "0 %"), (0.002, "<1 %"), (1.0, "100 %")]
)
def test_shares(share, text):
    assert amounts.format_share(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(20, "1 min"), (180, "3 min"), (3600, "1 h"), (5100, "1 h 25 min")]
)
def test_durations(seconds, text):
    assert amounts.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("period", "last", "text"),
    [
        ("day", date(2025, 1, 6), "Mon 6 Jan 2025"),
        ("week", date(2025, 1, 12), "Week of 6 Jan 2025"),
        ("month", date(2025, 1, 31), "January 2025"),
    ],
)
def test_periods(period, last, text):
    assert amounts.format_period(date(2025, 1, 6), last, period) == text


def test_days_without_dates_are_numbered():
    assert amounts.format_date(date(1970, 1, 3), is_dated=False) == "Day 3"
