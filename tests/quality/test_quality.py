"""Every defect is found where it was put, with its figure, and a healthy house has none."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point import simulate_house
from seq2point.quality import Finding, check_file, check_recording
from seq2point.quality.quality_report import FindingLog
from seq2point.recording import Jump, Recording

Findings = Callable[..., list[Finding]]
MINUTE, HOUR, DAY = round(60 / 8), 450, 10800


def only(findings: list[Finding], check: str, channel: str | None) -> Finding:
    chosen = [f for f in findings if (f.check, f.channel) == (check, channel)]
    assert len(chosen) == 1, [(f.check, f.channel) for f in findings]
    return chosen[0]


def test_a_healthy_house_has_no_errors_and_no_warnings(healthy: Recording, find_in: Findings):
    assert find_in(healthy) == []


def test_energy_time_on_and_uses_are_what_was_used(healthy: Recording):
    quarter = np.zeros(len(healthy), dtype=np.float32)
    for day in range(21):
        quarter[day * DAY + 100 : day * DAY + 100 + HOUR] = 2400
    uses, _ = check_recording(
        replace(healthy, appliances_w={"kettle": quarter}), FindingLog("home")
    )
    mains, kettle = uses
    assert mains.channel == "mains"
    assert mains.kwh == pytest.approx(healthy.mains_w.sum(dtype=float) * 8 / 3.6e6, abs=0.01)
    assert (kettle.kwh_per_day, kettle.on_hours_per_day, kettle.uses, kettle.uses_per_day) == (
        2.4,
        1.0,
        21,
        1.0,
    )
    assert kettle.typical_on_w == kettle.mean_on_w == kettle.highest_w == 2400
    assert kettle.on_kwh_per_day == kettle.kwh_per_day
    assert kettle.share_of_mains == pytest.approx(kettle.kwh / mains.kwh, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "other"),
    [*combinations(("kettle", "fridge", "washing_machine", "microwave", "dishwasher"), 2)],
)
def test_two_channels_that_were_swapped_are_both_named(
    name: str, other: str, healthy: Recording, find_in: Findings
):
    swapped = {name: healthy.appliance_w(other), other: healthy.appliance_w(name)}
    findings = find_in(healthy, channels=swapped)
    assert f"swapped with {other}" in only(findings, "swapped", name).figure
    assert f"swapped with {name}" in only(findings, "swapped", other).figure


def test_a_channel_of_another_kind_is_named_by_what_it_looks_like(
    healthy: Recording, find_in: Findings
):
    findings = find_in(healthy, channels={"kettle": healthy.appliance_w("fridge"), "fridge": None})
    assert "looks like a fridge" in only(findings, "looks_like", "kettle").figure


@pytest.mark.parametrize("name", ["kettle", "fridge", "dishwasher"])
def test_a_channel_swapped_with_the_mains_is_found(
    name: str, healthy: Recording, find_in: Findings
):
    findings = find_in(healthy, channels={name: healthy.mains_w}, mains_w=healthy.appliance_w(name))
    assert "above the mains" in only(findings, "swapped", name).figure


def test_a_column_written_twice_is_found(healthy: Recording, find_in: Findings):
    findings = find_in(healthy, channels={"kettle_2": healthy.appliance_w("kettle")})
    assert "the same as kettle" in only(findings, "copy", "kettle_2").figure


@pytest.mark.parametrize("late_s", [-3600, -80, 48, 600])
@pytest.mark.parametrize("name", ["kettle", "fridge"])
def test_a_clock_that_is_off_is_measured(
    name: str, late_s: int, healthy: Recording, find_in: Findings
):
    finding = only(
        find_in(healthy, channels={name: np.roll(healthy.appliance_w(name), late_s // 8)}),
        "lag",
        name,
    )
    assert finding.value == pytest.approx(late_s, abs=8)
    assert finding.severity == ("error" if abs(late_s) > 60 else "warning")
    assert f"{-late_s:+d} s" in finding.advice.replace(f"{-finding.value:+.0f}", f"{-late_s:+d}")


def test_a_clock_that_drifts_is_measured_by_the_day(healthy: Recording, find_in: Findings):
    stretched = np.clip(np.arange(len(healthy)) * (1 - 12 / 86400), 0, None).astype(int)
    finding = only(
        find_in(healthy, channels={"kettle": healthy.appliance_w("kettle")[stretched]}),
        "drift",
        "kettle",
    )
    assert finding.value == pytest.approx(12, rel=0.1)
    assert finding.severity == "error"


def test_a_clock_that_was_set_an_hour_is_found(healthy: Recording, find_in: Findings):
    fridge_w = healthy.appliance_w("fridge").copy()
    fridge_w[10 * DAY :] = np.roll(fridge_w, HOUR)[10 * DAY :]
    finding = only(find_in(healthy, channels={"fridge": fridge_w}), "drift", "fridge")
    assert finding.value == pytest.approx(3600, abs=10)


def test_a_channel_that_is_not_behind_the_mains_is_found(healthy: Recording, find_in: Findings):
    findings = find_in(healthy, channels={"fridge": healthy.appliance_w("fridge")[::-1].copy()})
    assert only(findings, "match", "fridge").severity == "error"
    assert "agreement" not in [finding.check for finding in findings]


@pytest.mark.parametrize("factor", [0.55, 1.7])
def test_a_plug_that_reads_other_watts_than_the_mains_is_found(
    factor: float, healthy: Recording, find_in: Findings
):
    channels = {"fridge": healthy.appliance_w("fridge") / np.float32(factor)}
    found = only(find_in(healthy, channels=channels), "agreement", "fridge")
    assert found.severity == "warning"
    assert found.value == pytest.approx(factor, rel=0.1)
    assert f"the mains step by {found.value:.2f} of that" in found.figure


def test_a_mains_that_misses_a_circuit_is_below_the_sum(healthy: Recording, find_in: Findings):
    without_w = healthy.mains_w - healthy.appliance_w("dishwasher")
    findings = find_in(healthy, mains_w=np.maximum(without_w, 0))
    assert only(findings, "above_mains", "dishwasher").severity == "error"
    assert only(findings, "sum_above_mains", None).value > 1


@pytest.mark.parametrize(
    ("level_w", "words"),
    [(0.0, "reads 0 W throughout"), (7.0, "reads 7 W throughout"), (np.nan, "no reading at all")],
)
def test_a_dead_channel_is_found(level_w: float, words: str, healthy: Recording, find_in: Findings):
    findings = find_in(
        healthy, channels={"kettle": np.full(len(healthy), level_w, dtype=np.float32)}
    )
    assert words in only(findings, "dead", "kettle").figure
    assert len(findings) == 1


def test_an_appliance_that_never_reaches_its_power_is_never_on(
    healthy: Recording, find_in: Findings
):
    finding = only(
        find_in(healthy, channels={"kettle": healthy.appliance_w("kettle") * np.float32(0.5)}),
        "never_on",
        "kettle",
    )
    assert "above 2,000 W" in finding.figure
    assert finding.value == pytest.approx(healthy.appliance_w("kettle").max() / 2)


def test_a_kettle_uses_more_than_it_does_while_it_is_on(healthy: Recording):
    kettle_w = np.ones(len(healthy), dtype=np.float32)
    for day in range(21):
        first = day * DAY + 100
        kettle_w[first : first + HOUR] = 2400
        kettle_w[first + HOUR] = 1200  # half of a sample
    uses, _ = check_recording(
        replace(healthy, appliances_w={"kettle": kettle_w}), FindingLog("home")
    )
    kettle = uses[1]
    assert kettle.on_kwh_per_day == pytest.approx(2.4)
    assert kettle.on_kwh_per_day == pytest.approx(kettle.mean_on_w * kettle.on_hours_per_day / 1000)
    assert kettle.kwh_per_day == pytest.approx(2.4 + 0.0265, abs=0.001)


def test_an_appliance_mostly_below_its_power_is_said_to_be_so(
    healthy: Recording, find_in: Findings
):
    fridge_w = healthy.appliance_w("fridge")
    running_w = float(np.median(fridge_w[fridge_w > 30]))
    low_w = fridge_w * np.float32(45 / running_w)
    low_w[: 5 * DAY] = fridge_w[: 5 * DAY]
    finding = only(find_in(healthy, channels={"fridge": low_w}), "below_on_power", "fridge")
    assert finding.severity == "warning"
    assert "below 50 W" in finding.figure
    assert 50 < finding.value < 100
    assert not [f for f in find_in(healthy) if f.check == "below_on_power"]


def test_a_period_that_averages_on_and_off_is_a_fact(find_in: Findings):
    minutes = simulate_house(2, 14, 60.0)
    finding = only(find_in(minutes, "info"), "below_on_power", "kettle")
    assert finding.severity == "info"


def test_a_reading_that_stands_still_is_found_and_left_out_of_the_comparisons(
    healthy: Recording, find_in: Findings
):
    mains_w, kettle_w = healthy.mains_w.copy(), healthy.appliance_w("kettle").copy()
    mains_w[5 * DAY : 5 * DAY + 4 * HOUR], kettle_w[5 * DAY : 5 * DAY + 4 * HOUR] = 300, 2500
    findings = find_in(healthy, mains_w=mains_w, channels={"kettle": kettle_w})
    assert only(findings, "frozen", "mains").value == pytest.approx(4, abs=0.01)
    assert "at 2,500 W" in only(findings, "frozen", "kettle").figure
    assert not [f for f in findings if "above_mains" in f.check]


def test_a_standby_that_stands_still_is_nothing(healthy: Recording, find_in: Findings):
    assert (
        find_in(healthy, channels={"kettle": np.maximum(healthy.appliance_w("kettle"), 16)}) == []
    )


def test_an_appliance_that_falls_silent_is_found(find_in: Findings, healthy: Recording):
    thrice = replace(
        healthy,
        mains_w=np.tile(healthy.mains_w, 3),
        appliances_w={name: np.tile(power_w, 3) for name, power_w in healthy.appliances_w.items()},
    )
    fridge_w = thrice.appliance_w("fridge").copy()
    fridge_w[30 * DAY : 58 * DAY] = 0
    finding = only(find_in(thrice, channels={"fridge": fridge_w}), "silent", "fridge")
    assert finding.value == pytest.approx(28, abs=0.2)


def test_gaps_are_counted_by_channel_and_a_jump_of_the_clock_is_named(
    healthy: Recording, find_in: Findings
):
    mains_w, fridge_w = healthy.mains_w.copy(), healthy.appliance_w("fridge").copy()
    mains_w[DAY : DAY + 2 * DAY] = np.nan
    fridge_w[10 * DAY : 10 * DAY + 3] = np.nan
    fridge_w[11 * DAY : 11 * DAY + HOUR] = np.nan
    assert healthy.start is not None
    jump = Jump(15 * DAY, healthy.start + timedelta(days=25))
    findings = find_in(
        healthy, "error warning info", mains_w=mains_w, channels={"fridge": fridge_w}, jumps=(jump,)
    )
    assert only(findings, "gaps", "mains").value == pytest.approx(100 * 2 / 21, abs=0.01)
    assert "in 1 gap, the longest 60 min" in only(findings, "gaps", "fridge").figure.replace(
        "1.0 h", "60 min"
    )
    assert "time jumps by 10.0 days" in only(findings, "gaps", None).figure


def test_a_clipped_channel_is_found_and_the_tables_own_limit_is_a_fact(
    healthy: Recording, find_in: Findings
):
    findings = find_in(
        healthy,
        "error warning info",
        mains_w=np.minimum(healthy.mains_w, 3000),
        channels={
            "washing_machine": np.minimum(
                healthy.appliance_w("washing_machine") * np.float32(1.3), 2500
            )
        },
    )
    mains, machine = (
        only(findings, "clipped", "mains"),
        only(findings, "clipped", "washing_machine"),
    )
    assert (mains.severity, mains.value) == ("warning", 3000)
    assert (machine.severity, machine.value) == ("info", 2500)


def test_an_appliance_of_no_known_kind_is_judged_without_a_table(
    healthy: Recording, find_in: Findings
):
    pump_w = np.roll(healthy.appliance_w("dishwasher"), DAY)
    findings = find_in(healthy, mains_w=healthy.mains_w + pump_w, channels={"heat_pump": pump_w})
    assert findings == []


readings = st.lists(st.floats(0, 4000, width=32) | st.just(np.nan), min_size=1, max_size=60)


@given(readings, st.integers(0, 59), st.sampled_from([1.0, 60.0, 3600.0]))
def test_no_recording_however_short_or_empty_trips_it(
    values: list[float], cut: int, period_s: float
):
    mains_w = np.array(values, dtype=np.float32)
    backwards = mains_w[::-1].copy()
    backwards[cut:] = 0
    channels = {
        "kettle": np.roll(mains_w, 1),
        "heat_pump": mains_w * np.float32(0.5),
        "fridge": backwards,
    }
    notes = FindingLog("home")
    uses, _ = check_recording(Recording("home", period_s, mains_w, channels), notes)
    assert all(f.figure and f.advice for f in notes.findings)
    assert all(use.kwh >= 0 for use in uses)


def test_the_work_grows_with_the_number_of_time_jumps_alone(
    find_in: Findings, monkeypatch: pytest.MonkeyPatch
):
    checked = []
    times_s = Recording.times_s
    monkeypatch.setattr(
        Recording, "times_s", lambda recording: checked.append(1) or times_s(recording)
    )
    watts = np.random.default_rng(0).uniform(50, 3000, 4000).astype(np.float32)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    jumps = tuple(Jump(20 * i, start + timedelta(days=i)) for i in range(1, 200))
    recording = Recording("home", 6.0, watts, {"kettle": watts / 2}, start, jumps)
    findings = find_in(recording, "info")
    assert len([f for f in findings if "time jumps by" in f.figure]) == len(jumps)
    assert len(checked) <= 2


def test_a_table_of_very_many_columns_is_no_house(tmp_path: Path):
    names = [f"socket {i}" for i in range(500)]
    rows = [",".join(["time", "mains", *names]), *(f"{6 * i}{',1' * 501}" for i in range(3))]
    (tmp_path / "wide.csv").write_text("\n".join(rows))
    report, recording = check_file(tmp_path / "wide.csv")
    assert recording is None
    assert [f.figure for f in report.findings] == [
        "500 columns beside the mains, and at most 250 can be checked; leave some out"
    ]
