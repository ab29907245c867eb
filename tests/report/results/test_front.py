"""The Pareto front, and the places of results in a picture."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from seq2point.report.results.front import (
    BOTTOM,
    HEIGHT,
    LEFT,
    QUANTITIES,
    RIGHT,
    TOP,
    WIDTH,
    draw_chart,
    find_front,
)
from seq2point.report.results.result import Result, Size

PLACES = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 8)), min_size=1, max_size=30)
SIZES = st.integers(1, 10**10)
ERRORS_W = st.floats(0, 1e5)
RESULT = Result(
    name="run",
    made_by="a test",
    appliance="kettle",
    scored_alike="",
    tested_on="house 8",
    network="reduced, window 99",
    pruner="none",
    sparsity=0.0,
    seed=0,
    metrics={"mae_w": 1.0},
    baselines={"zero": {"mae_w": 20.0}, "mean": {"mae_w": 30.0}},
    size=Size(1, 1, 1, 1.0),
)


@given(PLACES)
def test_the_front_is_what_nothing_beats(places):
    def beats(a, b):
        return a[0] <= b[0] and a[1] <= b[1] and a != b

    front = {places[i] for i in find_front(places)}
    assert front == {a for a in places if not any(beats(b, a) for b in places)}
    assert len(find_front(places)) == len(front)


def make_results(pairs):
    return {
        i: replace(RESULT, size=RESULT.size._replace(weights=weights), metrics={"mae_w": error_w})
        for i, (weights, error_w) in enumerate(pairs)
    }


@given(st.lists(st.tuples(SIZES, ERRORS_W), min_size=2, max_size=20))
def test_all_points_and_marks_stand_inside_the_axes_in_their_order(pairs):
    chart = draw_chart(QUANTITIES[0], make_results(pairs), {"unpruned": 0})
    assert len(chart.points) == len(pairs)
    places = {point.number: point for point in chart.points}
    for point in chart.points:
        assert LEFT <= point.x <= WIDTH - RIGHT
        assert TOP <= point.y <= HEIGHT - BOTTOM
    for i, (weights, error_w) in enumerate(pairs):
        for j, (other_weights, other_w) in enumerate(pairs):
            if weights < other_weights:
                assert places[i].x <= places[j].x
            if error_w < other_w:
                assert places[i].y >= places[j].y
    assert 2 <= len(chart.y_ticks) <= 7
    assert 1 <= len(chart.x_ticks) <= 10
    assert all(LEFT <= tick.at <= WIDTH - RIGHT for tick in chart.x_ticks)
    assert all(b.at - a.at > 25 for a, b in pairwise(chart.x_ticks))
    assert all(TOP <= tick.at <= HEIGHT - BOTTOM for tick in chart.y_ticks)


def test_what_was_not_measured_has_no_place():
    results = make_results([(10, 1.0), (20, 2.0), (30, None)])
    results[3] = replace(RESULT, size=Size(None, None, None, None))
    chart = draw_chart(QUANTITIES[0], results, {"unpruned": 0})
    assert sorted(point.number for point in chart.points) == [0, 1]
    del results[1]
    assert draw_chart(QUANTITIES[0], results, {"unpruned": 0}) is None


def test_always_zero_is_a_line_where_it_is_near():
    near = draw_chart(QUANTITIES[0], make_results([(10, 15.0), (20, 14.0)]), {"unpruned": 0})
    far = draw_chart(QUANTITIES[0], make_results([(10, 3.0), (20, 2.0)]), {"unpruned": 0})
    assert TOP <= near.zero_y < min(point.y for point in near.points)
    assert far.zero_y is None
