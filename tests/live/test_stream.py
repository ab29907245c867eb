import json

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.live.window_mean import WindowMean

from seq2point.appliances import APPLIANCES
from seq2point.data.grid import place_on_grid
from seq2point.errors import DataError
from seq2point.events import EventSettings
from seq2point.live.pace import Pace, learn_pace
from seq2point.live.readings import Reading
from seq2point.live.rows import Rows
from seq2point.live.stream import Stream
from seq2point.model.event_decisions import decide_recording
from seq2point.recording import Recording

BEGIN_S = 1_700_000_003.0


def read_batch(times_s, watts, pace, period_s, fill):
    """Return the recording that batch reading makes of ascending readings."""
    grid = place_on_grid(times_s, period_s, usual_step_s=pace.step_s, hold_s=pace.hold_s)
    mains_w = (
        grid.mean(watts) if pace.hold_s is None else grid.mean_held(times_s, watts, pace.hold_s)
    )
    recording = Recording("home", period_s, mains_w, start=grid.start, jumps=grid.jumps, fill=fill)
    return recording, grid.times_s()


def feed(stream, times_s, watts, cuts):
    parts = [
        stream.feed(times_s[a:b], watts[a:b])
        for a, b in zip([0, *cuts], [*cuts, len(times_s)], strict=True)
    ]
    return join([*parts, stream.flush()])


