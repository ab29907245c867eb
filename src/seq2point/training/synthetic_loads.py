"""Synthetic loads: heaters, ovens and dryers, so that a network learns what its appliance is not.

A house teaches only its own confusions. In the next one a fan heater draws a washing machine's
power for twenty minutes, and a network that never saw one takes it for the machine. Random
rectangles, once or in cycles, make it look for the whole programme (domain randomisation, Tobin et
al. 2017, arXiv 1703.06907). An electric shower draws more than all else in a house without one. A
network that never saw such mains predicts kilowatts of a dishwasher from them.
"""

import numpy as np
import numpy.typing as npt

from seq2point.recording import Watts

POWER_W = (300.0, 3000.0)
SHOWER_W = (6000.0, 11000.0)
SHOWER_S = (120.0, 900.0)
SHOWERS = 1 / 6
BLOCK_S = (480.0, 7200.0)
CYCLES_S = (1200.0, 9000.0)
ON_S = (60.0, 360.0)
OFF_S = (60.0, 480.0)
UNEVEN = 0.3
DAY_S = 86400.0


def draw_synthetic_loads_w(seed: int, samples: int, period_s: float, per_day: float) -> Watts:
    """Return the power of synthetic loads over a stretch, f32[samples].

    There are `per_day` loads a day on average. One in six is a shower, the others are blocks or
    cycles. A block lasts 8 minutes to 2 hours, any length as likely as its double. Cycles are 1 to
    6 minutes on and 1 to 8 off, each within 30 % of the load's own, for 20 to 150 minutes. Both
    draw 300 to 3,000 W. A shower draws 6 to 11 kW for 2 to 15 minutes.
    """
    random = np.random.default_rng(seed)
    length_s = samples * period_s
    steps_s, steps_w = [np.empty(0)], [np.empty(0)]
    for _ in range(random.poisson(per_day * (length_s + CYCLES_S[1]) / DAY_S)):
        begin_s = random.uniform(-CYCLES_S[1], length_s)
        kind = random.random()
        power_w = random.uniform(*(SHOWER_W if kind < SHOWERS else POWER_W))
        if kind < SHOWERS:
            edges = _draw_block(random, SHOWER_S)
        elif kind < (1 + SHOWERS) / 2:
            edges = _draw_block(random, BLOCK_S)
        else:
            edges = _draw_cycles(random)
        for edges_s, step_w in zip(edges, (power_w, -power_w), strict=True):
            steps_s.append(begin_s + edges_s)
            steps_w.append(np.full(len(edges_s), step_w))
    at = np.rint(np.concatenate(steps_s) / period_s).clip(0, samples).astype(np.int64)
    change_w = np.bincount(at, np.concatenate(steps_w), samples + 1)
    return np.cumsum(change_w[:-1]).clip(min=0).astype(np.float32)


Edges = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _draw_block(random: np.random.Generator, length_s: tuple[float, float]) -> Edges:
    shortest_s, longest_s = length_s
    return np.zeros(1), np.array([shortest_s * (longest_s / shortest_s) ** random.random()])


def _draw_cycles(random: np.random.Generator) -> Edges:
    whole_s = random.uniform(*CYCLES_S)
    mean_on_s = random.uniform(*ON_S)
    mean_off_s = random.uniform(*OFF_S)
    count = int(whole_s / (mean_on_s + mean_off_s)) + 1
    on_s = mean_on_s * random.uniform(1 - UNEVEN, 1 + UNEVEN, count)
    off_s = mean_off_s * random.uniform(1 - UNEVEN, 1 + UNEVEN, count)
    begins_s = np.cumsum(on_s + off_s) - (on_s + off_s)
    return begins_s, begins_s + on_s
