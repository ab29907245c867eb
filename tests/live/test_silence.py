"""A meter that falls silent: what is due by time is answered, without its next reading."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.live.test_stream import BEGIN_S, feed, join, meters
from tests.live.window_mean import WindowMean, make_home_model

from seq2point.live.home import GRACE_S, Home
from seq2point.live.pace import Pace, PaceLearner
from seq2point.live.readings import Reading
from seq2point.live.stream import Stream
from seq2point.live.worker import Worker
from seq2point.live.worker_options import WorkerOptions

HOUR_S = 3600.0


@given(
    meter=meters(), held=st.booleans(), fill=st.sampled_from([0, 2, 10]), seed=st.integers(0, 99)
)
def test_time_that_passes_within_an_hour_changes_nothing(meter, held, fill, seed):
    times_s, watts, step_s, period_s, _ = meter
    gaps_s = np.diff(times_s, append=times_s[-1])
    assume((gaps_s <= HOUR_S).all())
    pace = Pace(step_s, 3 * step_s + 60 if held else None)
    expected = feed(Stream([WindowMean(period_s=period_s)], pace, fill=fill), times_s, watts, [])
    stream = Stream([WindowMean(period_s=period_s)], pace, fill=fill)
    random, parts = np.random.default_rng(seed), []
    for i, gap_s in enumerate(gaps_s):
        parts.append(stream.feed(times_s[i : i + 1], watts[i : i + 1]))
        for share in sorted(random.uniform(0, 0.999, random.integers(0, 3))):
            parts.append(stream.advance(times_s[i] + share * gap_s))
    rows = join([*parts, stream.flush()])
    assert stream.arrivals.counts.late == 0
    np.testing.assert_allclose(rows.times_s, expected.times_s, atol=1e-3, rtol=0)
    np.testing.assert_allclose(rows.mains_w, expected.mains_w, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(rows.power_w, expected.power_w, rtol=1e-3, atol=0.1)


@pytest.mark.parametrize("hold_s", [None, 120.0])
def test_a_silent_meter_is_filled_then_unknown_then_over(hold_s):
    home = Home([make_home_model(WindowMean())], Pace(8.0, hold_s), fill=3)
    times_s = BEGIN_S + 8.0 * np.arange(50)
    answered = len(home.feed(times_s, np.full(50, 200, np.float32)))
    last_s = times_s[-1]
    assert not len(home.advance(last_s + GRACE_S))
    soon = home.advance(last_s + GRACE_S + 400)
    assert soon.times_s[0] == BEGIN_S + 8.0 * answered
    known_s = soon.times_s[~np.isnan(soon.mains_w)]
    assert known_s[-1] == last_s + (hold_s - 8 if hold_s else 0)
    predicted_s = soon.times_s[~np.isnan(soon.predicted_w["kettle"])]
    filled_s = known_s[-1] + 8.0 * 3  # `fill`, of which the last window has seen all
    assert predicted_s[-1] == filled_s - 8.0 * 4
    assert np.isnan(soon.predicted_w["kettle"][-1])
    rest = home.advance(last_s + GRACE_S + 2 * HOUR_S)
    assert rest.times_s[-1] <= last_s + HOUR_S
    assert not len(home.advance(last_s + 9 * HOUR_S))
    later_s = last_s + 10 * HOUR_S + 8.0 * np.arange(20)
    after = home.feed(later_s, np.full(20, 300, np.float32))
    assert after.times_s[0] == later_s[0]
    assert after.jumps[0]
    assert after.mains_w[0] == 300


def test_a_reading_that_comes_after_its_absence_was_answered_is_late():
    home = Home([make_home_model(WindowMean())], Pace(8.0))
    home.feed(BEGIN_S + 8.0 * np.arange(20), np.full(20, 200, np.float32))
    home.advance(BEGIN_S + 152 + GRACE_S + 100)
    home.feed(np.array([BEGIN_S + 200]), np.array([900], np.float32))
    assert home.counts["late"] == 1


class Clock:
    def __init__(self):
        self.now_s = 5000.0

    def __call__(self):
        return self.now_s


@pytest.mark.parametrize("is_timely", [True, False])
def test_a_worker_answers_silence_by_its_clock(is_timely):
    clock = Clock()
    options = WorkerOptions(is_timely=is_timely)
    worker = Worker(lambda pace: [make_home_model(WindowMean())], PaceLearner(8.0), options, clock)
    worker.take([Reading(BEGIN_S + 8.0 * i, 200.0) for i in range(50)])
    assert worker.rest().answers is None
    clock.now_s += 1200
    answers = worker.rest().answers
    assert (answers is not None) == is_timely
    if answers is not None:
        assert np.isnan(answers.mains_w[-1])
        assert BEGIN_S + 1200 <= answers.times_s[-1] <= BEGIN_S + 400 + 1200
    worker.close()


@pytest.mark.parametrize("step_back_s", [40.0, 1800.0, 7200.0])
def test_whatever_the_clock_does_times_ascend_and_readings_go_on(step_back_s):
    home = Home([make_home_model(WindowMean())], Pace(8.0))
    steps_s = np.full(3000, 8.0)
    steps_s[1000], steps_s[2000] = 8 - step_back_s, 8 + step_back_s
    times_s = BEGIN_S + np.cumsum(steps_s)
    parts = [home.feed(times_s[i : i + 1], np.full(1, 200, np.float32)) for i in range(3000)]
    answered_s = np.concatenate([part.times_s for part in parts])
    assert (np.diff(answered_s) > 0).all()
    assert answered_s[-1] > times_s[-1] - 100
    assert home.counts["late"] + home.counts["repeated"] == pytest.approx(step_back_s / 8, abs=2)


def test_a_clock_that_goes_back_is_said_once(caplog):
    worker = Worker(lambda pace: [make_home_model(WindowMean())], PaceLearner(8.0), WorkerOptions())
    worker.take([Reading(BEGIN_S + 8.0 * i, 200.0) for i in range(1000)])
    for i in range(100):
        worker.take([Reading(BEGIN_S + 8.0 * i, 200.0)])
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the readings' clock has gone back by 133 min"
    ]
    worker.close()
