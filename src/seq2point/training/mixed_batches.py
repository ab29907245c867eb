"""Chunks whose appliance and whose mains each come from a training house or from elsewhere.

    appliance   a training house, a simulated house, or a trace
    mains       those of the same place, of another time or house, or of a simulated house;
                distractors are added

Houses are numbered: the training houses, then those of traces, then the simulated ones in the order
in which they join.
"""

from bisect import bisect_right
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seq2point.network import Seq2Point
from seq2point.recording import Recording
from seq2point.training.chunk_batches import ChunkBatches, sum_activity
from seq2point.training.houses import House
from seq2point.training.material import Material
from seq2point.training.simulated_houses import SimulatedHouses

MILLIONTHS = 10**6
HEAVIEST = 1000.0
"""The highest weight of a chunk: activity is near zero in some."""
REAL, SIMULATED, TRACED = range(3)


class _Pool:
    """Houses to draw chunks of: their numbers, and the sums of their activity by window."""

    def __init__(self, numbers: list[int], activity: list[npt.NDArray[np.float64]], hop: int):
        self.numbers, self.activity, self.hop = numbers, activity, hop
        self._starts = [len(summed) - hop for summed in activity]
        self._starts_until = list(accumulate(self._starts))
        self._activity_until = list(accumulate(float(summed[-1]) for summed in activity))

    def draw(self, active: float, random: np.random.Generator) -> tuple[int, int, float]:
        """Return a house, the first window of a chunk in it, and the weight of its error.

        A part `active` of the chunks is drawn by how much the appliance varies in them.
        """
        activity, starts = self._activity_until[-1], self._starts_until[-1]
        if activity and random.random() < active:
            at = random.random() * activity
            i = min(bisect_right(self._activity_until, at), len(self.numbers) - 1)
            on = np.searchsorted(self.activity[i], at - (self._activity_until[i - 1] if i else 0.0))
            start = min(max(int(on) - int(random.integers(self.hop)), 0), self._starts[i] - 1)
        else:
            at = int(random.integers(starts))
            i = bisect_right(self._starts_until, at)
            start = at - (self._starts_until[i - 1] if i else 0)
        if not (activity and active):
            return self.numbers[i], start, 1.0
        summed = self.activity[i]
        share = float(summed[start + self.hop] - summed[start]) / activity
        frequency = 1 - active + active * starts * share / self.hop
        return self.numbers[i], start, 1 / frequency


class MixedBatches(ChunkBatches):
    """Chunks of the training houses, of simulated houses and of traces."""

    def __init__(self, material: Material, *arguments: Any):
        super().__init__(*arguments)
        self.material = material
        self._traced = [
            self.data.prepare(house, has_mains=False) for house in material.trace_houses
        ]
        activity = [sum_activity(house, self.data.architecture) for house in self._traced]
        first = len(self.data.houses)
        self._first_simulated = first + len(self._traced)
        self._trace_pool = _Pool([*range(first, self._first_simulated)], activity, self.hop)
        self._simulates = bool(material.simulated or material.simulated_mains)
        self._simulator = SimulatedHouses(self.data.names[0], self.data.period_s, self.seed)
        self._simulated: dict[int, tuple[House, npt.NDArray[np.float64]]] = {}

    @property
    def changes(self) -> bool:
        """Whether chunks are changed: always, since their mains may be another house's."""
        return True

    def find_house(self, number: int) -> House:
        """Return a training house, one of traces, or a simulated one."""
        before = len(self.data.houses)
        if number < before:
            return self.data.houses[number]
        if number < self._first_simulated:
            return self._traced[number - before].move(self.data.device)
        return self._find_simulated(number)[0].move(self.data.device)

    def _find_simulated(self, number: int) -> tuple[House, npt.NDArray[np.float64]]:
        if number not in self._simulated:
            recording: Recording = self._simulator.get(number - self._first_simulated)
            house = self.data.prepare(recording)
            self._simulated[number] = house, sum_activity(house, self.data.architecture)
        return self._simulated[number]

    def draw(self, step: int) -> Tensor:
        """Return a step's chunks i64[N, 8]: the columns of ChunkBatches with augmentation, then the
        weight of each chunk in millionths.
        """
        drawn = super().draw(step)
        weights = super().weigh(drawn).numpy().astype(np.float64)
        rows = drawn.numpy()
        random = np.random.default_rng((self.seed, step, 3))
        moved = (rows[:, :2] != rows[:, 2:4]).any(1)
        kinds = self._draw_kinds(moved, random)
        simulated_pool = self._renew_pool(step) if self._simulates else self._trace_pool
        for row in np.flatnonzero(kinds != REAL):
            pool = self._trace_pool if kinds[row] == TRACED else simulated_pool
            *place, weights[row] = pool.draw(self.active, random)
            rows[row, :2] = place
            if not moved[row]:
                rows[row, 2:4] = place
        elsewhere = moved & (random.random(len(rows)) < self.material.simulated_mains)
        for row in np.flatnonzero(elsewhere):
            rows[row, 2], rows[row, 3], _ = simulated_pool.draw(0.0, random)
        millionths = np.rint(np.minimum(weights, HEAVIEST) * MILLIONTHS).astype(np.int64)
        return torch.from_numpy(np.column_stack([rows, millionths]))

    def _draw_kinds(
        self, moved: npt.NDArray[np.bool_], random: np.random.Generator
    ) -> npt.NDArray[np.int64]:
        """Return where the appliance of each chunk comes from. A trace has no mains of its own."""
        simulated, traced = self.material.simulated, self.material.traced
        shares = [1 - simulated - traced, simulated, traced]
        kinds = random.choice(len(shares), len(moved), p=shares)
        return np.where(~moved & (kinds == TRACED), REAL, kinds)

    def weigh(self, drawn: Tensor) -> Tensor:
        """Return the weight of each chunk's error, f32[N]."""
        return drawn[:, 7].cpu().float() / MILLIONTHS

    def _renew_pool(self, step: int) -> _Pool:
        """Return the simulated houses of a step; those that have left long ago are forgotten."""
        self._simulator.prepare(step)
        numbers = [self._first_simulated + n for n in self._simulator.list_numbers(step)]
        activity = [self._find_simulated(number)[1] for number in numbers]
        # the chunks of the step before may not be gathered yet
        for number in [n for n in self._simulated if n < numbers[0] - 1]:
            del self._simulated[number]
        return _Pool(numbers, activity, self.hop)

    def add_loads_w(self, seeds: list[int], mains_w: Tensor) -> Tensor:
        """Return the mains f32[N, L] with synthetic loads and distractors added, drawn by seed."""
        mains_w = super().add_loads_w(seeds, mains_w)
        distractors = self.material.distractors
        if distractors is None:
            return mains_w
        samples, period_s = mains_w.shape[1], self.data.period_s
        added_w = [distractors.draw_w(seed, samples, period_s) for seed in seeds]
        return mains_w + torch.from_numpy(np.stack(added_w)).to(mains_w)


class MixedWindowBatches(MixedBatches):
    """Single windows of the training houses, of simulated houses and of traces."""

    rows = "windows"

    def predict(self, network: Seq2Point, drawn: Tensor, x: Tensor) -> Tensor:
        """Return a network's predictions f32[N, 1, A] for the scaled mains x f32[N, W]."""
        prediction: Tensor = network(x)
        return prediction[:, None]
