"""Decisions by event: each load goes to one appliance, and nothing is invented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.appliances import APPLIANCES
from seq2point.events import EventSettings, decide, find_delay_s

NAMES = ("kettle", "washing_machine", "dishwasher")
SETTINGS = {
    "kettle": EventSettings(bridge_s=60),
    "washing_machine": EventSettings(),
    "dishwasher": EventSettings(),
}
HOURS = 12


def home(period_s: float, *loads: tuple[float, float, float], base_w: float = 100.0) -> np.ndarray:
    """Mains f32[T] of half a day from loads that are on in (minute, minutes, watts)."""
    per_minute = round(60 / period_s)
    mains_w = np.full(HOURS * 60 * per_minute, base_w, np.float32)
    for minute, minutes, power_w in loads:
        mains_w[round(minute * per_minute) : round((minute + minutes) * per_minute)] += power_w
    return mains_w


def load(period_s: float, minute: float, minutes: float, power_w: float) -> np.ndarray:
    return home(period_s, (minute, minutes, power_w), base_w=0.0)


def decide_home(mains_w, period_s=60.0, causal=False, settings=SETTINGS, **predictions_w):
    return decide(mains_w, predictions_w, settings, APPLIANCES, period_s, causal)


@pytest.mark.parametrize("period_s", [6.0, 8.0, 30.0, 60.0])
@pytest.mark.parametrize("causal", [False, True])
def test_a_kettle_beside_a_heating_washing_machine_each_gets_its_own(period_s, causal):
    heater, kettle = load(period_s, 300, 30, 2000), load(period_s, 310, 3, 2800)
    decided = decide_home(
        100 + heater + kettle,
        period_s,
        causal,
        washing_machine=0.7 * heater,
        kettle=0.8 * kettle,
    )
    np.testing.assert_allclose(decided.power_w["washing_machine"], heater, atol=1)
    np.testing.assert_allclose(decided.power_w["kettle"], kettle, atol=1)


@pytest.mark.parametrize("period_s", [6.0, 60.0])
def test_loads_that_overlap_end_with_their_own_step(period_s: float):
    first, second = load(period_s, 300, 20, 2000), load(period_s, 310, 20, 1200)
    decided = decide_home(
        100 + first + second, period_s, dishwasher=0.8 * first, washing_machine=0.8 * second
    )
    np.testing.assert_allclose(decided.power_w["dishwasher"], first, atol=1)
    np.testing.assert_allclose(decided.power_w["washing_machine"], second, atol=1)


def test_of_two_appliances_the_larger_share_owns_the_event():
    heater = load(60, 300, 20, 2000)
    decided = decide_home(100 + heater, dishwasher=0.6 * heater, washing_machine=0.8 * heater)
    np.testing.assert_allclose(decided.power_w["washing_machine"], heater, atol=1)
    assert not decided.power_w["dishwasher"].any()
    assert decided.owned == {"dishwasher": False, "washing_machine": True}


def test_a_fraction_of_a_load_becomes_all_of_it_or_stays_or_becomes_none():
    shares = {0.6: 1.0, 0.4: 0.4, 0.1: 0.0}
    loads = [load(60, minute, 20, 2000) for minute in (150, 350, 550)]
    mains_w = 100 + np.sum(loads, axis=0, dtype=np.float32)
    predicted_w = sum(share * each for share, each in zip(shares, loads, strict=True))
    expected_w = sum(share * each for share, each in zip(shares.values(), loads, strict=True))
    decided = decide_home(mains_w, dishwasher=predicted_w)
    np.testing.assert_allclose(decided.power_w["dishwasher"], expected_w, atol=1)


def test_a_prediction_of_ten_watts_all_day_becomes_none():
    mains_w = home(60, (300, 20, 2000), (500, 3, 2800))
    decided = decide_home(mains_w, dishwasher=np.full_like(mains_w, 10))
    assert not decided.power_w["dishwasher"].any()
    assert decided.owned == {"dishwasher": False}


def test_between_the_events_of_a_cycle_the_prediction_stands():
    heaters = load(60, 300, 15, 2000) + load(60, 340, 15, 2000)
    pump = load(60, 315, 25, 60)
    decided = decide_home(100 + heaters + pump, dishwasher=0.7 * heaters + pump)
    power_w = decided.power_w["dishwasher"]
    np.testing.assert_allclose(power_w[316:339], 60)
    assert power_w[:269].sum() == power_w[386:].sum() == 0


def test_an_event_rarer_than_twice_in_four_weeks_is_not_the_homes():
    mains_w = np.tile(home(60), 120)
    mains_w[1000:1020] += 2000
    predicted_w = np.where(mains_w > 1000, np.float32(1500), np.float32(0))
    once = decide_home(mains_w, dishwasher=predicted_w)
    assert not once.owned["dishwasher"]
    assert not once.power_w["dishwasher"].any()
    assert decide_home(mains_w[:10_000], dishwasher=predicted_w[:10_000]).owned["dishwasher"]


def test_the_home_tells_the_rated_power_of_its_heater():
    starts = range(100, 700, 100)
    heaters = home(60, *((start, 20, 1850) for start in starts), base_w=0)
    kettles = home(60, *((start + 50, 3, 2700) for start in starts), base_w=0)
    decided = decide_home(100 + heaters + kettles, dishwasher=0.6 * heaters)
    assert decided.rated_w["dishwasher"] == pytest.approx(1850, abs=1)
    assert decide_home(100 + kettles, dishwasher=0.6 * heaters).rated_w["dishwasher"] is None


RATED = EventSettings(min_share=1, rated_share=0.25, keep_share=0, least_w=800, bridge_s=60)


def test_an_event_at_the_homes_own_power_needs_a_smaller_share():
    kettles = [load(60, minute, 3, 2800) for minute in range(60, 360, 60)]
    other, faint = load(60, 500, 3, 2200), load(60, 600, 3, 2800)
    predicted_w = sum(
        share * w for share, w in zip((0.9, 0.9, 0.8, 0.4, 0.3), kettles, strict=True)
    )
    predicted_w = predicted_w + 0.4 * other + 0.1 * faint
    mains_w = 100 + sum(kettles) + other + faint
    decided = decide_home(mains_w, settings={"kettle": RATED}, kettle=predicted_w)
    expected_w = sum(kettles) + 0.4 * other + 0.1 * faint
    np.testing.assert_allclose(decided.power_w["kettle"], expected_w, atol=1)
    assert decided.rated_w["kettle"] == pytest.approx(2800, abs=1)
    assert decided.owned["kettle"]
    dropping = RATED.model_copy(update={"keep_share": 0.25})
    decided = decide_home(mains_w, settings={"kettle": dropping}, kettle=predicted_w)
    np.testing.assert_allclose(decided.power_w["kettle"], expected_w - 0.1 * faint, atol=1)


def test_without_a_power_of_the_home_the_prediction_stands():
    kettles = [load(60, 60 + 60 * i, 3, 1000 + 400 * i) for i in range(5)]
    predicted_w = 0.8 * np.sum(kettles, axis=0, dtype=np.float32)
    mains_w = 100 + sum(kettles)
    for causal in (False, True):
        decided = decide_home(mains_w, 60.0, causal, {"kettle": RATED}, kettle=predicted_w)
        np.testing.assert_allclose(decided.power_w["kettle"], predicted_w, atol=1)
        assert decided.owned["kettle"] != causal  # at whatever power, once all is known


def test_an_appliance_without_settings_keeps_its_prediction_below_the_mains():
    mains_w = home(60, base_w=50)
    fridge_w = np.where(np.arange(len(mains_w)) % 40 < 20, np.float32(90), np.float32(0))
    decided = decide_home(mains_w, fridge=fridge_w)
    np.testing.assert_allclose(decided.power_w["fridge"], np.minimum(fridge_w, 50))
    assert decided.owned == {"fridge": True}
    assert decided.rated_w == {"fridge": None}


def test_export_that_reads_as_positive_is_not_an_event_without_a_prediction():
    sun = np.clip(np.sin(np.linspace(0, np.pi, HOURS * 60)) * 3000 - 500, 100, None)
    decided = decide_home(sun.astype(np.float32), dishwasher=np.full(HOURS * 60, 20, np.float32))
    assert not decided.power_w["dishwasher"].any()


@st.composite
def recordings(draw):
    """Mains with loads, and predictions with gaps, at one of four periods."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.integers(1, 400))
    mains_w = rng.uniform(50, 150, size).astype(np.float32)
    predictions_w = {name: rng.uniform(-20, 60, size).astype(np.float32) for name in NAMES}
    for _ in range(draw(st.integers(0, 12))):
        first, length = rng.integers(0, size), rng.integers(1, 40)
        power_w = rng.uniform(100, 3500)
        mains_w[first : first + length] += power_w
        name = NAMES[rng.integers(0, 3)]
        predictions_w[name][first : first + length] += rng.uniform(0, 1.3) * power_w
    for values in (mains_w, *predictions_w.values()):
        if draw(st.booleans()):
            first = rng.integers(0, size)
            values[first : first + rng.integers(1, 30)] = np.nan
    return mains_w, predictions_w, draw(st.sampled_from([6.0, 8.0, 30.0, 60.0]))


