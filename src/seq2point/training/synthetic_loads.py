"""Loads that nobody metered: heaters, ovens and dryers made up, so that a network learns what is
not its appliance.

A house teaches only its own confusions. In the next one a fan heater draws a washing machine's
power for twenty minutes, and a network that never saw one takes it for the machine. Random
rectangles, once or in cycles, are enough to make it look for the whole programme (domain
randomisation, Tobin et al. 2017, arXiv 1703.06907). An electric shower draws more than all else in
a house without one: a network that never saw such mains answers them with kilowatts of a
dishwasher.
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


def draw_synthetic_loads_w(seed: int, samples: int, period_s: float, a_day: float) -> Watts:
    """The power of made-up loads over a stretch, f32[samples]: `a_day` on average, one in six a
    shower, else blocks or cycles.

    A block is 8 minutes to 2 hours long, any length as likely as its double; cycles are 1 to 6
    minutes on and 1 to 8 off, each within 30 % of the load's own, for 20 to 150 minutes; the power
    is 300 to 3,000 W. A shower draws 6 to 11 kW for 2 to 15 minutes.
    """
    random = np.random.default_rng(seed)
    length_s = samples * period_s
    change_w = np.zeros(samples + 1)
    for _ in range(random.poisson(a_day * (length_s + CYCLES_S[1]) / DAY_S)):
        begin_s, kind = random.uniform(-CYCLES_S[1], length_s), random.random()
        power_w = random.uniform(*(SHOWER_W if kind < SHOWERS else POWER_W))
        if kind < SHOWERS:
            edges = _block(random, SHOWER_S)
        else:
            edges = _block(random, BLOCK_S) if kind < (1 + SHOWERS) / 2 else _cycles(random)
        for edges_s, sign in zip(edges, (1, -1), strict=True):
            at = np.clip(np.rint((begin_s + edges_s) / period_s), 0, samples).astype(np.int64)
            np.add.at(change_w, at, sign * power_w)
    return np.cumsum(change_w[:-1]).clip(min=0).astype(np.float32)


Edges = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def _block(random: np.random.Generator, length_s: tuple[float, float]) -> Edges:
    shortest_s, longest_s = length_s
    return np.zeros(1), np.array([shortest_s * (longest_s / shortest_s) ** random.random()])


def _cycles(random: np.random.Generator) -> Edges:
    whole_s, on_s, off_s = random.uniform(*CYCLES_S), random.uniform(*ON_S), random.uniform(*OFF_S)
    count = int(whole_s / (on_s + off_s)) + 1
    on, off = (of_s * random.uniform(1 - UNEVEN, 1 + UNEVEN, count) for of_s in (on_s, off_s))
    begins = np.cumsum(on + off) - (on + off)
    return begins, begins + on
