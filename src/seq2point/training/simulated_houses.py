"""Simulated houses for a training: a pool that renews itself, drawn in the background.

A training teaches a network the few makes of its houses. The simulator draws others: domain
randomisation (Tobin et al. 2017, arXiv 1703.06907). House n of a training is a function of the
training's seed and n, and which houses are in the pool is one of the step. So nothing is saved, and
a resumed training goes on exactly.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np

from seq2point.recording import Recording
from seq2point.simulator import simulate_house

FIRST = 8
"""Houses that are there at the first step."""
STEPS_PER_HOUSE = 12
"""Steps after which another house joins."""
ALIVE = 48
"""Houses in the pool at most: the oldest leaves."""
DAYS = 6.0
AHEAD = 2
"""Houses that are simulated before they are needed, and kept after they have left."""


class SimulatedHouses:
    """The simulated houses of one training, by number."""

    def __init__(self, appliance: str, period_s: float, seed: int):
        self._simulate = partial(_simulate, appliance, period_s, seed)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="simulator")
        self._houses: dict[int, Future[Recording]] = {}

    def list_numbers(self, step: int) -> Sequence[int]:
        """Return the numbers of the houses in the pool at a step."""
        end = FIRST + step // STEPS_PER_HOUSE
        return range(max(end - ALIVE, 0), end)

    def get(self, number: int) -> Recording:
        """Return a house; waits until it is simulated."""
        self._begin(number)
        return self._houses[number].result()

    def _begin(self, number: int) -> None:
        if number not in self._houses:
            self._houses[number] = self._executor.submit(self._simulate, number)

    def prepare(self, step: int) -> None:
        """Begin to simulate the houses of a step and the next ones, and let old ones go."""
        numbers = self.list_numbers(step)
        for number in range(numbers[0], numbers[-1] + 1 + AHEAD):
            self._begin(number)
        for number in [
            n for n in self._houses if not numbers[0] - AHEAD <= n <= numbers[-1] + AHEAD
        ]:
            self._houses.pop(number).cancel()

    def __getstate__(self) -> dict[str, object]:
        """Leave the threads behind: another process has its own."""
        return {"_simulate": self._simulate}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="simulator")
        self._houses = {}


def _simulate(appliance: str, period_s: float, seed: int, number: int) -> Recording:
    (drawn,) = np.random.SeedSequence((seed, number)).generate_state(1)
    return simulate_house(int(drawn), DAYS, period_s, [appliance])
