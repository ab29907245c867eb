"""The minutes of a page: local days and months, whatever the clocks and the periods are."""

from datetime import UTC, datetime

import numpy as np
import pytest
from tests.report.household.homes import make_home

from seq2point.household.calendar import CalendarSpan
from seq2point.report.household.energy_periods import list_parts
from seq2point.report.household.minutes import describe_grid, pack_months, reduce_series
from seq2point.report.packed_series import unpack_series


def test_the_days_on_which_the_clocks_change_have_23_and_25_hours():
    for start, hours in ((datetime(2025, 3, 29), 23), (datetime(2025, 10, 25), 25)):
        grid = describe_grid(make_home(3, start.replace(tzinfo=UTC)))
        lengths = {name: (end - first) / 3600 for name, first, end in grid["days"]}
        assert hours in lengths.values()
        assert sorted(offset for _, offset in grid["clock"]) == [0, 3600]


def test_a_zone_that_never_changes_its_clocks_has_one_offset():
    grid = describe_grid(make_home(3, zone="Asia/Kolkata"))
    assert [offset for _, offset in grid["clock"]] == [19_800]


def test_all_months_come_back():
    home = make_home(4, unknown=slice(100, 200))
    parts, grid = list_parts(home), describe_grid(home)
    packed = pack_months(home, parts)
    assert [month.id for month in packed] == ["2025-01", "2025-02"]
    months_w = [unpack_series(month.power, len(parts)) for month in packed]
    first_s = grid["months"][0][1]
    offset = round((home.start_s - first_s) / grid["step_s"])
    for i, part in enumerate(parts):
        all_w = np.concatenate([month_w[i] for month_w in months_w])
        again_w = all_w[offset : offset + len(home.mains_w)]
        np.testing.assert_allclose(again_w, home.parts_w[part.name], rtol=0.0102, atol=0.51)
        assert np.isnan(all_w[:offset]).all()
        assert np.isnan(all_w[offset + len(home.mains_w) :]).all()


def test_slower_readings_keep_their_period():
    home = make_home(2, period_s=900.0)
    assert describe_grid(home)["step_s"] == 900


@pytest.mark.parametrize("period_s", [7.0, 20.0, 60.0])
def test_finer_readings_are_averaged(period_s):
    home = make_home(1)
    size = int(6 * 3600 / period_s)
    power_w = np.random.default_rng(0).random(size).astype(np.float32)
    power_w[: size // 10] = np.nan
    home = make_home(1, period_s=60.0, mains_w=power_w)
    object.__setattr__(home, "period_s", period_s)
    span = CalendarSpan(datetime(2025, 1, 30).date(), home.start_s, home.start_s + 86_400)
    mean_w = reduce_series(home, power_w, span)
    assert len(mean_w) == 1440
    assert np.nansum(np.float64(mean_w)) * 60 == pytest.approx(
        np.nansum(np.float64(power_w)) * period_s, rel=0.02
    )
    assert np.isnan(mean_w[:30]).all()
    assert np.isnan(mean_w[361:]).all()
