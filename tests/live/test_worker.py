import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.live.window_mean import WindowMean, make_home_model

from seq2point.appliances import APPLIANCES
from seq2point.live.mains_parts import MAINS, join_answers
from seq2point.live.pace import PaceLearner
from seq2point.live.readings import Reading
from seq2point.live.store import Store
from seq2point.live.worker import Worker
from seq2point.live.worker_options import WorkerOptions

BEGIN_S = 1_700_000_003.0


class Kettle(WindowMean):
    """Says that whatever is above 1500 W is the kettle, less `rest_w`."""

    def __init__(self, period_s=8.0, least_w=1500.0, rest_w=0.0):
        super().__init__(9, 4, period_s, (APPLIANCES["kettle"],))
        self.least_w, self.rest_w = least_w, rest_w

    def predict_w(self, recording, engine="sliding", edges="empty", *, progress=None):
        known = super().predict_w(recording)
        mains_w = recording.filled_mains_w[:, None]
        kettle_w = np.where(mains_w > self.least_w, mains_w - self.rest_w, 0)
        return np.where(np.isnan(known), np.nan, kettle_w).astype("f4")


def make_readings(count=1500):
    random = np.random.default_rng(8)
    times_s = BEGIN_S + np.cumsum(8 * (1 + random.uniform(-0.1, 0.1, count)))
    watts = np.where(np.arange(count) % 97 < 12, 2400, 150) + random.normal(0, 9, count)
    return [Reading(*pair) for pair in zip(times_s.tolist(), watts.tolist(), strict=True)]


def make_worker(path, **options):
    learner = PaceLearner(options.pop("step_s", None))
    return Worker(lambda pace: [make_home_model(Kettle())], learner, WorkerOptions(path, **options))


def read_counters(path):
    store = Store(path)
    counters = store.read_counters()
    store.close()
    return counters


def test_readings_become_answers_notices_and_counters(tmp_path):
    worker = make_worker(tmp_path / "s")
    worker.start()
    readings = make_readings()
    updates = [worker.take(readings[i : i + 50]) for i in range(0, len(readings), 50)]
    updates.append(worker.finish(True))
    announced = [update.description for update in updates if update.description]
    assert [description.appliances[0].name for description in announced] == ["kettle"]
    notices = [notice for update in updates for notice in update.notices]
    assert [notice.kind for notice in notices[:4]] == ["started", "finished"] * 2
    assert len(notices) == 2 * 15 + 2
    energy = [update.counters[MAINS] for update in updates if update.counters]
    assert energy == sorted(energy)
    assert {hour.name for update in updates for hour in update.hours} >= {"kettle", MAINS}
    worker.close()
    store = Store(tmp_path / "s")
    assert len(store.read_cycles()) == 16
    expected_wh = sum(reading.watts for reading in readings) * 8 / 3600
    assert store.read_counters()[MAINS] == pytest.approx(expected_wh, rel=0.02)
    store.close()


@settings(max_examples=8)
@given(crashes=st.lists(st.integers(1, 1499), max_size=4).map(sorted))
def test_a_file_played_again_after_crashes_counts_once(crashes, tmp_path_factory):
    readings = make_readings()
    folder = tmp_path_factory.mktemp("stores")
    whole = make_worker(folder / "whole", step_s=8.0)
    whole.take(readings)
    whole.finish(True)
    whole.close()
    expected = read_counters(folder / "whole")
    for crash in crashes:
        worker = make_worker(folder / "s", step_s=8.0)
        worker.start()
        for i in range(0, crash, 120):
            worker.take(readings[i : min(i + 120, crash)])
        worker.close()  # no more is said: what is not kept is lost
    worker = make_worker(folder / "s", step_s=8.0)
    worker.start()
    worker.take(readings)
    worker.finish(True)
    worker.close()
    assert read_counters(folder / "s") == pytest.approx(expected, rel=1e-6)


def test_a_restart_goes_on_with_a_cycle_and_the_pace(tmp_path):
    readings = make_readings(800)
    first = make_worker(tmp_path / "s")
    first.take(readings[:500])
    first.finish(False)
    first.close()
    second = make_worker(tmp_path / "s")
    update = second.start()
    assert update.description is not None
    assert update.counters[MAINS] > 0
    notices = [*second.take(readings[500:]).notices]
    assert notices
    assert second.home.pace.step_s == pytest.approx(8, abs=0.2)
    second.close()


