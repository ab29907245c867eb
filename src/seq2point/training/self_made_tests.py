"""Tests of a model in one home that need no labels.

self-made test   activations are put into quiet hours of the home's mains: what was put there
                 is known
agreement        two models find the same cycles and the same energy in the mains
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from seq2point.appliances import Appliance
from seq2point.metrics import count_matched_cycles
from seq2point.predictor import Predictor
from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import find_runs, is_on
from seq2point.simulator import simulate_house

LEAST_PLACED = 40
"""Activations in a self-made test, over all copies of the mains."""
MOST_COPIES = 8
LEAST_PER_DAY = 1.0
TRIES = 20
"""Places that are tried for an activation; a house may have no quiet hours left."""
SIMULATED_HOUSES = 8
SIMULATED_DAYS = 6.0
STREAM = 4
"""Sets the seeds of these simulated houses apart from those of a training."""


class Agreement(NamedTuple):
    """How far two models agree, each from 0 to 1.

    `cycle_f1` is the F1 of cycles that overlap by at least half of their union, `energy` the
    smaller energy over the larger one. Both are 1 where neither model finds anything.
    """

    cycle_f1: float
    energy: float


class SelfMadeError(NamedTuple):
    """The error of a model in a self-made test: MAE over that of the zero predictor, and NDE."""

    mae: float
    nde: float

    @property
    def total(self) -> float:
        """The sum of both: MAE alone rewards silence."""
        return self.mae + self.nde


def cut_activations_w(power_w: Watts, appliance: Appliance, period_s: float) -> list[Watts]:
    """Return the activations of a series f32[T] in watts, each f32[N]; NaN counts as off."""
    known_w = np.nan_to_num(power_w)
    runs = zip(*find_runs(is_on(known_w, appliance, period_s)), strict=True)
    return [known_w[first : first + length] for first, length in runs]


def simulate_activations_w(appliance: Appliance, period_s: float, seed: int) -> list[Watts]:
    """Return the activations f32[N] in watts of simulated houses of other makes."""
    seeds = np.random.SeedSequence((seed, STREAM)).generate_state(SIMULATED_HOUSES)
    return [
        activation_w
        for each in seeds.tolist()
        for activation_w in cut_activations_w(
            simulate_house(each, SIMULATED_DAYS, period_s, [appliance.name]).appliance_w(
                appliance.name
            ),
            appliance,
            period_s,
        )
    ]


def make_tests(
    home: Recording, appliance: Appliance, activations_w: Sequence[Watts], seed: int
) -> Iterator[Recording]:
    """Yield copies of a home's mains with activations f32[N] in watts put into its quiet hours.

    `home` holds the appliance's power as far as it is known: an hour is quiet where that is 0 W.
    The copies hold what was put there, NaN where the hour is not quiet. They have as many
    activations a day as the home, at least one.
    """
    label_w = home.appliance_w(appliance.name)
    own = len(cut_activations_w(label_w, appliance, home.period_s))
    per_copy = max(own, round(LEAST_PER_DAY * home.days), 1)
    for copy in range(min(-(-LEAST_PLACED // per_copy), MOST_COPIES)):
        random = np.random.default_rng((seed, copy, STREAM))
        put_w = _put_activations_w(label_w == 0, activations_w, per_copy, random)
        truth_w = np.where(label_w == 0, put_w, np.float32(np.nan))
        yield replace(home, mains_w=home.mains_w + put_w, appliances_w={appliance.name: truth_w})


def _put_activations_w(
    quiet: np.ndarray[tuple[int], np.dtype[np.bool_]],
    activations_w: Sequence[Watts],
    count: int,
    random: np.random.Generator,
) -> Watts:
    """Return the power f32[T] of `count` activations at random places, as far as there is room."""
    free = quiet.copy()
    put_w = np.zeros(len(free), np.float32)
    for _ in range(count):
        activation_w = activations_w[int(random.integers(len(activations_w)))]
        for first in random.integers(len(free), size=TRIES).tolist():
            span = slice(first, first + len(activation_w))
            if first + len(activation_w) <= len(free) and free[span].all():
                put_w[span] = activation_w
                free[max(first - 1, 0) : span.stop + 1] = False
                break
    return put_w


def measure_error(
    model: Predictor, tests: Sequence[Recording], appliance: Appliance
) -> SelfMadeError:
    """Return the error of a model's own predictions in self-made tests.

    It is infinite where nothing was put anywhere, or nothing can be predicted there.
    """
    sums = np.zeros(4)
    for test in tests:
        truth_w = test.appliance_w(appliance.name).astype(np.float64)
        error_w = model.predict_w(test)[:, 0] - truth_w
        known = ~np.isnan(error_w)
        error_w, truth_w = error_w[known], truth_w[known]
        sums += np.abs(error_w).sum(), truth_w.sum(), (error_w**2).sum(), (truth_w**2).sum()
    absolute, energy, squared, squares = sums.tolist()
    if energy <= 0:
        return SelfMadeError(np.inf, np.inf)
    return SelfMadeError(absolute / energy, squared / squares)


def compare_power(one_w: Watts, other_w: Watts, appliance: Appliance, period_s: float) -> Agreement:
    """Return how far two series f32[T] in watts agree; NaN counts as off."""
    known = [np.nan_to_num(power_w) for power_w in (one_w, other_w)]
    on = [is_on(power_w, appliance, period_s) for power_w in known]
    cycles = sum(len(find_runs(flags)[0]) for flags in on)
    energy = [float(power_w.sum(dtype=np.float64)) for power_w in known]
    return Agreement(
        2 * count_matched_cycles(on[0], on[1]) / cycles if cycles else 1.0,
        min(energy) / max(energy) if max(energy) > 0 else 1.0,
    )
