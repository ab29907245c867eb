"""A house's meters on one grid: the means of the readings nearest to each sample, short gaps
filled, long ones left.
"""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.datasets.conversion.conftest import START_S, Convert, make_meter

from seq2point.data.grid import average_samples, place_on_grid
from seq2point.datasets.conversion import house as engine
from seq2point.errors import DataError
from seq2point.recording.gaps import fill_forward

NAN = np.nan
DAY = 86_400


def assert_watts(actual: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_array_equal(actual, np.float32(expected))


@st.composite
def readings(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    steps = draw(
        st.lists(
            st.one_of(st.integers(1, 12), st.sampled_from([20, 36, 37, 90, 3000])),
            min_size=1,
            max_size=60,
        )
    )
    seconds = np.cumsum([0, *[6] * len(steps), *steps])
    watts = st.one_of(st.just(NAN), st.floats(0, 5000, width=32))
    mains = draw(st.lists(watts, min_size=len(seconds), max_size=len(seconds)))
    return seconds, np.array([100, *mains[1:]], dtype=np.float32)


@given(
    readings(),
    st.sampled_from([6.0, 7.0, 30.0]),
    st.sampled_from([0.0, 30.0, 60.0]),
    st.integers(1, 9),
    st.booleans(),
)
def test_one_meter_becomes_what_align_makes_of_it_whatever_the_pieces_and_the_stretches(
    convert_meters: Convert,
    house: tuple[np.ndarray, np.ndarray],
    period_s: float,
    fill_s: float,
    pieces: int,
    short: bool,
):
    seconds, mains_w = house
    grid = place_on_grid(START_S + seconds, period_s)
    assert grid.jumps == ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "STRETCH_SAMPLES", 12 if short else 1 << 18)
        patch.setattr(engine, "ROW_GROUP", 30)
        recording, report = convert_meters(
            make_meter(seconds, pieces, mains=mains_w), period_s=period_s, fill_s=fill_s
        )
    ((expected_w, absent),) = average_samples(grid.sample, [mains_w], grid.size)
    fill_forward(expected_w, absent, int(fill_s / period_s))
    np.testing.assert_array_equal(recording.mains_w, expected_w)
    assert recording.start == grid.start
    assert report.samples == grid.size == len(recording)
    assert report.gaps.get("mains", 0) == np.isnan(recording.mains_w).sum()


def test_the_mains_first_reading_lies_on_the_grid_and_plugs_fall_on_the_nearest_sample(
    convert_meters: Convert,
):
    recording, _ = convert_meters(
        make_meter([0, 6, 12, 18, 24], mains=[100, 200, 300, 400, 500]),
        make_meter([-8, -2, 4, 10, 16, 22, 28], kettle=[1, 2, 3, 4, 5, 6, 7]),
    )
    assert recording.start == datetime.fromtimestamp(START_S - 6, UTC)
    assert_watts(recording.mains_w, [NAN, 100, 200, 300, 400, 500, 500])
    assert_watts(recording.appliance_w("kettle"), [1, 2, 3, 4, 5, 6, 7])


def test_a_plug_that_speaks_every_ten_seconds_is_filled_between_its_readings(
    convert_meters: Convert,
):
    recording, report = convert_meters(
        make_meter(range(0, 60, 6), mains=[500] * 10),
        make_meter(range(0, 60, 10), kettle=[0, 1, 2, 3, 4, 5]),
    )
    assert_watts(recording.appliance_w("kettle"), [0, 0, 1, 2, 2, 3, 3, 4, 5, 5])
    assert report.filled == {"kettle": 4}


def test_legs_are_summed_where_both_are_known(convert_meters: Convert):
    recording, _ = convert_meters(
        make_meter([0, 6, 12, 60, 66], mains=[100, NAN, 300, 400, 500]),
        make_meter([0, 6, 60, 66], mains=[1, 2, 4, 5]),
        fill_s=0,
    )
    assert_watts(recording.mains_w, [101, NAN, NAN, *[NAN] * 7, 404, 505])


def test_holes_are_filled_for_thirty_seconds_gaps_of_the_file_are_not_and_glitches_are_holes(
    convert_meters: Convert,
):
    recording, report = convert_meters(
        make_meter([0, 6, 60, 66, 72, 78], mains=[100] * 6, kettle=[2000, NAN, 5, 32_767, NAN, 7]),
        period_s=6,
    )
    assert_watts(recording.mains_w, [100, 100, *[100] * 5, *[NAN] * 3, 100, 100, 100, 100])
    assert_watts(recording.appliance_w("kettle"), [2000, *[NAN] * 9, 5, 5, NAN, 7])
    assert (report.glitches, report.filled) == ({"kettle": 1}, {"mains": 5, "kettle": 1})


def test_weeks_without_readings_are_rows_and_more_than_three_months_are_a_jump(
    convert_meters: Convert,
):
    recording, report = convert_meters(
        make_meter([0, 60, 89 * DAY, 200 * DAY + 7, 200 * DAY + 67], mains=[1, 2, 3, 4, 50]),
        period_s=60,
    )
    assert len(recording) == 89 * 1440 + 1 + 2
    assert [jump.time for jump in recording.jumps] == [
        datetime.fromtimestamp(START_S + 200 * DAY + 7, UTC)
    ]
    assert_watts(recording.mains_w[[0, 1, 2, -4, -3, -2, -1]], [1, 2, NAN, NAN, 3, 4, 50])
    assert report.jumps == 1


def test_nothing_is_filled_across_a_jump(convert_meters: Convert):
    recording, _ = convert_meters(
        make_meter([0, 6, 200 * DAY, 200 * DAY + 6], mains=[1, 2, 3, 50]),
        make_meter([0, 6, 200 * DAY + 6], kettle=[7, 8, 9]),
    )
    assert_watts(recording.appliance_w("kettle"), [7, 8, NAN, 9])


def test_a_plug_alone_is_kept_where_the_mains_end(convert_meters: Convert):
    recording, _ = convert_meters(
        make_meter([0, 6], mains=[100, 200]), make_meter([6, 12, 60], kettle=[1, 2, 3]), fill_s=0
    )
    assert_watts(recording.mains_w, [100, 200, *[NAN] * 9])
    assert_watts(recording.appliance_w("kettle"), [NAN, 1, 2, *[NAN] * 7, 3])


@pytest.mark.parametrize(
    ("meter", "said"),
    [
        (
            make_meter([0, 6], mains=[NAN, NAN]),
            "house 1 has no reading of the mains at all, only gaps",
        ),
        (make_meter([], mains=[]), "house 1 has no reading of the mains at all, only gaps"),
        (
            make_meter(range(0, 1200, 6), mains=[0.3] * 200),
            "the mains, a column, never exceed 0.3 W; if they are kilowatts, set `unit` to kW",
        ),
        (
            make_meter(range(0, 6000, 60), mains=[300] * 100),
            "a reading every 60 s cannot be resampled to one every 6 s",
        ),
    ],
)
def test_mains_that_are_of_no_use_are_refused_and_nothing_is_left(
    convert_meters: Convert, tmp_path, meter, said: str
):
    with pytest.raises(DataError, match=said):
        convert_meters(meter)
    assert list(tmp_path.iterdir()) == []
