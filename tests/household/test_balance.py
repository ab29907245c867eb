"""The parts of the mains add up to them, whatever is predicted, and the surest gives way least."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seq2point.household.balance import balance, cap

POWER = st.floats(0, 30_000, width=32)


@st.composite
def homes(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, float]]:
    """Mains with gaps, and predictions of some appliances, which may be more than the mains."""
    size, names = (
        draw(st.integers(1, 30)),
        ("kettle", "fridge", "heater")[: draw(st.integers(0, 3))],
    )
    gappy = arrays.arrays(np.float32, size, elements=POWER | st.just(np.float32(np.nan)))
    errors = {name: draw(st.floats(1, 2000)) for name in names}
    return draw(gappy), {name: draw(gappy) for name in names}, errors


@given(homes())
def test_parts_and_other_add_up_to_the_mains_at_every_sample(
    home: tuple[np.ndarray, dict[str, np.ndarray], dict[str, float]],
):
    mains_w, power_w, error_w = home
    balanced = balance(mains_w, power_w, error_w)
    parts = [*balanced.parts_w.values(), balanced.other_w]
    total = np.zeros_like(balanced.mains_w)
    for part in parts:
        total = total + part
    np.testing.assert_array_equal(total, balanced.mains_w)
    np.testing.assert_allclose(balanced.mains_w, mains_w, atol=1 / 128)
    unknown = np.isnan(mains_w)
    for part in parts:
        np.testing.assert_array_equal(np.isnan(part), unknown)
        assert (part[~unknown] >= 0).all()
    for name, claimed_w in power_w.items():
        limit_w = np.nan_to_num(claimed_w) + 1e-3
        assert (balanced.parts_w[name][~unknown] <= limit_w[~unknown]).all()


@given(homes())
def test_predictions_that_fit_stay_as_they_are(
    home: tuple[np.ndarray, dict[str, np.ndarray], dict[str, float]],
):
    _, power_w, error_w = home
    power_w = {name: np.nan_to_num(each) for name, each in power_w.items()}
    mains_w = sum(power_w.values(), np.float32(1)) * np.ones(1, np.float32)
    balanced = balance(mains_w, power_w, error_w)
    for name, claimed_w in power_w.items():
        np.testing.assert_allclose(balanced.parts_w[name], claimed_w, atol=1 / 32)


def test_what_is_too_much_is_taken_by_the_square_of_the_errors():
    mains_w = np.array([2500], np.float32)
    claims_w = {"kettle": np.array([2400], np.float32), "heater": np.array([600], np.float32)}
    parts_w = balance(mains_w, claims_w, {"kettle": 100, "heater": 200}).parts_w
    assert [float(parts_w[name][0]) for name in claims_w] == pytest.approx([2300, 200], abs=0.1)


def test_none_goes_below_zero_and_the_others_bear_the_rest():
    capped = cap(np.array([[50.0], [1000.0]]), np.array([500.0]), np.array([1e6, 1.0]))
    assert capped[:, 0].tolist() == pytest.approx([0.0, 500.0])


@given(
    arrays.arrays(np.float64, (3, 4), elements=st.floats(0, 1000)),
    arrays.arrays(np.float64, 4, elements=st.floats(0, 1500)),
    arrays.arrays(np.float64, 3, elements=st.floats(1, 100)),
    arrays.arrays(np.float64, (3, 4), elements=st.floats(0, 1)),
)
def test_no_other_share_of_the_mains_is_nearer(
    claims: np.ndarray, limit: np.ndarray, weights: np.ndarray, other: np.ndarray
):
    capped = cap(claims, limit, weights)
    assert (capped.sum(axis=0) <= limit * (1 + 1e-9) + 1e-6).all()
    rival = claims * other
    rival *= np.minimum(limit / np.maximum(rival.sum(axis=0), 1e-9), 1)
    cost, of_rival = (((claims - x) ** 2 / weights[:, None]).sum(axis=0) for x in (capped, rival))
    assert (cost <= of_rival * (1 + 1e-6) + 1e-3).all()
