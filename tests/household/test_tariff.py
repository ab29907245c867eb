"""What a kWh costs when, and which tariffs are refused as ambiguous."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from seq2point import ColumnsConfig, DataError, UsageError
from seq2point.household import Tariff


def price_at(tariff: Tariff, *when: str, zone: str = "UTC") -> list[float]:
    times_s = [datetime.fromisoformat(each).replace(tzinfo=UTC).timestamp() for each in when]
    return [float(price) for price in tariff.find_prices(np.array(times_s), zone)]


@pytest.mark.parametrize(
    ("text", "price", "currency"),
    [
        ("0.30", 0.30, ""),
        (0.3, 0.30, ""),
        ("0,30 EUR", 0.30, "EUR"),
        ("£0.30", 0.30, "GBP"),
        ("0.30 €/kWh", 0.30, "EUR"),
        ("30 p", 0.30, "GBP"),
        ("31 JPY", 31.0, "JPY"),
        ("0.30 gbp", 0.30, "GBP"),
    ],
)
def test_a_flat_price_is_a_number_with_or_without_its_currency(
    text: str | float, price: float, currency: str
):
    tariff = Tariff.parse(text)
    assert (tariff.kind, tariff.currency) == ("flat", currency)
    assert price_at(tariff, "2024-01-01T12:00") == pytest.approx([price])


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("30", "30 of what for a kWh"),
        ("30 ct", "cents of which currency"),
        ("0.30, 0.12", "which hours do the prices hold for"),
        ("0.30 08:00-20:00", "what does the rest cost"),
        ("0.30, 0.2 01:00-05:00, 0.1 04:00-06:00", "two prices hold at 04:00"),
        ("0.30 EUR, 0.10 USD 01:00-02:00", "prices in EUR and USD"),
        ("0.30 GBP, 12 p 23:00-24:30", "no time of day '24:30'"),
        ("0.30, 0.10 07:00-07:00", "none or the whole day"),
        ("0.30 pounds", "unknown currency 'pounds'"),
        ("cheap", "unclear price 'cheap'"),
        ("", "no price"),
        ("0.30, 12p 01:00-02:00", "of what for a kWh"),
    ],
)
def test_what_is_ambiguous_is_refused_with_the_choices(text: str, advice: str):
    with pytest.raises(UsageError, match=advice) as caught:
        Tariff.parse(text)
    assert caught.value.field == "tariff"


def test_the_hours_of_a_price_hold_from_their_first_minute_to_before_their_last():
    night = Tariff.parse("0.30 GBP, 0.12 23:00-07:00")
    times = ("22:59", "23:00", "00:00", "06:59", "07:00")
    assert price_at(night, *(f"2024-01-02T{time}" for time in times)) == [
        0.30, 0.12, 0.12, 0.12, 0.30,
    ]  # fmt: skip


def test_the_hours_are_those_of_the_local_clock_on_either_side_of_its_change():
    night = Tariff.parse("0.30 GBP, 0.12 00:30-07:30")
    winter, summer = ("2024-03-30T07:29", "2024-03-30T07:30"), ("2024-03-31T06:29",)
    assert price_at(night, *winter, zone="Europe/London") == [0.12, 0.30]
    assert price_at(night, *summer, "2024-03-31T06:30", zone="Europe/London") == [0.12, 0.30]


def test_prices_whose_hours_fill_the_day_need_no_other():
    tariff = Tariff.parse("day 0.30 07:00-23:00; night 0.12 23:00-07:00")
    assert price_at(tariff, "2024-01-01T06:59", "2024-01-01T07:00") == [0.12, 0.30]


def test_a_table_of_half_hours_holds_for_half_an_hour_each(tmp_path: Path):
    path = tmp_path / "prices.csv"
    path.write_text(
        "time,price [GBP/kWh]\n2024-01-01T00:00:00Z,0.10\n2024-01-01T00:30:00Z,-0.02\n"
        "2024-01-01T03:00:00Z,0.40\n2024-01-01T03:30:00Z,0.50\n"
    )
    tariff = Tariff.parse(path)
    times = ("00:29", "00:30", "01:29", "01:31", "03:59", "04:00")
    prices = price_at(tariff, *(f"2024-01-01T{time}" for time in times))
    assert (tariff.kind, tariff.currency) == ("table", "GBP")
    assert prices[:3] == [0.10, -0.02, -0.02]
    assert np.isnan(prices[3])
    assert prices[4] == 0.50
    assert np.isnan(prices[5])
    assert np.isnan(price_at(tariff, "2023-12-31T23:59")).all()


def test_a_suppliers_table_in_pence_may_descend(tmp_path: Path):
    path = tmp_path / "agile.csv"
    path.write_text(
        "valid_from,valid_to,value_inc_vat\n2024-01-01T00:30:00Z,2024-01-01T01:00:00Z,12.5\n"
        "2024-01-01T00:00:00Z,2024-01-01T00:30:00Z,20.0\n"
    )
    tariff = Tariff.parse(str(path))
    assert tariff.currency == "GBP"
    assert price_at(tariff, "2024-01-01T00:10", "2024-01-01T00:40") == [0.20, 0.125]


def test_a_table_in_local_time_has_the_hour_that_comes_twice_twice(tmp_path: Path):
    path = tmp_path / "prices.csv"
    clocks = ("00:30", "01:00", "01:30", "01:00", "01:30", "02:00")
    rows = [f"2024-10-27 {clock},{i / 10}" for i, clock in enumerate(clocks)]
    path.write_text("\n".join(["time,price EUR/kWh", *rows]) + "\n")
    tariff = Tariff.parse(path, ColumnsConfig(zone="Europe/London"))
    assert price_at(tariff, "2024-10-27T00:05", "2024-10-27T01:05") == [0.1, 0.3]


def test_a_table_of_times_of_the_day_holds_every_day(tmp_path: Path):
    path = tmp_path / "day.csv"
    rows = [
        f"{minute // 60:02d}:{minute % 60:02d},{minute / 10000}" for minute in range(0, 1440, 30)
    ]
    path.write_text("\n".join(["time,price", *rows]) + "\n")
    tariff = Tariff.parse(path)
    assert price_at(tariff, "2024-01-01T00:29", "2025-06-07T23:59") == [0.0, 0.141]


def test_a_price_by_the_time_of_day_holds_until_the_next_one(tmp_path: Path):
    path = tmp_path / "day.csv"
    path.write_text("time,price\n00:00,0.12\n07:00,0.3\n23:00,0.1\n")
    tariff = Tariff.parse(path)
    times = ["2024-01-01T06:59", "2024-01-01T07:00", "2024-01-01T22:59", "2024-01-01T23:59"]
    assert price_at(tariff, *times) == [0.12, 0.3, 0.3, 0.1]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("time,price\n2024-01-01T00:00:00Z,30\n2024-01-01T00:30:00Z,31\n", "goes up to 31"),
        ("time,price [ct/kWh]\n2024-01-01T00:00:00Z,30\n", "cents of which currency"),
        ("time,price\n2024-01-01T00:00:00Z,0.3\n2024-01-01T00:00:00Z,0.3\n", "repeat at row 2"),
        ("time,price\n2024-01-01T00:00:00Z,0.3\n2024-01-02T00:00:00Z,0.3\n", "every 24 hours"),
        (
            "time,price\n2024-01-01T00:00:00Z,\n2024-01-01T00:30:00Z,0.3\n",
            "row 1: the price is missing",
        ),
        ("time,price\n2024-01-01T00:00:00Z,0.3\n2024-01-01T00:30:00Z,low\n", "'low' is not a"),
        ("time,a,b\n2024-01-01T00:00:00Z,1,2\n", "has a column 'time' and one called 'price"),
        ("time,price\n00:30,0.1\n01:00,0.2\n", "must begin at 00:00"),
    ],
)
def test_a_table_that_says_too_little_is_refused(tmp_path: Path, text: str, advice: str):
    path = tmp_path / "prices.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=advice):
        Tariff.parse(path)


def test_a_table_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"prices\.csv"):
        Tariff.parse(tmp_path / "prices.csv")
