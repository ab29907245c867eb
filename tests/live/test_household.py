"""A home live, beside `household` on the same readings."""

from datetime import UTC, datetime

import numpy as np
import pytest

from seq2point.household import HomeEnergy
from seq2point.household.home_models import load_pretrained_model
from seq2point.live.home import Home
from seq2point.live.mains_parts import ALWAYS_ON, OTHER, join_answers
from seq2point.live.pace import Pace
from seq2point.recording import Recording
from seq2point.simulator import simulate_house

NAMES = ("kettle-60s", "fridge-60s", "dishwasher-60s", "washing_machine-60s")
BUT_EDGES = slice(1440, -1440)


@pytest.fixture(scope="module")
def homes():
    """The same ten days at a minute, as `household` tells them apart, and live."""
    seconds = simulate_house(5, days=10).mains_w
    mains_w = seconds.reshape(-1, 10).mean(axis=1).astype(np.float32)
    mains_w[3000:3200] = np.nan
    recording = Recording("home", 60.0, mains_w, start=datetime(2025, 1, 6, tzinfo=UTC))
    models = [load_pretrained_model(name, 1) for name in NAMES]
    home = Home(models, Pace(60.0))
    times_s = recording.times_s()
    parts = [home.feed(times_s[i : i + 500], mains_w[i : i + 500]) for i in range(0, 14_400, 500)]
    answers = join_answers([*parts, home.flush()])
    return HomeEnergy.from_mains(recording, models), answers, home.take_notices()


def test_the_mains_are_the_same_and_the_parts_add_up_to_them_exactly(homes):
    energy, answers, _ = homes
    np.testing.assert_array_equal(answers.times_s, energy.times_s)
    np.testing.assert_array_equal(answers.mains_w, energy.mains_w)
    total_w = np.sum([*answers.parts_w.values()], axis=0, dtype=np.float32)
    np.testing.assert_array_equal(total_w, answers.mains_w)
    assert min(np.nanmin(power_w) for power_w in answers.parts_w.values()) >= 0


def test_the_energy_is_that_of_household_as_far_as_causality_allows(homes):
    energy, answers, _ = homes
    assert [*answers.parts_w] == [*energy.parts_w]
    shares = {}
    for name, power_w in energy.parts_w.items():
        known = ~np.isnan(answers.predicted_w["kettle"][BUT_EDGES])
        live_w, house_w = answers.parts_w[name][BUT_EDGES][known], power_w[BUT_EDGES][known]
        shares[name] = live_w.sum(dtype=np.float64) / house_w.sum(dtype=np.float64)
    # by prediction alone: all that differs is what is always on
    assert shares["fridge"] == pytest.approx(1, abs=0.04)
    # by event: what five minutes of an event do not tell
    assert shares["kettle"] == pytest.approx(1, abs=0.05)
    assert shares["dishwasher"] == pytest.approx(1, abs=0.1)
    assert shares["washing_machine"] == pytest.approx(1, abs=0.1)
    assert shares[ALWAYS_ON] == pytest.approx(1, abs=0.03)
    assert shares[OTHER] == pytest.approx(1, abs=0.03)


def test_the_runs_of_an_appliance_without_events_are_those_of_household(homes):
    energy, _, notices = homes
    known = [round(cycle.start_s, 2) for cycle in energy.cycles["fridge"]]
    told = [round(n.start_s, 2) for n in notices if (n.appliance, n.kind) == ("fridge", "finished")]
    assert len(known) > 10
    assert len(told) >= 0.95 * len(known)  # within a window of the edges nothing is told
    assert len(set(told) - set(known)) <= 0.02 * len(
        told
    )  # what the mains cap differs by the floor
