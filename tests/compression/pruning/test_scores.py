"""Masks from scores keep exactly as many as asked, whatever the scores are."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seq2point.compression.pruning.scores import count_kept, keep_highest

SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, max_side=7)
DISTINCT_AND_TIED = arrays.arrays(
    np.float32, SHAPES, elements=st.sampled_from([0, 0.25, 0.5, 1, 3]) | st.floats(0, 9, width=32)
)


@given(DISTINCT_AND_TIED, st.data())
def test_as_many_are_kept_as_asked_and_they_are_the_highest_with_ties_by_lowest_index(
    scores: np.ndarray, data: st.DataObject
):
    count = data.draw(st.integers(1, scores.size))
    mask = keep_highest(torch.from_numpy(scores), count)
    assert mask.dtype == torch.bool
    assert mask.shape == scores.shape
    flat = scores.ravel()
    best = sorted(range(scores.size), key=lambda i: (-flat[i], i))[:count]
    assert sorted(best) == np.flatnonzero(mask.numpy()).tolist()


@given(DISTINCT_AND_TIED, st.floats(0, 0.999))
def test_at_least_one_weight_is_always_kept(scores: np.ndarray, sparsity: float):
    mask = keep_highest(torch.from_numpy(scores), count_kept(scores.size, sparsity))
    assert int(mask.sum()) == max(round(scores.size * (1 - sparsity)), 1)


def test_scores_that_are_all_equal_keep_the_first():
    assert keep_highest(torch.zeros(2, 3), 4).tolist() == [[True, True, True], [True, False, False]]


def test_asking_for_more_than_there_are_keeps_all():
    assert keep_highest(torch.tensor([1.0, 2.0]), 3).all()


@pytest.mark.parametrize(
    ("total", "sparsity", "kept"),
    [
        (1, 0.5, 1),
        (3, 0.5, 2),
        (5, 0.5, 2),
        (7, 0.5, 4),
        (9, 0.5, 4),
        (10, 0.75, 2),
        (14, 0.75, 4),
        (1, 0.99, 1),
        (9, 0.0, 9),
    ],
)
def test_a_half_is_rounded_to_the_even_count_and_one_is_the_least(
    total: int, sparsity: float, kept: int
):
    assert count_kept(total, sparsity) == kept


@given(total=st.integers(1, 30_000_000), removed=st.integers(0, 63))
def test_the_count_is_that_of_exact_arithmetic(total: int, removed: int):
    exact = Fraction(total * (64 - removed), 64)
    assert count_kept(total, removed / 64) == max(round(exact), 1)


def test_the_big_layer_keeps_875_520_weights_at_97_percent():
    assert count_kept(1024 * 50 * 570, 0.97) == 875_520
