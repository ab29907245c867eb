"""Readings that recordings share: a house that is given twice, and a test on what was learned."""

import warnings
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from seq2point.errors import UsageError
from seq2point.recording.recording import Recording, format_house

LEAST_SHARED = 100
"""Samples with the same mains at the same times that are no coincidence."""


def are_same(one: Recording, other: Recording) -> bool:
    """Return whether two recordings hold the same mains, whatever they are called."""
    return np.array_equal(one.mains_w, other.mains_w, equal_nan=True)


def share_readings(one: Recording, other: Recording) -> bool:
    """Return whether two recordings are the same, or agree wherever both have readings.

    Without times only the same recording is found.
    """
    if are_same(one, other):
        return True
    if not (one.start and other.start and len(one) and len(other)):
        return False
    times, others = one.times_s(), other.times_s()
    if times.max() < others.min() or others.max() < times.min():
        return False
    _, here, there = np.intersect1d(times.round(3), others.round(3), return_indices=True)
    mains_w, others_w = one.mains_w[here], other.mains_w[there]
    known = ~(np.isnan(mains_w) | np.isnan(others_w))
    mains_w, others_w = mains_w[known], others_w[known]
    differ = len(np.unique(mains_w)) > 1
    return len(mains_w) >= LEAST_SHARED and differ and np.array_equal(mains_w, others_w)


def require_distinct(training: Sequence[Recording]) -> None:
    """Raise UsageError where two recordings to train on hold the same readings."""
    for one, other in combinations(training, 2):
        if are_same(one, other):
            names = " and ".join(dict.fromkeys(map(format_house, (one.house, other.house))))
            raise UsageError(
                f"{names}: the same readings come twice in what is trained on; give each house once"
            )


def warn_of_shared(
    training: Sequence[Recording], validation: Sequence[Recording], test: Sequence[Recording]
) -> None:
    """Warn of validation and of a test on readings that are learned from."""
    for house in _list_shared(validation, training):
        warnings.warn(
            f"{house}: it is validated on readings that it learns from, so it stops too late and"
            " keeps the weights that remember best; leave out `validation` for the last part of"
            " each training house, or name another house",
            stacklevel=2,
        )
    for house in _list_shared(test, training):
        warnings.warn(
            f"{house}: it is tested on readings that it learns from, so the test says nothing of"
            " other readings; test on a house, or on days, that it has not seen",
            stacklevel=2,
        )


def _list_shared(others: Sequence[Recording], training: Sequence[Recording]) -> list[str]:
    return [
        format_house(other.house)
        for other in others
        if any(share_readings(house, other) for house in training)
    ]