def test_readings_are_kept_before_the_first_answer(tmp_path, monkeypatch):
    monkeypatch.setattr("seq2point.live.worker.WARM_EVERY_S", 0.0)
    readings = make_readings(60)
    first = make_worker(tmp_path / "s", step_s=8.0)
    first.take(readings[:4])
    first.close()
    second = make_worker(tmp_path / "s", step_s=8.0)
    second.start()
    update = second.take(readings[4:])
    known = ~np.isnan(update.answers.predicted_w["kettle"])
    assert known[5:].all()
    second.close()


def test_without_a_store_nothing_is_kept():
    worker = make_worker(None)
    worker.start()
    update = worker.take(make_readings())
    assert update.answers is not None
    assert update.counters is None
    worker.close()


def test_answers_are_kept_every_so_often(tmp_path):
    worker = make_worker(tmp_path / "s", commit_every_s=3600)
    readings = make_readings()
    first = worker.take(readings[:400])
    later = [worker.take(readings[i : i + 100]) for i in range(400, 1500, 100)]
    assert first.counters is not None
    assert all(update.counters is None for update in later)
    assert worker.finish(False).counters[MAINS] > first.counters[MAINS]
    worker.close()


def test_mains_in_kilowatts_are_noticed(caplog):
    worker = make_worker(None, step_s=8.0)
    in_kw = [reading._replace(watts=reading.watts / 1000) for reading in make_readings()]
    for i in range(0, 1500, 100):
        worker.take(in_kw[i : i + 100])
    assert [record.message for record in caplog.records] == [
        "the mains never exceeded 2.42 W: if they are in kilowatts, set the scale to 1000"
    ]


STEPS_S = [1, 2, 5, 6, 8, 10, 30, 60]


def watch_kettles(step_s, jitter, lost, on_change=False):
    """Return readings of three hours with a kettle each half an hour, and its energy in Wh."""
    random = np.random.default_rng(step_s)
    count = 3 * 3600 // step_s
    times_s = BEGIN_S + step_s * (np.arange(count) + random.uniform(-jitter, jitter, count) / 2)
    is_on = (times_s - BEGIN_S) % 1800 < 240
    watts = np.where(is_on, 2400.0, 150.0) + random.normal(0, 9, count)
    keep = random.random(count) >= lost
    if on_change:
        keep &= random.random(count) < np.where(np.diff(is_on, prepend=0) != 0, 1, 0.3)
    readings = [Reading(*pair) for pair in zip(times_s[keep], watts[keep], strict=True)]
    return readings, 6 * (2400 - 150) * 240 / 3600


def count_by_worker(readings, path):
    """Return the counters, and the share of the answers whose mains and kettle are known."""

    def load(pace):
        period_s = next(each_s for each_s in (8.0, 60.0) if pace.can_give(each_s))
        return [make_home_model(Kettle(period_s, 250.0, 150.0))]

    worker = Worker(load, PaceLearner(), WorkerOptions(path, commit_every_s=1e9))
    updates = [worker.take(readings[i : i + 97]) for i in range(0, len(readings), 97)]
    updates.append(worker.finish(True))
    worker.close()
    answers = join_answers([update.answers for update in updates if update.answers is not None])
    known = ~np.isnan(answers.mains_w) & ~np.isnan(answers.predicted_w["kettle"])
    return read_counters(path), float(known.mean())


@pytest.mark.parametrize("lost", [0.0, 0.1])
@pytest.mark.parametrize("jitter", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("step_s", STEPS_S)
def test_a_kettle_is_counted_at_every_cadence(step_s, jitter, lost, tmp_path):
    readings, kettle_wh = watch_kettles(step_s, jitter, lost)
    counters, known = count_by_worker(readings, tmp_path / "s")
    # where a meter is as slow as the model, a reading that is missing is unknown
    assert known > (0.75 if lost else 0.95)
    few = step_s >= 30  # readings of a kettle: four minutes of a meter that reports each minute
    assert counters["kettle"] == pytest.approx(kettle_wh * known, rel=0.3 if few else 0.1)


@pytest.mark.parametrize("step_s", STEPS_S[:-2])
def test_a_kettle_is_counted_of_changes_alone(step_s, tmp_path):
    readings, kettle_wh = watch_kettles(step_s, 0.5, 0.1, on_change=True)
    counters, known = count_by_worker(readings, tmp_path / "s")
    assert known > 0.9
    assert counters["kettle"] == pytest.approx(kettle_wh, rel=0.25)
