"""Sums over spans of time are those of all that came, of the spans that are kept."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from seq2point.live.page.time_sums import TimeSums

STEP_S, STEPS = 60, 8
PIECES = st.lists(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(-50, 50)), max_size=6), max_size=8
)


@given(PIECES, st.integers(0, 5))
def test_the_kept_spans_have_the_sums_of_all_that_came(pieces, before):
    sums, came = TimeSums(STEP_S, STEPS), []
    begin_s = 1_700_000_040.0  # a whole minute
    for piece in pieces:
        table = np.array(piece, float).reshape(-1, 2)
        sums.add("a", begin_s + table[:, 0], table[:, 1], np.ones(len(table)))
        latest = max([time for time, _ in came + piece], default=0) // STEP_S
        came += [each for each in piece if each[0] // STEP_S > latest - STEPS]
    if not came:
        return
    end = max(time for time, _ in came) // STEP_S + 1
    first = end - STEPS - before
    values, weights = sums.read("a", begin_s + first * STEP_S, begin_s + end * STEP_S)
    for i in range(STEPS + before):
        here = [v for t, v in came if t // STEP_S == first + i and first + i >= end - STEPS]
        assert values[i] == sum(here)
        assert weights[i] == len(here)


def test_what_was_never_added_is_zero():
    sums = TimeSums(STEP_S, STEPS)
    assert sums.read("a", 0, 600)[0].tolist() == [0] * 10
    sums.add("a", np.array([0.0]), np.array([5.0]), np.array([1.0]))
    sums.add("a", np.array([1e9]), np.array([7.0]), np.array([1.0]))  # a clock that leaps
    assert sums.read("a", 0, 60)[0].tolist() == [0]
    assert sums.read("a", 1e9 // 60 * 60, 1e9 // 60 * 60 + 60)[0].tolist() == [7]
