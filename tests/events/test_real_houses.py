"""Decisions by event in a real home."""

from pathlib import Path

import numpy as np
import pytest

from seq2point import load_recording
from seq2point.appliances import APPLIANCES
from seq2point.events import EventSettings, decide, find_activations


@pytest.mark.parametrize("causal", [False, True])
def test_a_hedging_prediction_of_a_real_dishwasher_becomes_its_power(data_dir: Path, causal: bool):
    days = load_recording(data_dir / "ukdale_house5_60s.parquet").slice(0, 14 * 1440)
    truth_w = days.appliance_w("dishwasher")
    hedged_w = 0.6 * truth_w + np.float32(10)
    decided = decide(
        days.mains_w,
        {"dishwasher": hedged_w},
        {"dishwasher": EventSettings()},
        APPLIANCES,
        60.0,
        causal,
    )
    power_w = decided.power_w["dishwasher"]
    known = ~(np.isnan(power_w) | np.isnan(truth_w))
    before, after = (
        np.square(each[known] - truth_w[known], dtype=np.float64).sum()
        for each in (hedged_w, power_w)
    )
    assert after < before / 2
    assert decided.owned["dishwasher"]
    appliance = APPLIANCES["dishwasher"]
    true_runs, runs = (len(find_activations(each, appliance, 60.0)) for each in (truth_w, power_w))
    assert true_runs > 3
    assert abs(runs - true_runs) <= 0.25 * true_runs
