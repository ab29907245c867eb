"""Activations as a table: by the on/off rule, with times and energy, as CSV or Parquet."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.appliances import find_appliance
from seq2point.data import parquet_file
from seq2point.errors import UsageError
from seq2point.events import Activation, find_activations, write_activations
from seq2point.recording.on_off import find_runs, is_on

KETTLE = find_appliance("kettle")
NOON_S = 1_711_886_400.0  # 2024-03-31 12:00 UTC


def kettle(*spans: tuple[int, int], size: int = 100, power_w: float = 2500.0) -> np.ndarray:
    watts = np.zeros(size, np.float32)
    for first, end in spans:
        watts[first:end] = power_w
    return watts


def test_an_activation_has_its_times_energy_and_peak():
    power_w = kettle((10, 13))
    power_w[11] = 2900
    found = find_activations(power_w, KETTLE, 60.0, NOON_S + 60.0 * np.arange(100))
    energy_wh = (2500 + 2900 + 2500) / 60
    assert found == [
        Activation(NOON_S + 600, NOON_S + 780, pytest.approx(energy_wh), pytest.approx(2900))
    ]


def test_what_is_unknown_and_a_jump_of_the_clock_end_an_activation():
    power_w, times_s = kettle((10, 30)), 6.0 * np.arange(100)
    power_w[20] = np.nan
    spans = [(a.start_s, a.end_s) for a in find_activations(power_w, KETTLE, 6.0, times_s)]
    assert spans == [(60, 120), (126, 180)]
    times_s[15:] += 86400
    spans = [(a.start_s, a.end_s) for a in find_activations(power_w, KETTLE, 6.0, times_s)]
    assert spans == [(60, 90), (86490, 86520), (86526, 86580)]


def test_a_power_of_nothing_known_has_no_activation():
    assert find_activations(np.full(50, np.nan, np.float32), KETTLE, 6.0) == []
    assert find_activations(np.empty(0, np.float32), KETTLE, 6.0) == []


@given(st.lists(st.floats(0, 3000, width=32), max_size=60), st.sampled_from([6.0, 60.0]))
def test_activations_are_the_runs_of_the_on_state(watts, period_s):
    power_w = np.array(watts, np.float32)
    on = is_on(power_w, KETTLE, period_s)
    found = find_activations(power_w, KETTLE, period_s)
    first, lengths = find_runs(on)
    starts, ends = (np.array([each[i] for each in found]) / period_s for i in (0, 1))
    assert (first - 1 < starts).all()
    assert (starts <= first).all()
    assert (first + lengths <= ends).all()
    assert (ends < first + lengths + 1).all()
    assert (ends[:-1] <= starts[1:]).all()
    padded = np.pad(on, 1)
    beside = padded[:-2] | padded[1:-1] | padded[2:]
    energies_wh = [power_w[which].sum(dtype=np.float64) * period_s / 3600 for which in (on, beside)]
    assert energies_wh[0] - 1e-6 <= sum(a.energy_wh for a in found) <= energies_wh[1] + 1e-6


def test_the_samples_beside_an_activation_are_its_own_in_part():
    power_w = np.array([0, 800, 2400, 2400, 1200, 0, 2400, 60, 0], np.float32)
    first, second = find_activations(power_w, KETTLE, 60.0)
    assert (first.start_s, first.end_s) == (pytest.approx(120 - 20), pytest.approx(240 + 30))
    assert first.energy_wh == pytest.approx((800 + 2400 + 2400 + 1200) / 60)
    assert (second.start_s, second.end_s) == (360, 420)  # 60 W of 2,400 are noise


def test_a_sample_between_two_activations_is_the_first_ones():
    power_w = np.array([0, 2400, 1200, 2400, 0], np.float32)
    first, second = find_activations(power_w, KETTLE, 60.0)
    assert (first.start_s, first.end_s, first.energy_wh) == (60, 150, pytest.approx(60))
    assert (second.start_s, second.end_s, second.energy_wh) == (180, 240, pytest.approx(40))


ROWS = {
    "kettle": [Activation(NOON_S + 600, NOON_S + 780, 131.67, 2900)],
    "washing_machine": [Activation(NOON_S, NOON_S + 5400, 812.5, 2100)],
    "microwave": [],
}


def test_the_table_as_csv(tmp_path: Path):
    write_activations(tmp_path / "runs.csv", ROWS)
    assert (tmp_path / "runs.csv").read_text().splitlines() == [
        "appliance,start,end,minutes,kwh",
        "washing_machine,2024-03-31T12:00:00Z,2024-03-31T13:30:00Z,90.0000,0.8125",
        "kettle,2024-03-31T12:10:00Z,2024-03-31T12:13:00Z,3.0000,0.1317",
    ]


def test_the_table_as_parquet_and_without_dates(tmp_path: Path):
    write_activations(tmp_path / "runs.parquet", ROWS)
    frame = pl.read_parquet(tmp_path / "runs.parquet")
    assert frame.columns == ["appliance", "start", "end", "minutes", "kwh"]
    assert frame["start"].dtype == pl.Datetime("ms", "UTC")
    assert frame["appliance"].to_list() == ["washing_machine", "kettle"]
    assert parquet_file.read_column_names(tmp_path / "runs.parquet") == frame.columns
    write_activations(tmp_path / "runs.csv", {"kettle": [Activation(6, 12, 1, 2)]}, dated=False)
    assert (tmp_path / "runs.csv").read_text().splitlines()[1].startswith("kettle,6.0000,12.0000")


def test_no_activation_is_a_table_without_rows(tmp_path: Path):
    write_activations(tmp_path / "runs.csv", {"kettle": []})
    assert (tmp_path / "runs.csv").read_text() == "appliance,start,end,minutes,kwh\n"
    write_activations(tmp_path / "runs.parquet", {})
    assert pl.read_parquet(tmp_path / "runs.parquet").is_empty()


def test_another_ending_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(UsageError, match=r"written as \.csv or \.parquet"):
        write_activations(tmp_path / "runs.xlsx", ROWS)
    assert list(tmp_path.iterdir()) == []
