"""Numbers of a purpose and a day are its own, noise has its spread, and means are exact."""

import numpy as np
import pytest

from seq2point.simulator.averaging import PeriodMeans
from seq2point.simulator.habits import DAY_S
from seq2point.simulator.noise import draw_hiss, draw_texture, join_knots
from seq2point.simulator.streams import Streams
from seq2point.simulator.waveforms import draw_from_ranges, make_settling


def test_a_purpose_has_its_own_numbers_on_each_day_whatever_was_drawn_before():
    streams = Streams(7)
    first = streams.open("kettle", 3).random(5)
    streams.open("fridge", 3).integers(0, 9, 3, np.uint32)
    np.testing.assert_array_equal(streams.open("kettle", 3).random(5), first)
    others = [Streams(8).open("kettle", 3), Streams(7).open("kettle", 4), Streams(7).open("", 3)]
    assert not any(np.isin(other.random(5), first).any() for other in others)


def test_purposes_and_days_are_uniform_and_not_correlated():
    streams = Streams(1)
    drawn = np.array([[streams.open(f"{p}", d).random() for d in range(60)] for p in range(60)])
    assert drawn.mean() == pytest.approx(0.5, abs=0.02)
    assert drawn.var() == pytest.approx(1 / 12, rel=0.06)
    for axis in (0, 1):
        assert abs(np.corrcoef(drawn.ravel(), np.roll(drawn, 1, axis).ravel())[0, 1]) < 0.06


@pytest.mark.parametrize("smooth_s", [1, 4, 25, 300])
def test_noise_has_the_spread_at_its_knots_and_no_mean(smooth_s):
    rng = np.random.default_rng(0)
    curves = [draw_texture(rng, DAY_S, 2.0, smooth_s) for _ in range(8)]
    knots = np.array([curve[::smooth_s] for curve in curves if smooth_s in (1, 300)])
    assert np.mean(curves) == pytest.approx(0, abs=0.1)
    assert all(curve.dtype == np.float32 and len(curve) == DAY_S for curve in curves)
    assert not np.array_equal(curves[0], curves[1])
    if knots.size:
        assert knots.std() == pytest.approx(2.0, rel=0.05)


def test_what_is_drawn_of_a_tape_may_be_changed():
    first, again = (draw_hiss(np.random.default_rng(3), 100, 1.0) for _ in range(2))
    first += 9
    np.testing.assert_array_equal(draw_hiss(np.random.default_rng(3), 100, 1.0), again)


@pytest.mark.parametrize("knot_s", [1, 8, 120])
def test_lines_join_knots(knot_s):
    knots = np.array([1, 3, -2, 5], np.float32)
    at = np.arange(3 * knot_s)
    expected = np.interp(at, knot_s * np.arange(4), knots)
    np.testing.assert_allclose(join_knots(knots, knot_s), expected, atol=1e-5)


def test_a_curve_settles_from_its_first_to_its_last_value():
    curve = make_settling(4000, 120.0, 100.0, 300)
    np.testing.assert_allclose(curve, 100 + 20 * np.exp(-np.arange(4000) / 300), atol=0.004)
    assert len(make_settling(-3, 2, 1, 8)) == 0


def test_ranges_are_drawn_by_their_shares():
    rng = np.random.default_rng(0)
    drawn = np.array([draw_from_ranges(rng, (0.7, 0, 1), (0.3, 2, 3)) for _ in range(2000)])
    assert np.mean(drawn > 1.5) == pytest.approx(0.3, abs=0.03)
    assert np.quantile(drawn[drawn < 1.5], [0.1, 0.9]) == pytest.approx([0.1, 0.9], abs=0.03)


@pytest.mark.parametrize("period_s", [6, 60, 3600])
def test_periods_that_divide_a_day_have_the_means_of_any_others(period_s):
    power_w = np.random.default_rng(0).uniform(0, 9000, (2, DAY_S)).astype(np.float32)
    quick, any_period = PeriodMeans(period_s, 0.0), PeriodMeans(period_s, 0.0)
    for _ in range(2):
        expected = any_period._add_any(power_w)
        np.testing.assert_allclose(quick.add(power_w), expected, rtol=1e-5)
