"""What a meter, a disk or a person may do to a live home: one line, and nothing counted wrongly."""

import json
import math
import sqlite3
from contextlib import closing

import pytest
from tests.live.test_service import BEGIN_S, Batches, Heard, make_batches
from tests.live.window_mean import WindowMean, make_home_model

from seq2point.configuration import LiveConfig
from seq2point.errors import UsageError
from seq2point.live.assembly import make_service
from seq2point.live.mains_parts import MAINS
from seq2point.live.pace import PaceLearner
from seq2point.live.readings import Reading, clean_readings
from seq2point.live.service import Service
from seq2point.live.store import Store
from seq2point.live.worker import Worker
from seq2point.live.worker_options import WorkerOptions


def run(batches, path=None, clock=None, **options):
    """Run a service, and return what its sink has heard."""
    model, sink = make_home_model(WindowMean()), Heard()

    def make_worker():
        learner = PaceLearner(options.pop("step_s", 8.0))
        return Worker(lambda pace: [model], learner, WorkerOptions(path, **options))

    Service(Batches(batches), make_worker, [sink], clock).run()
    return sink


def read_mains_wh(path):
    with closing(Store(path)) as store:
        return store.read_counters()[MAINS]


@pytest.mark.parametrize("watts", [1e9, -1e9, math.inf, -math.inf, 1e308, math.nan, -50.0])
def test_power_that_cannot_be_is_unknown_and_never_counts(watts, tmp_path):
    batches = make_batches()
    whole = run(batches, tmp_path / "whole")
    (first, *_) = batches[30]
    batches[30][0] = first._replace(watts=watts)
    sink = run(batches, tmp_path / "s")
    assert read_mains_wh(tmp_path / "s") == pytest.approx(
        read_mains_wh(tmp_path / "whole"), rel=0.01
    )
    assert len(sink.updates) == len(whole.updates)


@pytest.mark.parametrize("time_s", [1e18, 1e11, -5.0, math.nan, math.inf, -math.inf])
def test_a_time_that_cannot_be_is_left_out(time_s, tmp_path, caplog):
    batches = make_batches()
    for batch in (batches[20], batches[21]):
        batch[3:5] = [reading._replace(time_s=time_s) for reading in batch[3:5]]
    run(batches, tmp_path / "s")
    assert 0.95 < read_mains_wh(tmp_path / "s") / read_expected_wh(batches) < 1.05
    (said,) = [r.getMessage() for r in caplog.records if "cannot be" in r.getMessage()]
    assert said == f"a reading at {time_s:g} s since 1970 cannot be: it and its like are left out"


def read_expected_wh(batches):
    return sum(reading.watts for batch in batches for reading in batch) * 8 / 3600


def test_readings_that_can_be_stay_as_they_are():
    readings = [Reading(BEGIN_S, 99_999.0), Reading(0.0, 0.0), Reading(BEGIN_S, 32_766.0)]
    assert clean_readings(readings) == readings
    assert clean_readings([Reading(BEGIN_S, -0.5)]) == [Reading(BEGIN_S, 0.0)]


def test_a_clock_that_goes_back_within_a_batch_is_told(caplog):
    (readings,) = make_batches(100, 100)
    back = [Reading(each.time_s - 7200, each.watts) for each in readings[:50]]
    run([[*readings, *back]])
    assert "the readings' clock has gone back by 1" in caplog.text


YEARS_S = 5 * 366 * 86_400.0


def test_two_readings_of_a_clock_years_ahead_leave_the_home_lit(tmp_path, caplog):
    batches = make_batches()
    whole = run(batches, tmp_path / "whole")
    for batch in (batches[20], batches[21]):
        batch[3:5] = [each._replace(time_s=each.time_s + YEARS_S) for each in batch[3:5]]
    now_s = batches[-1][-1].time_s
    sink = run(batches, tmp_path / "s", clock=lambda: now_s)
    assert 0.95 < read_mains_wh(tmp_path / "s") / read_mains_wh(tmp_path / "whole") < 1.05
    assert len(sink.updates) == len(whole.updates)
    (said,) = [r.getMessage() for r in caplog.records if "ahead of this machine" in r.getMessage()]
    assert said.startswith("a reading at 20")
    assert " is 1,830 days ahead of this machine's clock: it and its like are left out" in said


def test_readings_up_to_a_day_ahead_and_those_of_a_replay_are_taken(caplog):
    batches = make_batches()
    first_s = batches[0][0].time_s
    day_before_s = first_s - 86_400 + 600
    assert len(run(batches[:5], clock=lambda: day_before_s).updates) == len(
        run(batches[:5]).updates
    )
    run(batches[:5])
    assert "ahead" not in caplog.text


