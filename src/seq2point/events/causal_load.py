"""A load as samples come: its power, whose it is, and what of it the predictions claim."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from seq2point.events.segmentation import find_upper_quartile_w

NOBODY = -1

MOST_LEVELS = 60
"""So many of a load's first samples tell its level: those of one that heats for long are alike."""


@dataclass
class CausalLoad:
    """A load that has switched on: `height_w` is its step up, `end` the sample where it is off.

    `power_w` are its samples from `begin` on, `owners` whose it is from `decided` on. `total_w` and
    `claims_w` are sums until `heard`: of its power, and of each appliance's share in it.
    `levels_w` are its first samples.
    """

    first: int
    height_w: float
    claims_w: list[float]
    end: int | None = None
    begin: int = 0
    power_w: list[float] = field(default_factory=list)
    decided: int = 0
    owners: list[int] = field(default_factory=list)
    heard: int = 0
    total_w: float = 0.0
    levels_w: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.power_w:
            self.begin = self.heard = self.decided = self.first

    @property
    def mean_w(self) -> float:
        """Its mean power as far as it is heard, in watts."""
        return self.total_w / (self.heard - self.first)

    @property
    def level_w(self) -> float:
        """The power of its plateau as far as it is heard, as `Event.level_w`."""
        return find_upper_quartile_w(np.array(self.levels_w, np.float32))

    def share(self, appliance: int) -> float:
        """Return which part of its energy an appliance claims, as far as it is heard."""
        return self.claims_w[appliance] / (self.heard - self.first) / max(self.mean_w, 1e-9)

    def forget(self, power_before: int, owners_before: int) -> None:
        """Forget the power and the owners of samples before these."""
        if power_before > self.begin:
            del self.power_w[: power_before - self.begin]
            self.begin = power_before
        if owners_before > self.decided:
            del self.owners[: owners_before - self.decided]
            self.decided = owners_before

    def add(self, claims_w: Iterable[float]) -> None:
        """Add to the sums a sample of it, of which each appliance claims so much."""
        power_w = self.power_w[self.heard - self.begin]
        self.total_w += power_w
        for i, claim_w in enumerate(claims_w):
            self.claims_w[i] += min(claim_w, power_w)
        if len(self.levels_w) < MOST_LEVELS:
            self.levels_w.append(power_w)
        self.heard += 1


def end_loads(
    on: Sequence[CausalLoad], ended: Sequence[CausalLoad], sample: int
) -> list[CausalLoad]:
    """Return the loads that stay on where others end."""
    for load in ended:
        load.end = sample
    return [load for load in on if load.end is None]
