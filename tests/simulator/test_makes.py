"""Every make draws plausible activations, and makes differ as real ones do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2point.appliances import APPLIANCES
from seq2point.simulator import large_loads
from seq2point.simulator.habits import DAY_S, Household
from seq2point.simulator.makes import MAKES

LARGE = [name for name in vars(large_loads) if name.startswith("make_") and name != "make_settling"]
SEEDS = st.integers(0, 2**32)


def largest_w(name: str, seed: int) -> float:
    draw_activation = MAKES[name](np.random.default_rng(seed))
    return float(draw_activation(np.random.default_rng(1)).heater_w.max(initial=0))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, name=st.sampled_from(sorted(MAKES)))
def test_an_activation_of_any_make_is_plausible(seed: int, name: str):
    rng = np.random.default_rng(seed)
    activation = MAKES[name](rng)(rng)
    power_w = activation.total_w
    assert len(power_w) == activation.seconds < 12 * 3600
    assert np.isfinite(power_w).all()
    assert power_w.min() >= 0
    assert 100 < power_w.max() < 1.6 * APPLIANCES[name].max_power_w


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, name=st.sampled_from(LARGE))
def test_a_large_load_is_finite_and_ends_within_a_day(seed: int, name: str):
    rng = np.random.default_rng(seed)
    _, draw_activation = getattr(large_loads, name)(rng, Household.draw(rng))
    power_w = draw_activation(rng).total_w
    assert 0 < len(power_w) <= DAY_S
    assert np.isfinite(power_w).all()
    assert power_w.min() >= 0
    assert 10 < power_w.max() < 11000


@pytest.mark.parametrize(
    ("name", "least_w", "most_w"), [("kettle", 1600, 2900), ("dishwasher", 950, 2400)]
)
def test_heaters_reach_from_north_american_to_british_ones(name, least_w, most_w):
    heaters_w = [largest_w(name, seed) for seed in range(80)]
    assert min(heaters_w) < least_w
    assert max(heaters_w) > most_w
    assert np.mean(np.array(heaters_w) > 1700) > 0.6
