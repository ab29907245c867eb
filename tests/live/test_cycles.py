import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seq2point.appliances import APPLIANCES
from seq2point.events import find_activations
from seq2point.live.cycles import CycleWatch

PERIOD_S = 60.0
WASHER = APPLIANCES["washing_machine"].model_copy(update={"min_on_s": 240, "min_off_s": 130})
levels = st.one_of(st.just(float("nan")), st.just(0.0), st.floats(1, 500, width=32))
runs = st.lists(st.tuples(levels, st.integers(1, 9)), max_size=30)


def lay_out(runs):
    return np.array([level for level, count in runs for _ in range(count)], np.float32)


@given(runs=runs, appliance=st.sampled_from([WASHER, APPLIANCES["kettle"], APPLIANCES["fridge"]]))
def test_cycles_are_the_activations_of_the_batch(runs, appliance):
    power_w = lay_out(runs)
    times_s = PERIOD_S * np.arange(len(power_w))
    watch = CycleWatch(appliance, PERIOD_S)
    notices = []
    for i in range(len(power_w)):
        notices += watch.feed(times_s[i : i + 1], power_w[i : i + 1], np.zeros(1, bool))
        watch.restore(json.loads(json.dumps(watch.as_json())))
    notices += watch.flush(PERIOD_S * len(power_w))
    finished = [n for n in notices if n.kind == "finished"]
    expected = find_activations(power_w, appliance, PERIOD_S, times_s)
    assert [(n.start_s, n.end_s) for n in finished] == [(e.start_s, e.end_s) for e in expected]
    np.testing.assert_allclose(
        [n.energy_wh for n in finished], [e.energy_wh for e in expected], rtol=1e-5
    )
    started = [n for n in notices if n.kind == "started"]
    assert [n.start_s for n in started] == [n.start_s for n in finished]


def test_a_start_is_told_before_its_end_and_a_finish_after_its_pause():
    power_w = lay_out([(0.0, 2), (400.0, 6), (0.0, 5)])
    watch = CycleWatch(WASHER, PERIOD_S)
    notices = watch.feed(PERIOD_S * np.arange(13), power_w, np.zeros(13, bool))
    assert [(n.kind, n.told_s) for n in notices] == [("started", 300), ("finished", 600)]
    assert not watch.is_on


def test_a_jump_of_the_clock_ends_a_cycle():
    watch = CycleWatch(APPLIANCES["kettle"], PERIOD_S)
    jumps = np.array([False, False, True, False])
    notices = watch.feed(PERIOD_S * np.arange(4), np.full(4, 2500, np.float32), jumps)
    assert [n.kind for n in notices] == ["started", "finished", "started"]
