"""Bars add up, on an axis that holds them; what is unknown is no bar."""

import math
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.report.household.energy_periods import EnergyPeriod, Part, Use
from seq2point.report.household.stacked_bars import HEIGHT, BarChart, draw_bars, find_step

PARTS = [Part("always_on", "always on", "pa"), Part("kettle", "kettle", "p0")]


KWH = st.integers(0, 40_000).map(lambda watt_hours: watt_hours / 1000)


def make_day(always_on: float | None, kettle: float | None, known: float = 24.0) -> EnergyPeriod:
    uses = {
        name: Use(kwh, None, None, None)
        for name, kwh in (("always_on", always_on), ("kettle", kettle))
    }
    return EnergyPeriod("day", date(2025, 1, 1), date(2025, 1, 1), 24.0, known, uses)


def draw(days: list[EnergyPeriod], top_kwh: float) -> BarChart:
    return draw_bars(days, PARTS, top_kwh, ["1"] * len(days))


@given(st.lists(st.tuples(KWH, KWH), min_size=1, max_size=31))
def test_a_bar_is_as_high_as_its_energy(pairs):
    top_kwh = max(map(sum, pairs))
    chart = draw([make_day(*pair) for pair in pairs], top_kwh)
    top_of_axis = float(chart.ticks[-1].label)
    assert top_of_axis >= top_kwh * 0.999
    for bar, pair in zip(chart.bars, pairs, strict=True):
        height = sum(block.height for block in bar.blocks)
        assert height == pytest.approx(HEIGHT * sum(pair) / top_of_axis, abs=0.2)
        assert all(-0.01 <= block.y <= HEIGHT for block in bar.blocks)


@given(st.integers(1, 60))
def test_bars_stand_side_by_side_inside_the_picture(count):
    chart = draw([make_day(1.0, 1.0)] * count, 2.0)
    edges = [(bar.x, bar.x + bar.width) for bar in chart.bars]
    assert all(a[1] < b[0] for a, b in pairwise(edges))
    assert edges[-1][1] <= 100


def test_a_day_that_is_unknown_has_no_blocks():
    (bar,) = draw([make_day(None, None, known=0.0)], 5.0).bars
    assert not bar.blocks
    assert bar.unknown_width == bar.width


def test_the_unknown_part_of_a_day_is_as_wide_as_its_hours():
    (bar,) = draw([make_day(1.0, 1.0, known=18.0)], 5.0).bars
    assert bar.unknown_width == pytest.approx(bar.width / 4, abs=0.01)


@given(st.floats(1e-3, 1e6))
def test_an_axis_has_a_few_round_marks(top):
    step = find_step(top)
    assert 2 <= math.ceil(top / step - 1e-9) <= 4
    assert f"{step:e}"[0] in "125"
