"""The days of a live home: local ones, of 23, 24 and 25 hours, as `household` counts them."""

import json
import sqlite3
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.live.window_mean import WindowMean, make_home_model

from seq2point.appliances import APPLIANCES
from seq2point.configuration import LiveConfig
from seq2point.household import HomeEnergy
from seq2point.household.always_on import LEAST_HOURS, find_low_quantile_w
from seq2point.household.calendar import list_spans
from seq2point.live.assembly import make_service
from seq2point.live.floor import DAYS, Floor
from seq2point.live.mains_parts import ALWAYS_ON, MAINS
from seq2point.live.pace import PaceLearner
from seq2point.live.page.days import SHOWN_DAYS, DaySums, list_days
from seq2point.live.page.time_sums import TimeSums
from seq2point.live.readings import Reading
from seq2point.live.store import Store
from seq2point.live.worker import Worker
from seq2point.live.worker_options import WorkerOptions

ZONES = ("UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
CHANGES = ("2025-03-24", "2025-04-01", "2025-10-20", "2025-10-29", "2025-03-05")


def date_s(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def make_mains(count, period_s, seed=1):
    """Return watts whose quiet hours differ from day to day."""
    random = np.random.default_rng(seed)
    days = np.arange(count) * period_s / 86_400
    return random.uniform(60 + 17 * (days.astype(int) % 5), 900).astype(np.float32)


@pytest.mark.parametrize(
    ("zone", "first", "hours"),
    [
        ("Europe/London", "2025-03-25T03:00", 23),
        ("Europe/London", "2025-10-21T03:00", 25),
        ("Australia/Lord_Howe", "2025-04-02T03:00", 24.5),
        ("Asia/Kolkata", "2025-06-02T03:00", 24),
    ],
)
def test_a_replay_counts_the_days_of_household(zone, first, hours, tmp_path):
    file, path = tmp_path / "mains.parquet", tmp_path / "home.sqlite"
    times_ms = pl.Series(1000 * (date_s(first) + 60 * np.arange(8 * 1440))).cast(pl.Int64)
    mains = make_mains(8 * 1440, 60.0)
    pl.DataFrame({"time": times_ms.cast(pl.Datetime("ms", "UTC")), "mains": mains}).write_parquet(
        file
    )
    config = LiveConfig(
        source="replay",
        replay=file,
        models=["fridge-60s"],
        zone=zone,
        store=path,
        jsonl=tmp_path / "lines",
    )
    make_service(config, lambda model: None, 1).run()
    energy = HomeEnergy.from_mains(file, ["fridge-60s"], zone=zone)
    days = energy.energy.filter(pl.col("period") == "day", pl.col("name") == MAINS)
    store = Store(path)
    quarters = TimeSums(900, 15 * 96)
    for start, name, wh, known_s in store.read_energy(900):
        quarters.add(name, *np.array([[start], [wh * 3600], [known_s]], float))
    store.close()
    shown = list_days(DaySums(quarters, energy.end_s), [MAINS], zone, None)
    assert [day["date"] for day in shown] == [str(day) for day in days["start"]]
    assert [day["hours"] for day in shown] == days["hours"].to_list()
    assert hours in days["hours"].to_list()
    assert [day["hours_known"] for day in shown] == pytest.approx(days["hours_known"].to_list())
    assert [d["kwh"][MAINS] for d in shown] == pytest.approx(days["kwh"].to_list(), abs=1e-3)
    # what is always on is that of the local days before
    lines = pl.read_ndjson(tmp_path / "lines", infer_schema_length=None)
    always_on_w = lines[ALWAYS_ON].to_numpy()
    spans = energy.spans("day")
    quantiles_w = [find_quantile_w(energy.times_s, energy.mains_w, span) for span in spans]
    for i, span in enumerate(spans[1:], start=1):
        within = (lines["time"] >= span.first_s) & (lines["time"] < span.end_s)
        floor_w = np.nanmedian(quantiles_w[max(i - DAYS, 0) : i])
        assert always_on_w[within.to_numpy()].max() == pytest.approx(floor_w, abs=0.1)


@pytest.mark.parametrize("end", ["2025-10-30T23:30", "2025-10-30T00:15", "2025-04-02T00:30"])
def test_as_many_days_are_shown_whatever_the_clocks_do(end):
    quarters = TimeSums(900, 15 * 96)
    times_s = date_s(end) + 900.0 * np.arange(-15 * 96, 0)
    quarters.add(MAINS, times_s, np.full(len(times_s), 9e5), np.full(len(times_s), 900.0))
    shown = list_days(DaySums(quarters, date_s(end)), [MAINS], "Europe/London", None)
    assert len(shown) == SHOWN_DAYS
    assert [day["kwh"][MAINS] for day in shown[:-1]] == [day["hours"] for day in shown[:-1]]


def find_quantile_w(times_s, mains_w, span):
    within = (times_s >= span.first_s) & (times_s < span.end_s)
    period_s = times_s[1] - times_s[0]
    return find_low_quantile_w(mains_w[within], LEAST_HOURS * 3600 / period_s)


@settings(max_examples=30)
@given(zone=st.sampled_from(ZONES), first=st.sampled_from(CHANGES), shift=st.integers(0, 95))
def test_the_floor_of_a_local_day_is_learned_from_those_before(zone, first, shift):
    times_s = date_s(first) + 900 * shift + 300.0 * np.arange(10 * 288)
    mains_w = make_mains(len(times_s), 300.0, shift)
    floor, floors_w = Floor(300.0, zone), np.empty(len(times_s))
    for piece in np.split(np.arange(len(times_s)), [97, 1000, 2001]):
        for span in floor.feed(times_s[piece], mains_w[piece]):
            floors_w[piece[span.first : span.end]] = span.floor_w
    days = list_spans(times_s[0], times_s[-1] + 300, zone, "day")
    quantiles_w = [find_quantile_w(times_s, mains_w, day) for day in days]
    for i, day in enumerate(days):
        within = (times_s >= day.first_s) & (times_s < day.end_s)
        before_w = [w for w in quantiles_w[:i] if not np.isnan(w)][-DAYS:]
        if before_w:
            np.testing.assert_allclose(floors_w[within], np.median(before_w), rtol=1e-6)


def make_worker(path, zone):
    kettle = WindowMean(9, 4, 60.0, (APPLIANCES["kettle"],))
    options = WorkerOptions(path, zone=zone)
    return Worker(lambda pace: [make_home_model(kettle)], PaceLearner(60.0), options)


def follow(path, zone, first, count, end=False):
    """Return the floor that a worker has after so many minutes from the `first` one on."""
    worker = make_worker(path, zone)
    worker.start()
    mains_w = make_mains(12 * 1440, 60.0)
    minutes = range(first, first + count)
    begin_s = date_s("2025-10-20T05:00")
    worker.take([Reading(begin_s + 60.0 * i, float(mains_w[i])) for i in minutes])
    worker.finish(end)
    floor = worker.home.floor
    worker.close()
    return floor.floor_w, floor.error_w


def make_old(path):
    """Make of a store one that counted the days of UTC, as its version 3 was."""
    file = sqlite3.connect(path)
    state = json.loads(file.execute("SELECT state FROM homes").fetchone()[0])
    state["home"]["version"] = 2
    del state["home"]["floor"]["zone"], state["home"]["floor"]["day_s"]
    file.execute("UPDATE homes SET state=?", (json.dumps(state),))
    file.execute("PRAGMA user_version=3")
    file.commit()
    file.close()


@pytest.mark.parametrize("is_old", [False, True])
def test_a_store_of_other_days_is_learned_from_anew(tmp_path, is_old):
    zone, many = "America/New_York", 11 * 1440 - 100
    expected = follow(tmp_path / "whole", zone, 0, many, True)
    follow(tmp_path / "s", "UTC", 0, 9 * 1440)
    if is_old:
        make_old(tmp_path / "s")
    after = follow(tmp_path / "s", zone, 9 * 1440, many - 9 * 1440, True)
    assert after == pytest.approx(expected, abs=0.01)  # minutes are kept in 1/64 W
    assert (tmp_path / "s.version-3").exists() == is_old
    assert after != pytest.approx(follow(tmp_path / "utc", "UTC", 0, many, True), abs=0.01)


def test_a_store_that_took_an_unknown_floor_for_zero_does_so_no_longer(tmp_path):
    follow(tmp_path / "s", "UTC", 0, 120)
    file = sqlite3.connect(tmp_path / "s")
    state = json.loads(file.execute("SELECT state FROM homes").fetchone()[0])
    assert state["home"]["floor"]["floor_w"] is None
    state["home"]["version"], state["home"]["floor"]["floor_w"] = 3, 0.0
    file.execute("UPDATE homes SET state=?", (json.dumps(state),))
    file.commit()
    file.close()
    assert np.isnan(follow(tmp_path / "s", "UTC", 120, 120)[0])
    assert follow(tmp_path / "s", "UTC", 240, 240)[0] > 0


def test_an_old_store_in_utc_goes_on(tmp_path):
    expected = follow(tmp_path / "whole", "UTC", 0, 5 * 1440, True)
    follow(tmp_path / "s", "UTC", 0, 3 * 1440 + 700)
    make_old(tmp_path / "s")
    after = follow(tmp_path / "s", "UTC", 3 * 1440 + 700, 2 * 1440 - 700, True)
    assert after == pytest.approx(expected, rel=1e-6)
