"""Made-up loads: a function of their seed, in watts and seconds whatever the sampling period."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.training.synthetic_loads import POWER_W, draw_synthetic_loads_w


@given(
    seed=st.integers(0, 2**31 - 1),
    samples=st.integers(1, 2000),
    period_s=st.sampled_from([1.0, 6.0, 60.0]),
)
def test_loads_follow_from_their_seed_and_are_never_below_zero(
    seed: int, samples: int, period_s: float
) -> None:
    loads_w = draw_synthetic_loads_w(seed, samples, period_s, 5.0)
    assert loads_w.shape == (samples,)
    assert loads_w.dtype == np.float32
    assert (loads_w >= 0).all()
    np.testing.assert_array_equal(loads_w, draw_synthetic_loads_w(seed, samples, period_s, 5.0))


def test_nothing_is_made_up_where_nothing_is_asked_for() -> None:
    assert not draw_synthetic_loads_w(0, 1000, 60.0, 0.0).any()


def test_the_same_loads_at_another_period_are_the_same_to_its_precision() -> None:
    for seed in range(20):
        fine, coarse = (
            draw_synthetic_loads_w(seed, 14_400, 6.0, 5.0),
            draw_synthetic_loads_w(seed, 1440, 60.0, 5.0),
        )
        assert fine.sum() * 6 == pytest.approx(coarse.sum() * 60, rel=0.1, abs=POWER_W[1] * 60)


def test_as_many_a_day_as_asked_for() -> None:
    single = [
        np.count_nonzero(draw_synthetic_loads_w(seed, 1440, 60.0, 0.2)) > 0 for seed in range(1000)
    ]
    reach_days = 1 + 2.5 / 24  # loads that began before are there too, if they last
    assert 0.2 * 0.8 < np.mean(single) < 0.2 * reach_days


def test_blocks_and_cycles_are_both_there() -> None:
    days = [draw_synthetic_loads_w(seed, 1440, 60.0, 1.0) for seed in range(200)]
    switchings = np.array([np.count_nonzero(np.diff(day_w)) for day_w in days])
    assert np.count_nonzero((switchings > 0) & (switchings <= 2)) > 20
    assert np.count_nonzero(switchings > 8) > 20
