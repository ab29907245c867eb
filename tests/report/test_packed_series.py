"""The minutes of a page: what is packed comes back, as near as it is said."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seq2point.report.packed_series import pack_series, unpack_series

POWER = st.one_of(st.floats(0, 30_000, width=32), st.floats(0, 60, width=32), st.just(float("nan")))
SERIES = st.integers(0, 50).flatmap(
    lambda count: st.lists(st.lists(POWER, min_size=count, max_size=count), min_size=1, max_size=4)
)


@given(SERIES)
def test_series_come_back_within_half_a_watt_or_one_percent(lists):
    series_w = [np.array(each, np.float32) for each in lists]
    unpacked_w = unpack_series(pack_series(series_w), len(series_w))
    for power_w, again_w in zip(series_w, unpacked_w, strict=True):
        np.testing.assert_array_equal(np.isnan(again_w), np.isnan(power_w))
        known = ~np.isnan(power_w)
        error_w = np.abs(again_w[known] - power_w[known])
        assert (error_w <= np.maximum(0.501, 0.0102 * power_w[known])).all()


def test_a_quiet_month_is_short():
    assert len(pack_series([np.full(43_200, 120.0, np.float32)])) < 200
