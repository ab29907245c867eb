"""An activation's energy is what the mains leave of it."""

import numpy as np
import pytest
from tests.household.test_home_energy import MODELS

from seq2point import HomeEnergy
from seq2point.events import Activation
from seq2point.household.capped_activations import cap_activations


def test_an_activation_keeps_the_share_of_its_samples():
    claim_w = np.array([0, 2000, 2000, 0, 1000], np.float32)
    part_w = np.array([0, 1000, 2000, 0, 1000], np.float32)
    cycles = [Activation(68.0, 172.0, 58.0, 2010.0), Activation(240.0, 300.0, 16.0, 1000.0)]
    first, second = cap_activations(cycles, claim_w, part_w, 0.0, 60.0)
    assert first.energy_wh == pytest.approx(58.0 * 0.75)
    assert (first.start_s, first.end_s) == (68.0, 172.0)
    assert second == cycles[1]


def test_where_nothing_is_known_the_energy_stays():
    unknown_w = np.full(3, np.nan, np.float32)
    cycle = Activation(0.0, 120.0, 50.0, 1500.0)
    assert cap_activations([cycle], np.ones(3, np.float32), unknown_w, 0.0, 60.0) == [cycle]
    assert cap_activations([cycle], np.zeros(3, np.float32), unknown_w, 0.0, 60.0) == [cycle]


def test_activations_hold_no_more_energy_than_their_appliance():
    mains_w = np.full(2880, 100, np.float32)
    for first in range(100, 2800, 200):
        mains_w[first : first + 5] = 3000.0
    home = HomeEnergy.from_mains(mains_w, MODELS, period_s=60.0)
    cycles = home.cycles["kettle"]
    kwh = float(np.nansum(home.power_w["kettle"], dtype=np.float64)) / 60_000
    assert len(cycles) == 14
    assert sum(each.energy_wh for each in cycles) / 1000 == pytest.approx(kwh, rel=1e-3)
    assert kwh < 0.9 * 14 * 5 * 0.8 * 3000 / 60_000  # less than it claims, beside the dishwasher
