"""A home's energy from its mains: all of it adds up, and nothing unknown is counted as zero."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2point import DataError, HomeEnergy, Recording, UsageError
from seq2point.appliances import Appliance, find_appliance
from seq2point.choices import Edges, Engine
from seq2point.data.parquet_file import write_recording
from seq2point.household.energy_table import round_to_sum
from seq2point.predictor import Progress
from seq2point.recording import Jump

PARTS = ("kettle", "dishwasher", "always_on", "other")


@dataclass
class Boaster:
    """A predictor that predicts a share of the mains above a level: for several, more than all."""

    names: tuple[str, ...]
    share: float = 0.8
    level_w: float = 1000
    period_s: float = 60.0
    window: int = 1
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def appliances(self) -> tuple[Appliance, ...]:
        return tuple(find_appliance(name) for name in self.names)

    def predict_w(
        self,
        recording: Recording,
        engine: Engine = "sliding",
        edges: Edges = "empty",
        *,
        progress: Progress | None = None,
    ) -> np.ndarray:
        mains_w = recording.filled_mains_w
        power_w = np.where(mains_w > self.level_w, self.share * mains_w, np.float32(0) * mains_w)
        return np.repeat(power_w[:, None], len(self.names), axis=1)

    def describe(self) -> dict[str, Any]:
        return {"appliances": list(self.names)}


MODELS = (Boaster(("kettle",)), Boaster(("dishwasher",), 0.7, 800))


def make_mains(seed: int, samples: int, missing: float) -> np.ndarray:
    """Mains of some noise over a floor, with kettles, and stretches without a reading."""
    rng = np.random.default_rng(seed)
    mains_w = 120 + 60 * rng.random(samples, dtype=np.float32)
    for first in rng.integers(0, samples, samples // 100 + 1):
        mains_w[first : first + 4] += 2300
    for first in rng.integers(0, samples, int(missing * 12)):
        mains_w[first : first + int(rng.integers(1, 700))] = np.nan
    return mains_w


def check_sums(energy: pl.DataFrame) -> None:
    """The parts of each day, week and month add up to its mains, to the last watt-hour."""
    groups = energy.group_by("period", "start", maintain_order=True)
    for _, rows in groups:
        units = {
            column: (rows[column] * scale).round(6).to_list()
            for column, scale in (("kwh", 1000), ("cost", 10_000))
        }
        for several in units.values():
            if several[-1] is None:
                assert set(several) == {None}
            else:
                assert sum(map(round, several[:-1])) == round(several[-1])
                assert all(abs(each - round(each)) < 1e-5 for each in several)
        if rows["hours_known"][0] == 0:
            assert rows["kwh"].null_count() == len(rows)
        else:
            assert rows["kwh"].null_count() == 0
        assert (rows["hours_known"] <= rows["hours"] + 1e-9).all()


@settings(max_examples=15)
@given(
    st.integers(0, 1000),
    st.sampled_from(["2024-03-29T11:17", "2024-10-25T23:01", "2024-12-30T00:00"]),
    st.sampled_from(["Europe/London", "America/New_York", "Asia/Kathmandu"]),
    st.floats(0, 1),
    st.booleans(),
)
def test_the_parts_add_up_to_the_mains_on_every_day(
    seed: int, start: str, zone: str, missing: float, jumps: bool
):
    mains_w = make_mains(seed, 5000, missing)
    begins = datetime.fromisoformat(start).replace(tzinfo=UTC)
    jump = (Jump(2500, datetime(2025, 1, 20, 3, 30, 15, tzinfo=UTC)),) if jumps else ()
    recording = Recording("home", 60.0, mains_w, start=begins, jumps=jump)
    home = HomeEnergy.from_mains(recording, MODELS, zone=zone, tariff="0.30 GBP, 0.11 23:30-05:30")
    parts = [home.power_w["kettle"], home.power_w["dishwasher"], home.always_on_w, home.other_w]
    np.testing.assert_array_equal(sum(parts), home.mains_w)
    known = ~np.isnan(home.mains_w)
    assert np.count_nonzero(known) == np.count_nonzero(~np.isnan(mains_w))
    assert all((part[known] >= 0).all() for part in parts)
    energy = home.energy
    check_sums(energy)
    days = energy.filter(pl.col("period") == "day")
    mains = days.filter(pl.col("name") == "mains")
    total_kwh = float(np.nansum(mains_w, dtype=np.float64)) / 60_000
    assert mains["kwh"].sum() == pytest.approx(total_kwh, abs=0.001 * len(mains))
    assert days.filter(name="mains")["hours_known"].sum() == pytest.approx(
        known.sum() / 60, abs=0.01
    )
    for period in ("week", "month"):
        of_period = energy.filter(pl.col("period") == period)
        for name in (*PARTS, "mains"):
            sums = [each.filter(name=name)["kwh"].sum() for each in (days, of_period)]
            assert sums[0] == pytest.approx(sums[1], abs=1e-9)


def test_days_of_23_and_25_hours_are_whole_days():
    for start, hours in (((2024, 3, 31), 23), ((2024, 10, 26, 23), 25)):
        recording = Recording(
            "home", 60.0, np.full(60 * hours, 300, np.float32), start=datetime(*start, tzinfo=UTC)
        )
        home = HomeEnergy.from_mains(recording, MODELS[:1], zone="Europe/London", tariff=0.5)
        day = home.energy.filter(period="day", name="mains").row(0, named=True)
        assert (day["hours"], day["hours_known"]) == (hours, hours)
        assert day["kwh"] == pytest.approx(0.3 * hours)
        assert day["cost"] == pytest.approx(0.15 * hours)


def test_a_day_without_a_reading_is_unknown_and_so_is_its_cost():
    mains_w = np.full(3 * 1440, 200, np.float32)
    mains_w[1440:2880] = np.nan
    recording = Recording("home", 60.0, mains_w, start=datetime(2024, 6, 1, tzinfo=UTC), fill=0)
    energy = HomeEnergy.from_mains(recording, MODELS, zone="UTC", tariff=0.3).energy
    second = energy.filter(pl.col("start") == date(2024, 6, 2), pl.col("period") == "day")
    assert second["hours_known"].to_list() == [0.0] * 5
    for column in ("kwh", "cost", "share", "uses", "hours_on"):
        assert second[column].null_count() == 5
    month = energy.filter(period="month", name="mains").row(0, named=True)
    assert (month["hours"], month["hours_known"], month["kwh"]) == (720, 48, 9.6)


def test_export_is_unknown_and_said_so():
    mains_w = np.full(1440, 300, np.float32)
    mains_w[600:840] = -900
    recording = Recording("home", 60.0, mains_w, start=datetime(2024, 6, 1, tzinfo=UTC))
    home = HomeEnergy.from_mains(recording, MODELS, zone="UTC")
    assert np.isnan(home.other_w[600:840]).all()
    assert home.coverage.predicted_days == pytest.approx(20 / 24)
    assert any("below zero for 16.7%" in note for note in home.notes)


def test_a_home_without_an_appliance_has_no_column_of_it():
    recording = Recording(
        "home", 60.0, make_mains(1, 3000, 0), start=datetime(2024, 6, 1, tzinfo=UTC)
    )
    home = HomeEnergy.from_mains(recording, MODELS, zone="UTC", without=["Dish Washer"])
    assert list(home.power_w) == ["kettle"]
    assert "as you said, the home has no dishwasher" in home.notes
    with pytest.raises(UsageError, match="`without` 'toaster': no model is for it; choose from di"):
        HomeEnergy.from_mains(recording, MODELS, without=["toaster"])


def test_an_appliance_without_events_of_its_own_is_found_to_be_absent():
    """By event, a home whose mains never step has no kettle: its power is 0 and a note says so."""
    settings = {"events": {"kettle": {"min_share": 0.4, "keep_share": 0.2}}}
    model = Boaster(("kettle",), 0.01, 0, provenance=settings)
    rng = np.random.default_rng(3)
    mains_w = (150 + rng.normal(0, 4, 20 * 1440)).astype(np.float32)
    recording = Recording("home", 60.0, mains_w, start=datetime(2024, 6, 1, tzinfo=UTC))
    home = HomeEnergy.from_mains(recording, model, zone="UTC")
    assert [(each.is_owned, each.by_event) for each in home.appliances] == [(False, True)]
    assert float(home.power_w["kettle"].sum()) == 0
    assert any("no kettle was found" in note for note in home.notes)


def test_with_hours_of_readings_nothing_is_said_to_be_absent():
    settings = {"events": {"kettle": {"min_share": 0.4, "keep_share": 0.2}}}
    model = Boaster(("kettle",), 0.01, 0, provenance=settings)
    mains_w = np.full(90, 150, np.float32)
    recording = Recording("home", 60.0, mains_w, start=datetime(2024, 6, 1, tzinfo=UTC))
    home = HomeEnergy.from_mains(recording, model, zone="UTC")
    assert home.appliances[0].is_owned is None
    assert home.notes == (
        "only 90 min of readings are known, which is too little to say which appliances the home"
        " has: give some days",
    )


def test_models_of_several_periods_meet_on_one_grid_of_minutes(tmp_path: Path):
    """Readings each 8 s: one model takes them so, one takes their minutes."""
    rng = np.random.default_rng(5)
    mains_w = (100 + 20 * rng.random(10_800)).astype(np.float32)
    mains_w[2000:2030] += 2400
    start = datetime(2024, 6, 1, 0, 0, 4, tzinfo=UTC)
    path = tmp_path / "home.parquet"
    write_recording(Recording("home", 8.0, mains_w, start=start), path)
    models = [Boaster(("kettle",), period_s=8.0), Boaster(("dishwasher",), level_w=1500)]
    home = HomeEnergy.from_mains(path, models, zone="UTC")
    assert (home.period_s, home.start_s % 60, len(home.mains_w)) == (60.0, 0.0, 1440)
    assert [each.period_s for each in home.appliances] == [8.0, 60.0]
    np.testing.assert_array_equal(sum(home.parts_w.values()), home.mains_w)
    (cycle,) = home.cycles["kettle"]
    assert cycle.start_s == start.timestamp() + 2000 * 8
    assert cycle.end_s - cycle.start_s == 240
    # the dishwasher claims as much: of the mains' 2,510 W each keeps less than the 0.8 it predicts
    kept_wh = float(np.nansum(home.power_w["kettle"], dtype=np.float64)) / 60
    assert cycle.energy_wh == pytest.approx(kept_wh, rel=0.01)
    assert kept_wh < 0.6 * 2510 * 240 / 3600
    both_w = home.power_w["kettle"] + home.power_w["dishwasher"]
    assert both_w.sum() / 60 == pytest.approx(2400 * 240 / 3600, rel=0.1)


def test_readings_each_half_hour_give_the_energy_though_no_model_reads_them():
    mains_w = np.tile(np.array([200, 400], np.float32), 48)
    recording = Recording("home", 1800.0, mains_w, start=datetime(2024, 6, 1, tzinfo=UTC))
    home = HomeEnergy.from_mains(recording, zone="Asia/Kathmandu", tariff=0.2)
    assert home.appliances == ()
    assert any("no model fits readings so far apart" in note for note in home.notes)
    check_sums(home.energy)
    mains = home.energy.filter(period="day", name="mains")
    assert mains["kwh"].sum() == pytest.approx(0.3 * 48)
    assert mains["kwh"][1] == pytest.approx(7.2)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_frames_come_back_in_the_kind_that_came_in(kind: str):
    times = pd.date_range("2024-06-01", periods=2880, freq="60s", tz="Europe/London")
    frame: Any = pd.DataFrame({"mains": make_mains(2, 2880, 0)}, index=times)
    if kind == "polars":
        frame = pl.DataFrame(
            {"time": pl.Series(times.tz_convert("UTC").tz_localize(None)), "mains": frame["mains"]}
        )
    home = HomeEnergy.from_mains(frame, MODELS, zone="Europe/London")
    for table in (home.power, home.activations, home.energy):
        assert type(table).__module__.startswith(kind)
    assert list(home.energy["name"][:5]) == [*PARTS, "mains"]
    assert len(home.activations) == sum(map(len, home.cycles.values())) > 0
    power = home.power
    total = sum(np.asarray(power[name]) for name in PARTS)
    np.testing.assert_array_equal(total, np.asarray(power["mains"]))


def test_the_zone_of_a_series_is_that_of_the_home():
    times = pd.date_range("2024-06-01", periods=1440, freq="60s", tz="Europe/London")
    series = pd.Series(np.full(1440, 200, np.float32), index=times, name="mains")
    home = HomeEnergy.from_mains(series, MODELS)
    assert (home.zone, home.notes) == ("Europe/London", ())
    assert home.energy.query("period == 'day'")["hours_known"].tolist() == [24.0] * 5


def test_mains_without_times_count_days_from_the_first_reading():
    home = HomeEnergy.from_mains(np.full(3000, 200.0), MODELS, period_s=60, zone="Europe/London")
    assert not home.is_dated
    assert home.energy.filter(period="day", name="mains")["hours_known"].to_list() == [24, 24, 2]
    assert home.activations["start"].dtype == pl.Float64
    with pytest.raises(DataError, match="has no times; give its sampling period with `period_s`"):
        HomeEnergy.from_mains(np.full(3000, 200.0), MODELS)


def test_two_models_of_one_appliance_are_refused():
    recording = Recording("home", 60.0, np.full(1440, 200, np.float32))
    with pytest.raises(UsageError, match="two models predict the kettle"):
        HomeEnergy.from_mains(recording, [*MODELS, Boaster(("kettle",))])


@pytest.mark.parametrize("mains_w", [np.empty(0), np.full(100, np.nan)])
def test_mains_without_a_reading_are_refused(mains_w: np.ndarray):
    recording = Recording("home", 60.0, mains_w.astype(np.float32))
    with pytest.raises(DataError, match=r"holds no readings|no reading of the mains is known"):
        HomeEnergy.from_mains(recording, MODELS)


def test_dates_that_span_decades_are_refused():
    frame = pl.DataFrame(
        {"time": [1_700_000_000 + s for s in (0, 60, 120, 1_700_000_000)], "mains": [99.0] * 4}
    )
    with pytest.raises(DataError, match="the times span 54 years"):
        HomeEnergy.from_mains(frame, MODELS)


def test_a_day_whose_price_is_unknown_has_no_cost_and_a_note_counts_it(tmp_path: Path):
    path = tmp_path / "prices.csv"
    rows = [f"2024-06-01T{hour:02d}:00:00Z,0.2" for hour in range(24)]
    path.write_text("\n".join(["time,price", *rows]))
    recording = Recording(
        "home", 60.0, np.full(2880, 500, np.float32), start=datetime(2024, 6, 1, tzinfo=UTC)
    )
    home = HomeEnergy.from_mains(recording, MODELS[:1], zone="UTC", tariff=path)
    assert home.energy.filter(period="day", name="mains")["cost"].to_list() == [2.4, None]
    assert any("1 day of 2 have no cost" in note for note in home.notes)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=6))
def test_rounded_parts_keep_the_sum_of_the_rounded_whole(values: list[float]):
    rounded = round_to_sum(np.array([[*values, sum(values)]]))[0]
    assert rounded[:-1].sum() == rounded[-1]
    assert (np.abs(rounded[:-1] - np.array(values)) <= 1.0001).all()
