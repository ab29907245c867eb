"""A real home's energy, by the models that come with the package, beside its plugs."""

from pathlib import Path

import numpy as np
import pytest

from seq2point import HomeEnergy, load_recording


def test_two_weeks_of_a_real_home_add_up_and_its_fridge_is_found(data_dir: Path):
    pytest.importorskip("onnxruntime")
    recording = load_recording(data_dir / "ukdale_house5_60s.parquet").slice(20_000, 40_160)
    home = HomeEnergy.from_mains(recording, zone="Europe/London", tariff="0.30 GBP")
    np.testing.assert_array_equal(sum(home.parts_w.values()), home.mains_w)
    totals = home.totals
    assert (totals.watt_hours[:, :-1].sum(axis=1) == totals.watt_hours[:, -1]).all()
    assert {each.name for each in home.appliances} >= {"kettle", "fridge", "dishwasher"}
    fridge_kwh = float(home.power_w["fridge"].sum(dtype=np.float64)) / 60_000
    truth_kwh = float(np.nansum(recording.appliance_w("fridge"), dtype=np.float64)) / 60_000
    assert fridge_kwh == pytest.approx(truth_kwh, rel=0.4)
    assert 200 < np.nanmedian(home.always_on_w) < np.nanmedian(home.mains_w)
