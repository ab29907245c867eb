"""Decisions sample by sample: they are those of all samples at once, for any pieces."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.events.test_decision import NAMES, SETTINGS, load, recordings

from seq2point.appliances import APPLIANCES
from seq2point.events import CausalDecider, EventSettings, decide
from seq2point.events.rated_power import MOST_RATED
from seq2point.events.segmentation import LOOK_AHEAD, find_steps
from seq2point.events.step_finder import StepFinder


def make_decider(period_s, share=True, settings=SETTINGS):
    return CausalDecider(settings, {name: APPLIANCES[name] for name in NAMES}, period_s, share)


@given(recordings(), st.lists(st.integers(0, 420), max_size=6), st.integers(0, 20), st.booleans())
def test_decisions_in_pieces_are_those_of_the_whole(recording, cuts, ahead, share):
    mains_w, predictions_w, period_s = recording
    whole = decide(mains_w, predictions_w, SETTINGS, APPLIANCES, period_s, True, share)
    answers_w = np.column_stack([predictions_w[name] for name in NAMES])
    decider, parts, before = make_decider(period_s, share), [], 0
    for end in [*sorted(cuts), len(mains_w) + ahead]:
        mains = mains_w[before:end]
        parts.append(decider.feed(mains, answers_w[max(before - ahead, 0) : max(end - ahead, 0)]))
        before = end
    parts.append(decider.flush())
    power_w = np.concatenate(parts)
    for i, name in enumerate(NAMES):
        np.testing.assert_array_equal(power_w[:, i], whole.power_w[name])


@given(recordings(), st.integers(0, 400), st.integers(0, 20))
def test_a_decider_goes_on_where_another_was_saved(recording, cut, ahead):
    mains_w, predictions_w, period_s = recording
    answers_w = np.column_stack([predictions_w[name] for name in NAMES])
    heard = max(cut - ahead, 0)
    whole, before, after = (make_decider(period_s) for _ in range(3))
    expected_w = [whole.feed(mains_w, answers_w), whole.flush()]
    first_w = before.feed(mains_w[:cut], answers_w[:heard])
    state = json.loads(json.dumps(before.as_json()))
    assert after.can_go_on(state)
    after.restore(state)
    power_w = [first_w, after.feed(mains_w[cut:], answers_w[heard:]), after.flush()]
    np.testing.assert_array_equal(np.concatenate(power_w), np.concatenate(expected_w))


RATED = {"kettle": EventSettings(min_share=1, rated_share=0.25, keep_share=0, least_w=800)}


def make_kettles(powers_w, share):
    """Return a day's mains in minutes, the kettle's power, and what is predicted of each boil."""
    kettles_w = [load(60, 30 + 60 * i, 3, power_w) for i, power_w in enumerate(powers_w)]
    predictions_w = [each_w * share(i) for i, each_w in enumerate(kettles_w)]
    kettle_w = np.sum(kettles_w, axis=0, dtype=np.float32)
    return 100 + kettle_w, kettle_w, np.sum(predictions_w, axis=0, dtype=np.float32)


def test_the_power_of_the_homes_kettle_is_learned_from_those_that_are_sure():
    mains_w, kettle_w, prediction_w = make_kettles([2800] * 8, lambda i: 0.8 if i < 3 else 0.4)
    decided = decide(mains_w, {"kettle": prediction_w}, RATED, APPLIANCES, 60.0, causal=True)
    assert decided.rated_w == {"kettle": 2800}
    power_w, known = decided.power_w["kettle"], 30 + 60 * 3 - 5
    np.testing.assert_allclose(power_w[:known], prediction_w[:known], atol=1)
    np.testing.assert_allclose(power_w[known:], kettle_w[known:], atol=1)


def test_what_is_learned_of_the_home_is_kept_and_bounded():
    mains_w, _, prediction_w = make_kettles([2800] * 11, lambda i: 0.8)
    before = CausalDecider(RATED, {"kettle": APPLIANCES["kettle"]}, 60.0)
    for _ in range(10):
        before.feed(mains_w, prediction_w[:, None])
    kept = json.loads(json.dumps(before.as_json()["rated"]))
    assert len(kept["kettle"]) == MOST_RATED
    after = make_decider(60.0, settings={**SETTINGS, **RATED})
    after.attribution.restore(kept)
    assert after.attribution.rated_w["kettle"] == 2800
    assert make_decider(60.0).attribution.rated_w["kettle"] is None


def test_another_kettle_is_learned_in_the_place_of_the_last():
    decider = CausalDecider(RATED, {"kettle": APPLIANCES["kettle"]}, 60.0)
    for power_w in (2000, 2800):
        mains_w, _, prediction_w = make_kettles([power_w] * 11, lambda i: 0.8)
        for _ in range(7):
            decider.feed(mains_w, prediction_w[:, None])
        assert decider.attribution.rated_w["kettle"] == power_w


def test_a_decider_with_other_settings_does_not_go_on():
    before = make_decider(60.0)
    assert not make_decider(60.0, settings={"kettle": EventSettings()}).can_go_on(before.as_json())


def test_a_decision_waits_for_its_delay_and_what_is_kept_is_bounded():
    decider = make_decider(60.0)
    day_w = 100 + load(60, 300, 30, 2000)
    for _ in range(3):
        due = [
            len(decider.feed(day_w[i : i + 1], np.zeros((1, len(NAMES)), np.float32)))
            for i in range(len(day_w))
        ]
        assert len(json.dumps(decider.as_json())) < 6000
    assert due == [1] * len(day_w)
    assert len(decider.flush()) == decider.delay + LOOK_AHEAD


def test_what_switched_on_with_a_load_stays_with_it():
    mains_w = np.full(40, 100, np.float32)
    mains_w[20:25] = [4900, 2100, 2100, 2100, 2100]
    predictions_w = {"washing_machine": np.maximum(mains_w - 100, 0)}
    settings = {"washing_machine": EventSettings()}
    washing = APPLIANCES["washing_machine"]
    wide = {"washing_machine": washing.model_copy(update={"max_power_w": 6000.0})}
    decided = decide(mains_w, predictions_w, settings, wide, 60.0, causal=True)
    power_w = decided.power_w["washing_machine"]
    assert power_w[18:27].tolist() == [0, 0, 4800, 2000, 2000, 2000, 2000, 0, 0]


@given(st.lists(st.sampled_from([0.0, 90, 200, 350, 400, 900, 2000, 2150, 3000]), max_size=60))
def test_steps_as_samples_come_are_those_of_the_whole(watts):
    mains_w = np.array(watts, np.float32)
    finder, found, known_at = StepFinder(200), [], []
    for sample, power_w in enumerate(mains_w.tolist()):
        if step := finder.add(sample, power_w):
            found.append(step)
            known_at.append(sample - step.sample)
    if step := finder.end():
        found.append(step)
    assert max(known_at, default=0) <= LOOK_AHEAD
    steps = find_steps(mains_w, 200)
    assert [each.sample for each in found] == steps.sample.tolist()
    assert [each.before_w for each in found] == steps.before_w.tolist()
    assert [each.after_w for each in found] == steps.after_w.tolist()