def test_a_machine_without_a_set_clock_refuses_nothing(caplog):
    batches = make_batches()
    assert len(run(batches, clock=lambda: 3600.0).updates) == len(run(batches).updates)
    assert "ahead" not in caplog.text


def change_state(path, change):
    with closing(sqlite3.connect(path)) as file:
        (text,) = file.execute("SELECT state FROM homes").fetchone()
        file.execute("UPDATE homes SET state=?", (change(text),))
        file.commit()


def without(*names):
    def change(text):
        state = json.loads(text)
        place = state
        for name in names[:-1]:
            place = place[name]
        del place[names[-1]]
        return json.dumps(state)

    return change


def with_newest_s(time_s):
    def change(text):
        state = json.loads(text)
        state["home"]["streams"][0]["arrivals"]["newest_s"] = time_s
        return json.dumps(state)

    return change


@pytest.mark.parametrize("step_s", [8.0, None])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-50],
        lambda text: "[1, 2]",
        lambda text: "{}",
        without("home", "floor"),
        without("home", "streams", 0, "watts"),
        without("home", "streams", 0, "sampler", "next"),
        with_newest_s(1e18),
    ],
)
def test_a_state_that_is_damaged_costs_the_estimates_alone(change, step_s, tmp_path, caplog):
    batches = make_batches()
    run(batches[:40], tmp_path / "s")
    before_wh = read_mains_wh(tmp_path / "s")
    change_state(tmp_path / "s", change)
    sink = run(batches, tmp_path / "s", step_s=step_s)
    assert "goes on from is damaged: the estimates begin anew" in caplog.text
    assert read_mains_wh(tmp_path / "s") > 1.3 * before_wh
    assert read_mains_wh(tmp_path / "s") == pytest.approx(read_expected_wh(batches), rel=0.02)
    assert any(update.answers is not None for update in sink.updates)


def test_a_store_of_another_home_is_told(tmp_path, caplog):
    for name in ("elm street", "elm street", "oak road"):
        run(make_batches(60), tmp_path / "s", name=name)
    said = [r.getMessage() for r in caplog.records if "has counted" in r.getMessage()]
    assert said == [
        f"{tmp_path / 's'}: has counted the energy of 'elm street', and 'oak road' goes on from it:"
        " give another home another `store`"
    ]


@pytest.mark.parametrize("name", ["cadence_s", "hold_s", "late_s", "commit_every_s", "keep_days"])
def test_times_without_an_end_are_refused(name):
    with pytest.raises(UsageError, match=f"{name} inf: input should be a finite"):
        LiveConfig.of(**{name: math.inf})


def test_what_cannot_be_filled_is_refused():
    with pytest.raises(UsageError, match="fill 1000000000: input should be less than or equal"):
        LiveConfig.of(fill=10**9)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"store": "s", "jsonl": "./s"}, "`jsonl` s: is the file of store, too"),
        ({"replay": "s", "jsonl": "s"}, "`jsonl` s: is the file of replay, too"),
        ({"models": ["s.onnx"], "store": "s.onnx"}, "`store` s.onnx: is the file of model s.onnx"),
        ({"store": "live.toml"}, "`store` live.toml: is the file of settings, too"),
    ],
)
def test_no_file_is_written_over(options, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = LiveConfig.of(source="stdin", **options)
    with pytest.raises(UsageError, match=complaint):
        make_service(config, print, settings=tmp_path / "live.toml")
    assert not [*tmp_path.iterdir()]


def test_settings_with_a_byte_order_mark_are_read(tmp_path):
    from seq2point.cli.live import _read_settings

    (tmp_path / "live.toml").write_bytes(b"\xef\xbb\xbfsource = 'stdin'\n")
    assert _read_settings(tmp_path / "live.toml") == {"source": "stdin"}


def test_since_when_an_appliance_runs_is_known_after_a_restart(tmp_path):
    boiling = [Reading(BEGIN_S + 8.0 * i, 9000.0 if i > 100 else 100.0) for i in range(200)]
    batches = [boiling[i : i + 20] for i in range(0, 200, 20)]

    class Stops(Batches):
        async def batches(self):
            async for batch in super().batches():
                yield batch
            service.stop()
            yield batches[-1][-1:]

    def make_worker():
        options = WorkerOptions(tmp_path / "s", with_history=True)
        return Worker(lambda pace: [make_home_model(WindowMean())], PaceLearner(8.0), options)

    service = Service(Stops(batches), make_worker, [Heard()])
    service.run()
    worker = make_worker()
    history = worker.start().history
    worker.close()
    assert history.running_since_s.keys() == {"kettle", "fridge"}
    assert BEGIN_S + 790 < history.running_since_s["kettle"] < BEGIN_S + 900