@given(recordings(), st.booleans())
def test_the_sum_never_exceeds_the_mains_and_unknown_is_nan(recording, causal):
    mains_w, predictions_w, period_s = recording
    decided = decide_home(mains_w, period_s, causal, **predictions_w)
    for name, power_w in decided.power_w.items():
        unknown = np.isnan(mains_w) | np.isnan(predictions_w[name])
        assert (np.isnan(power_w) == unknown).all()
        assert power_w.dtype == np.float32
        assert (power_w[~unknown] >= 0).all()
        assert (power_w[~unknown] <= APPLIANCES[name].max_power_w * (1 + 1e-6)).all()
    total_w = np.nansum(list(decided.power_w.values()), axis=0)
    known = ~np.isnan(mains_w)
    assert (total_w[known] <= mains_w[known] * (1 + 1e-5) + 1e-2).all()


@given(recordings(), st.booleans())
def test_predictions_of_zero_give_zero(recording, causal):
    mains_w, predictions_w, period_s = recording
    zeros = {name: np.zeros_like(mains_w) for name in predictions_w}
    decided = decide_home(mains_w, period_s, causal, **zeros)
    assert all(not np.nansum(power_w) for power_w in decided.power_w.values())
    assert not any(decided.owned.values())


@given(recordings(), st.integers(1, 200))
def test_a_causal_decision_waits_for_its_delay_and_no_longer(recording, cut):
    mains_w, predictions_w, period_s = recording
    delay = round(find_delay_s(period_s) / period_s)
    whole = decide_home(mains_w, period_s, True, **predictions_w)
    heard = {name: power_w[:cut] for name, power_w in predictions_w.items()}
    part = decide_home(mains_w[:cut], period_s, True, **heard)
    for name in NAMES:
        done = max(min(cut, len(mains_w)) - delay, 0)
        np.testing.assert_array_equal(part.power_w[name][:done], whole.power_w[name][:done])