def join(parts):
    return Rows(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def require_equal(rows, recording, times_s, predictor):
    np.testing.assert_allclose(rows.times_s, times_s, atol=1e-3, rtol=0)
    np.testing.assert_allclose(rows.mains_w, recording.mains_w, rtol=1e-4, atol=1e-2)
    highest_w = [appliance.max_power_w for appliance in predictor.appliances]
    power_w = np.clip(predictor.predict_w(recording), 0, highest_w)
    np.testing.assert_allclose(rows.power_w, power_w, rtol=1e-3, atol=0.1)


@st.composite
def meters(draw):
    """Readings of a meter: cadence, jitter, losses, gaps, jumps, NaN; and the cuts of batches."""
    step_s = draw(st.sampled_from([1.0, 2.5, 6.0, 8.0, 10.0, 15.0, 30.0, 60.0]))
    period_s = draw(st.sampled_from([each for each in (8.0, 60.0) if step_s <= 1.5 * each]))
    count = draw(st.integers(2, 400))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    jitter = draw(st.sampled_from([0.0, 0.05, 0.4]))
    steps = step_s * (1 + random.uniform(-jitter, jitter, count))
    for gap_s in draw(
        st.lists(st.sampled_from([40.0, 200.0, 900.0, 3599.0, 4000.0, 9e4]), max_size=4)
    ):
        steps[random.integers(count)] += gap_s
    times_s = BEGIN_S + np.cumsum(steps)
    watts = random.choice([90.0, 150.0, 2200.0], count) + random.normal(0, 5, count)
    watts[random.random(count) < draw(st.sampled_from([0, 0.03]))] = np.nan
    kept = random.random(count) >= draw(st.sampled_from([0.0, 0.1]))
    kept[0] = True
    cuts = sorted(draw(st.lists(st.integers(0, int(kept.sum())), max_size=6)))
    return times_s[kept], watts[kept].astype(np.float32), step_s, period_s, cuts


@given(
    meter=meters(), held=st.booleans(), fill=st.sampled_from([0, 2, 10]), target=st.integers(0, 8)
)
def test_a_stream_is_the_batch_for_any_batches(meter, held, fill, target):
    times_s, watts, step_s, period_s, cuts = meter
    pace = Pace(step_s, 3 * step_s + 60 if held else None)
    predictor = WindowMean(target=target, period_s=period_s)
    recording, grid_s = read_batch(times_s, watts, pace, period_s, fill)
    stream = Stream([predictor], pace, fill=fill)
    rows = feed(stream, times_s, watts, cuts)
    assume(not stream.arrivals.counts.stray)
    require_equal(rows, recording, grid_s, predictor)
    assert rows.jumps.nonzero()[0].tolist() == [jump.sample for jump in recording.jumps]


@given(
    meter=meters(),
    held=st.booleans(),
    late_s=st.sampled_from([20.0, 90.0]),
    seed=st.integers(0, 999),
)
def test_late_and_repeated_readings_change_nothing(meter, held, late_s, seed):
    times_s, watts, step_s, period_s, _ = meter
    random = np.random.default_rng(seed)
    arrived = np.argsort(times_s + random.uniform(0, late_s, len(times_s)) * 0.99, kind="stable")
    twice = np.repeat(arrived, 1 + (random.random(len(arrived)) < 0.2))
    pace = Pace(step_s, 3 * step_s + 60 if held else None)
    in_order = feed(
        Stream([WindowMean(period_s=period_s)], pace, late_s=late_s), times_s, watts, []
    )
    stream = Stream([WindowMean(period_s=period_s)], pace, late_s=late_s)
    rows = feed(stream, times_s[twice], watts[twice], [len(twice) // 3, len(twice) // 2])
    assert stream.arrivals.counts.late == 0
    for one, other in zip(rows, in_order, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


@given(meter=meters(), held=st.booleans(), where=st.floats(0, 1))
def test_a_stream_goes_on_where_another_was_saved(meter, held, where):
    times_s, watts, step_s, period_s, _ = meter
    pace = Pace(step_s, 3 * step_s + 60 if held else None)
    cut = int(where * len(times_s))
    whole = Stream([WindowMean(period_s=period_s)], pace, late_s=5)
    expected = feed(whole, times_s, watts, [cut])
    before = Stream([WindowMean(period_s=period_s)], pace, late_s=5)
    first = before.feed(times_s[:cut], watts[:cut])
    after = Stream([WindowMean(period_s=period_s)], pace, late_s=5)
    after.restore(json.loads(json.dumps(before.as_json())))
    rows = join([first, feed(after, times_s[cut:], watts[cut:], [])])
    np.testing.assert_allclose(rows.times_s, expected.times_s, atol=1e-3, rtol=0)
    np.testing.assert_array_equal(rows.mains_w, expected.mains_w)
    np.testing.assert_allclose(rows.power_w, expected.power_w, rtol=1e-5)


@pytest.mark.parametrize("lost", [0.0, 0.1])
@pytest.mark.parametrize("jitter", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("step_s", [*range(1, 13), 15, 20, 25, 30, 40, 45, 60])
def test_every_cadence_is_answered(step_s, jitter, lost):
    random = np.random.default_rng(step_s)
    count = 4 * 3600 // step_s
    times_s = BEGIN_S + step_s * (np.arange(count) + random.uniform(-jitter, jitter, count) / 2)
    keep = random.random(count) >= lost
    watts = random.normal(800, 30, count).astype(np.float32)
    readings = [Reading(*pair) for pair in zip(times_s[keep], watts[keep], strict=True)]
    pace = learn_pace(readings[:40])
    assert pace is not None
    period_s = 8.0 if pace.step_s <= 12 or pace.hold_s else 60.0
    predictor = WindowMean(window=31, target=15, period_s=period_s)
    rows = feed(Stream([predictor], pace), times_s[keep], watts[keep], [count // 3])
    inside = rows.power_w[31:-31, 0]
    assert np.mean(inside > 100) > 0.99


def test_a_meter_that_reports_changes_is_answered_in_between():
    times_s = BEGIN_S + np.cumsum(np.random.default_rng(3).exponential(90, 400))
    watts = np.random.default_rng(4).uniform(100, 900, 400).astype(np.float32)
    readings = [Reading(*pair) for pair in zip(times_s, watts, strict=True)]
    pace = learn_pace(readings[:40])
    assert pace.hold_s >= 240
    rows = feed(Stream([WindowMean()], pace), times_s, watts, [7])
    assert np.mean(~np.isnan(rows.power_w[9:-9, 0])) > 0.9


def test_readings_too_late_are_left_out_and_counted():
    stream = Stream([WindowMean()], Pace(8.0), late_s=20)
    stream.feed(BEGIN_S + np.array([0.0, 8, 16, 24, 32, 40]), np.full(6, 100, np.float32))
    stream.feed(BEGIN_S + np.array([10.0, 40, 25]), np.full(3, 9000, np.float32))
    rows = stream.flush()
    assert (stream.arrivals.counts.late, stream.arrivals.counts.repeated) == (1, 1)
    assert rows.mains_w.tolist() == [100, 100, 100, 4550, 100, 100]


@example(cuts=[3])
@given(cuts=st.lists(st.integers(0, 7), max_size=3).map(sorted))
def test_a_time_far_ahead_that_no_other_agrees_with_is_left_out(cuts):
    times_s = BEGIN_S + np.array([0.0, 8, 9e8, 16, 24, 32, 40])
    watts = np.array([100, 100, 7777, 100, 100, 100, 100], np.float32)
    stream = Stream([WindowMean()], Pace(8.0))
    rows = feed(stream, times_s, watts, cuts)
    assert stream.arrivals.counts.stray == 1
    assert rows.mains_w.tolist() == [100.0] * 6


def test_times_never_go_back_whatever_the_clock_does():
    random = np.random.default_rng(5)
    times_s = BEGIN_S + 8.0 * np.arange(900) + np.repeat([0, -3600, 7200, 0, -90, 30], 150)
    stream = Stream([WindowMean()], Pace(8.0), late_s=30)
    rows = feed(stream, times_s, random.uniform(0, 99, 900).astype(np.float32), [450])
    assert (np.diff(rows.times_s) > 0).all()
    assert len(np.unique(rows.times_s)) == len(rows)


def test_memory_is_bounded():
    stream = Stream([WindowMean(window=31, target=15)], Pace(1.0), late_s=30)
    for first in range(0, 40_000, 5000):
        times_s = BEGIN_S + np.arange(first, first + 5000.0)
        stream.feed(times_s, np.full(5000, 100, np.float32))
        assert stream.length <= 62
        assert len(json.dumps(stream.as_json())) < 4000


def test_readings_too_seldom_for_a_model_are_refused():
    with pytest.raises(DataError, match=r"30 s is too seldom for the model of kettle, fridge.*8 s"):
        Stream([WindowMean()], Pace(30.0))


def test_rows_come_as_soon_as_their_window_is_full():
    stream = Stream([WindowMean(window=9, target=8)], Pace(8.0))
    due = [
        len(stream.feed(np.array([BEGIN_S + 8.0 * i]), np.array([50], np.float32)))
        for i in range(5)
    ]
    assert due == [0, 1, 1, 1, 1]
    assert stream.delay_s == 8


CYCLE = EventSettings(min_share=0.4, keep_share=0.2, least_w=300, bridge_s=600)


@given(meter=meters(), held=st.booleans(), fill=st.sampled_from([0, 10]))
def test_a_stream_decides_by_event_as_the_batch_does_causally(meter, held, fill):
    times_s, watts, step_s, period_s, cuts = meter
    pace = Pace(step_s, 3 * step_s + 60 if held else None)
    predictors = [
        WindowMean(9, 4, period_s, (APPLIANCES["kettle"],)),
        WindowMean(5, 1, period_s, (APPLIANCES["fridge"], APPLIANCES["dishwasher"])),
    ]
    settings = {"kettle": CYCLE, "dishwasher": CYCLE}
    recording, _ = read_batch(times_s, watts, pace, period_s, fill)
    appliances = [a for predictor in predictors for a in predictor.appliances]
    predicted_w = np.column_stack([each.predict_w(recording) for each in predictors])
    batch = decide_recording(recording, predicted_w, appliances, settings, share=False, causal=True)
    stream = Stream(predictors, pace, fill=fill, settings=settings)
    rows = feed(stream, times_s, watts, cuts)
    assume(not stream.arrivals.counts.stray)
    for column, appliance in enumerate(appliances):
        expected_w = batch.power_w[appliance.name]
        np.testing.assert_allclose(rows.power_w[:, column], expected_w, rtol=1e-3, atol=0.5)


def test_rows_decided_by_event_are_due_after_five_minutes_more():
    settings = {"kettle": CYCLE}
    stream = Stream([WindowMean(window=31, target=15)], Pace(8.0), settings=settings)
    assert stream.delay_s == (15 + 38 + 1) * 8
    due = [
        len(stream.feed(np.array([BEGIN_S + 8.0 * i]), np.array([50], np.float32)))
        for i in range(60)
    ]
    assert due == [0] * 54 + [1] * 6
