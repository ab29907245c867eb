"""A recording keeps its clock through slices and jumps, and holds out a block that shares no window
with the rest.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point import DataError, Recording, load_recording
from seq2point.recording import Jump, format_house
from seq2point.recording.windows import find_window_runs

START = datetime(2024, 3, 31, 7, 15, tzinfo=UTC)
LATER = datetime(2024, 12, 1, tzinfo=UTC)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    size = draw(st.integers(1, 60))
    at = sorted(draw(st.sets(st.integers(1, size - 1), max_size=4))) if size > 1 else []
    jumps = tuple(Jump(sample, START + timedelta(days=30 * (i + 1))) for i, sample in enumerate(at))
    watts = np.arange(size, dtype=np.float32)
    return Recording("home", 6.0, watts, {"kettle": watts + 1000}, START, jumps)


@given(recordings(), st.integers(0, 70), st.integers(0, 70))
def test_a_slice_keeps_the_readings_and_the_time_of_each(
    recording: Recording, first: int, end: int
):
    cut = recording.slice(first, end)
    np.testing.assert_array_equal(cut.mains_w, recording.mains_w[first:end])
    np.testing.assert_array_equal(
        cut.appliance_w("kettle"), recording.appliance_w("kettle")[first:end]
    )
    np.testing.assert_array_equal(cut.times_s(), recording.times_s()[first:end])


@given(recordings())
def test_the_time_of_one_sample_is_that_of_all(recording: Recording):
    assert [
        recording.time_s(sample) for sample in range(len(recording))
    ] == recording.times_s().tolist()


@given(recordings(), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_a_slice_of_a_slice_keeps_its_clock(recording: Recording, a: int, b: int, c: int, d: int):
    np.testing.assert_array_equal(
        recording.slice(a, b).slice(c, d).times_s(), recording.times_s()[a:b][c:d]
    )


@given(recordings(), st.integers(0, 60), st.integers(0, 60))
def test_the_pieces_of_a_slice_are_cut_at_the_jumps_inside_it(
    recording: Recording, first: int, end: int
):
    cut = recording.slice(first, end)
    steps = np.flatnonzero(np.diff(cut.times_s()) != 6) + 1
    assert [piece[0] for piece in cut.pieces()][1:] == list(steps)
    assert sum(b - a for a, b in cut.pieces()) == len(cut)


def test_a_slice_copies_nothing(make_recording):
    recording = make_recording(range(100), kettle=range(100))
    cut = recording.slice(10, 20)
    assert np.shares_memory(cut.mains_w, recording.mains_w)
    assert np.shares_memory(cut.appliance_w("kettle"), recording.appliance_w("kettle"))


def test_negative_ends_count_from_the_back(make_recording):
    recording = make_recording(range(100))
    np.testing.assert_array_equal(recording.slice(-30, -10).mains_w, range(70, 90))
    assert recording.slice(-30, 100).start == START + timedelta(seconds=70 * 6)


def test_a_recording_without_times_counts_seconds_from_zero(make_recording):
    recording = make_recording(range(5), start=None)
    np.testing.assert_array_equal(recording.times_s(), [0, 6, 12, 18, 24])
    assert recording.slice(2, 5).start is None


def test_days_are_those_of_the_samples_not_of_the_calendar(make_recording):
    assert make_recording(np.zeros(28800), jumps=[(14400, LATER)]).days == 2.0


@given(st.integers(0, 300), st.floats(0, 1), st.integers(1, 50))
def test_the_held_out_block_shares_no_sample_with_a_training_window(
    size: int, fraction: float, window: int
):
    recording = Recording("home", 6.0, np.arange(size, dtype=np.float32))
    training, held_out = recording.hold_out(fraction, margin=window)
    assert len(held_out) == int(size * fraction)
    np.testing.assert_array_equal(held_out.mains_w, recording.mains_w[size - len(held_out) :])
    if len(training):
        assert find_window_runs(training, window).total == max(len(training) - window + 1, 0)
        assert training.mains_w[-1] == size - len(held_out) - window - 1
    else:
        assert size - len(held_out) <= window


def test_an_appliance_that_the_house_lacks_is_named_with_those_it_has(make_recording):
    with pytest.raises(
        DataError, match=r"home: has no column for 'fridge' \(appliances here: kettle\)"
    ):
        make_recording([1, 2], kettle=[1, 2]).appliance_w("fridge")
    with pytest.raises(DataError, match="appliances here: none"):
        make_recording([1, 2]).appliance_w("fridge")


def test_an_appliance_of_another_length_is_refused(make_recording):
    with pytest.raises(DataError, match="home: kettle has 3 samples, the mains 2"):
        make_recording([1, 2], kettle=[1, 2, 3])


@pytest.mark.parametrize("period_s", [0.0, -6.0, float("nan")])
def test_a_period_that_is_not_positive_is_refused(make_recording, period_s: float):
    with pytest.raises(DataError, match="sampling period"):
        make_recording([1, 2], period_s=period_s)


@pytest.mark.parametrize("at", [(0,), (10,), (11,), (-1,), (5, 5), (6, 5)])
def test_jumps_out_of_order_or_outside_are_refused(make_recording, at: tuple[int, ...]):
    with pytest.raises(DataError, match="not in order inside"):
        make_recording(range(10), jumps=[(sample, LATER) for sample in at])


KNOWN = st.lists(st.booleans(), min_size=1, max_size=80)


@given(KNOWN, KNOWN, st.integers(0, 40), st.integers(1, 40))
def test_days_are_days_of_readings_of_the_mains_and_the_appliance(
    mains: list[bool], kettle: list[bool], skip: int, wanted: int
):
    size = min(len(mains), len(kettle))
    watts = np.arange(size, dtype=np.float32)
    columns = [
        np.where(known[:size], watts, np.nan).astype(np.float32) for known in (mains, kettle)
    ]
    recording = Recording(
        "home", 3600.0, columns[0], {"kettle": columns[1]}, START
    )  # 24 readings a day
    both = [i for i in range(size) if mains[i] and kettle[i]]
    cut = recording.take_days(wanted / 24, "kettle", skip / 24)
    taken = both[skip : skip + wanted]
    assert cut.count_days("kettle") == pytest.approx(len(taken) / 24)
    if taken:
        assert cut.times_s()[0] == recording.times_s()[taken[0]]
    if len(taken) == wanted:
        assert cut.times_s()[-1] == recording.times_s()[taken[-1]]


def test_no_days_are_no_readings(make_recording):
    assert len(make_recording(range(10), kettle=range(10)).take_days(0, "kettle")) == 0


def test_days_of_a_real_house_with_gaps_are_days_of_readings(data_dir: Path):
    house = load_recording(data_dir / "refit_house2_30s.parquet", ["kettle"])
    cut = house.take_days(150, "kettle", skip=28)
    assert cut.count_days("kettle") == pytest.approx(150, abs=1e-3)
    assert cut.days > 160  # a quarter of this house is missing
    assert cut.start is not None
    assert house.start is not None
    assert cut.start >= house.start + timedelta(days=28)


@pytest.mark.parametrize(
    ("house", "label"), [("2", "house 2"), ("house2", "house2"), ("my home", "my home")]
)
def test_a_house_is_called_so_once(house: str, label: str):
    assert format_house(house) == label