@given(recordings(), st.integers(1, 97), st.booleans())
def test_decisions_do_not_change_when_the_recording_is_shifted_in_time(recording, shift, causal):
    mains_w, predictions_w, period_s = recording
    quiet = round(3700 / period_s)

    def decide_after(silence: int) -> dict[str, np.ndarray]:
        def extend(values, level):
            edges = np.full(silence, level, np.float32), np.full(quiet, level, np.float32)
            return np.concatenate([edges[0], values, edges[1]])

        shifted = {name: extend(power_w, 0) for name, power_w in predictions_w.items()}
        decided = decide_home(extend(mains_w, 100), period_s, causal, **shifted)
        return {name: w[silence : silence + len(mains_w)] for name, w in decided.power_w.items()}

    before, after = decide_after(quiet), decide_after(quiet + shift)
    for name in NAMES:
        np.testing.assert_array_equal(before[name], after[name])


def test_settings_go_into_a_card_and_come_back():
    settings = EventSettings(min_share=0.4, keep_share=0.1, least_w=800, bridge_s=60)
    assert EventSettings.model_validate_json(settings.model_dump_json()) == settings
    with pytest.raises(ValueError, match="keep_share must not be above min_share"):
        EventSettings(min_share=0.2, keep_share=0.3)
    with pytest.raises(ValueError, match="keep_share must not be above rated_share"):
        EventSettings(rated_share=0.2, keep_share=0.25)
    with pytest.raises(ValueError, match="gate_w"):
        EventSettings.model_validate({"gate_w": 700})
