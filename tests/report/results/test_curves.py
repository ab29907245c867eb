"""Loss curves: what is packed comes back, and is short."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2point.report.results.curves import LEVELS, MOST_POINTS, pack_curves, thin

LOSS = st.one_of(st.floats(1e-6, 1e3), st.none(), st.just(math.nan))


@given(st.lists(st.tuples(LOSS, LOSS), min_size=2, max_size=60))
def test_losses_come_back_within_a_level(pairs):
    history = [
        {"step": 5 * i, "val_loss": val, "interval_loss": train}
        for i, (val, train) in enumerate(pairs, 1)
    ]
    known = [x for pair in pairs for x in pair if x is not None and not math.isnan(x)]
    text = pack_curves(history)
    if not known:
        assert text == ""
        return
    curve = json.loads(text)
    low, high = curve["range"]
    assert curve["step"] == [row["step"] for row in history]
    for name, key in (("val", "val_loss"), ("train", "interval_loss")):
        for level, row in zip(curve[name], history, strict=True):
            if row[key] is None or math.isnan(row[key]):
                assert level is None
            else:
                again = low * (high / low) ** (level / LEVELS)
                assert again == pytest.approx(
                    row[key], rel=2e-3 + 2 * math.log(high / low) / LEVELS
                )


@given(st.integers(1, 1000), st.integers(0, 10**6))
def test_a_long_history_keeps_its_ends_and_its_best(count, place):
    best = place % count
    history = [{"step": i, "val_loss": 1.0 - 0.5 * (i == best)} for i in range(count)]
    kept = [row["step"] for row in thin(history)]
    assert len(kept) <= MOST_POINTS
    assert {0, best, count - 1} <= set(kept)
    assert kept == sorted(set(kept))


def test_one_validation_is_no_curve():
    assert pack_curves([{"step": 1, "val_loss": 1.0, "interval_loss": 1.0}]) == ""
