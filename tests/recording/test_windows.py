"""Windows hold no gap and no jump, and are found by number."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point import DataError, Recording
from seq2point.recording import Jump
from seq2point.recording.windows import (
    DEFAULT_WINDOWS,
    WindowRuns,
    choose_window,
    find_gapless_spans,
    find_midpoint,
    find_window_runs,
)

START = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period_s", "window"),
    [
        (1, 599),
        (6, 599),
        (8.01, 599),
        (10, 599),
        (20, 511),
        (30, 511),
        (45, 255),
        (60, 255),
        (900, 255),
    ],
)
def test_the_default_window_is_that_of_the_nearest_period(period_s: float, window: int):
    assert choose_window(period_s) == window
    assert choose_window(period_s) in DEFAULT_WINDOWS.values()


@st.composite
def gappy_recordings(draw: st.DrawFn) -> Recording:
    size = draw(st.integers(0, 40))
    gaps = st.lists(
        st.booleans().map(lambda gap: np.nan if gap else 1.0), min_size=size, max_size=size
    )
    mains, kettle, fridge = (np.array(draw(gaps), dtype=np.float32) for _ in range(3))
    mains[draw(st.integers(0, size)) :] = 1.0
    at = sorted(draw(st.sets(st.integers(1, size - 1), max_size=3))) if size > 1 else []
    jumps = tuple(Jump(sample, START + timedelta(days=i + 1)) for i, sample in enumerate(at))
    fill = draw(st.integers(0, 3))
    return Recording(
        "home", 6.0, mains, {"kettle": kettle, "fridge": fridge}, START, jumps, fill=fill
    )


def filled(recording: Recording) -> np.ndarray:
    """The mains with each gap's first readings held, one by one."""
    mains_w, held = recording.mains_w.copy(), 0
    jumps = {jump.sample for jump in recording.jumps}
    for i in range(1, len(mains_w)):
        held = held + 1 if np.isnan(recording.mains_w[i]) and i not in jumps else 0
        if 0 < held <= recording.fill:
            mains_w[i] = mains_w[i - 1]
        elif i in jumps and np.isnan(recording.mains_w[i]):
            held = recording.fill
    return mains_w


@given(gappy_recordings())
def test_gaps_are_filled_with_the_reading_before_up_to_the_limit(recording: Recording):
    np.testing.assert_array_equal(recording.filled_mains_w, filled(recording))
    assert (
        recording.filled_count
        == np.isnan(recording.mains_w).sum() - np.isnan(filled(recording)).sum()
    )


def usable_starts(
    recording: Recording, window: int, target: int, appliances: list[str]
) -> list[int]:
    jumps = {jump.sample for jump in recording.jumps}
    return [
        first
        for first in range(len(recording) - window + 1)
        if not np.isnan(filled(recording)[first : first + window]).any()
        and not jumps & set(range(first + 1, first + window))
        and all(not np.isnan(recording.appliance_w(name)[first + target]) for name in appliances)
    ]


@given(gappy_recordings(), st.integers(1, 9), st.data())
def test_the_windows_are_those_that_plain_enumeration_finds(
    recording: Recording, window: int, data: st.DataObject
):
    target = data.draw(st.integers(0, window - 1))
    appliances = data.draw(st.sampled_from([[], ["kettle"], ["fridge"], ["kettle", "fridge"]]))
    runs = find_window_runs(recording, window, target, appliances)
    expected = usable_starts(recording, window, target, appliances)
    assert runs.total == len(expected)
    assert list(runs.starts(np.arange(runs.total))) == expected
    assert (runs.count > 0).all()


@given(gappy_recordings(), st.integers(1, 9))
def test_the_target_is_the_midpoint_unless_told_otherwise(recording: Recording, window: int):
    runs = find_window_runs(recording, window, appliances=["kettle"])
    assert list(runs.starts(np.arange(runs.total))) == usable_starts(
        recording, window, window // 2, ["kettle"]
    )


@given(gappy_recordings())
def test_gapless_spans_cover_every_reading_once(recording: Recording):
    spans = find_gapless_spans(recording)
    inside = [i for first, end in spans for i in range(first, end)]
    assert inside == list(np.flatnonzero(~np.isnan(filled(recording))))
    assert all(first < end for first, end in spans)


@given(gappy_recordings(), st.integers(1, 5), st.randoms())
def test_windows_are_found_by_number_in_any_order(recording: Recording, window: int, random):
    runs = find_window_runs(recording, window)
    numbers = np.array(
        random.choices(range(runs.total), k=20) if runs.total else [], dtype=np.int64
    )
    assert list(runs.starts(numbers)) == [
        usable_starts(recording, window, 0, [])[n] for n in numbers
    ]


@given(
    gappy_recordings(),
    st.integers(1, 4),
    st.lists(st.integers(0, 45), min_size=1, max_size=5),
    st.integers(0, 20),
)
def test_a_stretch_of_starts_tells_which_and_how_many_are_usable(
    recording: Recording, window: int, firsts: list[int], length: int
):
    runs, usable = find_window_runs(recording, window), set(usable_starts(recording, window, 0, []))
    expected = [[start in usable for start in range(first, first + length)] for first in firsts]
    assert [runs.flags(first, length).tolist() for first in firsts] == expected
    assert runs.count_within(np.array(firsts), length).tolist() == [
        sum(flags) for flags in expected
    ]


def test_runs_are_numbered_one_after_another():
    runs = WindowRuns(np.array([3, 100]), np.array([2, 3]))
    assert runs.total == 5
    assert list(runs.starts(np.array([4, 0, 1, 2, 3]))) == [102, 3, 4, 100, 101]


def test_windows_for_an_appliance_that_the_house_lacks_are_refused(make_recording):
    with pytest.raises(DataError, match="no column for 'kettle'"):
        find_window_runs(make_recording(range(10)), 3, appliances=["kettle"])


def test_a_window_of_599_predicts_its_sample_299():
    assert find_midpoint(599) == 299


@given(st.integers(0, 500).map(lambda n: 2 * n + 1))
def test_an_odd_window_has_as_many_samples_before_its_midpoint_as_after(window: int):
    assert find_midpoint(window) == window - 1 - find_midpoint(window)
