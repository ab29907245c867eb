"""Clipping cuts what a protocol says and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from seq2point.appliances import find_appliance
from seq2point.data.clipping import Clipping
from seq2point.errors import DataError
from seq2point.recording import Recording

NAN = float("nan")
FRIDGE = find_appliance("fridge")
READINGS = st.lists(st.floats(0, 10_000, width=32) | st.just(NAN), min_size=1, max_size=30)


def test_nothing_is_cut_by_default(make_recording: Callable[..., Recording]):
    recording = make_recording([9000, 1, NAN], fridge=[900, 1, NAN], kettle=[9000, 1, 0])
    clipped = Clipping().apply(recording, FRIDGE)
    np.testing.assert_array_equal(clipped.mains_w, recording.mains_w)
    np.testing.assert_array_equal(clipped.appliance_w("fridge"), recording.appliance_w("fridge"))


@pytest.mark.parametrize(("limit", "highest"), [("table", 300), (250, 250)])
def test_mains_and_appliance_are_cut_at_their_limits_and_small_readings_are_zero(
    make_recording: Callable[..., Recording], limit: float | str, highest: float
):
    recording = make_recording(
        [9000, 4.9, 5, NAN], fridge=[900, 4.9, 5, NAN], kettle=[9000, 4.9, 0, 1]
    )
    clipped = Clipping(mains_w=6000, appliance_w=limit, below_w=5).apply(recording, FRIDGE)
    np.testing.assert_array_equal(clipped.mains_w, np.array([6000, 0, 5, NAN], np.float32))
    np.testing.assert_array_equal(
        clipped.appliance_w("fridge"), np.array([highest, 0, 5, NAN], np.float32)
    )
    np.testing.assert_array_equal(clipped.appliance_w("kettle"), recording.appliance_w("kettle"))
    assert recording.mains_w[0] == 9000
    assert clipped.mains_w.dtype == clipped.appliance_w("fridge").dtype == np.float32


def test_mains_that_stand_still_are_a_gap(make_recording: Callable[..., Recording]):
    watts = [100, 100, 100, 101, 100, 100, NAN, NAN, NAN, 7, 7, 7, 7]
    recording = make_recording(
        watts, fridge=[50] * len(watts), jumps=[(11, datetime(2024, 4, 1, tzinfo=UTC))]
    )
    clipped = Clipping(stuck_s=18).apply(recording, FRIDGE)
    np.testing.assert_array_equal(
        clipped.mains_w,
        np.array([NAN] * 3 + [101, 100, 100, NAN, NAN, NAN, 7, 7, 7, 7], np.float32),
    )
    np.testing.assert_array_equal(clipped.appliance_w("fridge"), recording.appliance_w("fridge"))
    np.testing.assert_array_equal(
        Clipping(stuck_s=24).apply(recording, FRIDGE).mains_w, recording.mains_w
    )


@given(readings=READINGS, highest=st.floats(1, 10_000, width=32), below=st.floats(0, 100, width=32))
def test_gaps_stay_and_what_lies_between_the_limits_is_untouched(
    readings: list[float], highest: float, below: float
):
    recording = Recording(
        "1", 6.0, np.array(readings, np.float32), {"fridge": np.array(readings, np.float32)}
    )
    clipped = (
        Clipping(appliance_w=highest, below_w=below).apply(recording, FRIDGE).appliance_w("fridge")
    )
    given_w = recording.appliance_w("fridge")
    np.testing.assert_array_equal(np.isnan(clipped), np.isnan(given_w))
    between = (given_w >= np.float32(below)) & (given_w <= np.float32(highest))
    np.testing.assert_array_equal(clipped[between], given_w[between])
    assert np.nanmax(clipped, initial=0) <= np.float32(highest)
    assert not ((clipped > 0) & (clipped < np.float32(min(below, highest)))).any()


def test_a_house_without_the_appliance_and_limits_that_are_none_are_refused(
    make_recording: Callable[..., Recording],
):
    with pytest.raises(DataError, match="fridge"):
        Clipping().apply(make_recording([1], kettle=[0]), FRIDGE)
    with pytest.raises(ValidationError):
        Clipping(mains_w=0)
    with pytest.raises(ValidationError):
        Clipping(appliance_w="tables")
