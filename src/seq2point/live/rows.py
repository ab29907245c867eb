"""Rows: what the models of one period say of a home's samples once they are due."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.data.grid import Times
from seq2point.live.text_arrays import decode, encode
from seq2point.recording import Watts


class Rows(NamedTuple):
    """What is due: times f64[N], mains f32[N] and power f32[N, A] in watts.

    NaN is unknown: the mains of a gap are, although it may be filled for the models. `jumps` says
    whether time jumps just before a row.
    """

    times_s: Times
    mains_w: Watts
    power_w: Watts
    jumps: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.times_s)

    def join(self, later: "Rows") -> "Rows":
        """Return these rows and later ones."""
        return Rows(
            np.concatenate((self.times_s, later.times_s)),
            np.concatenate((self.mains_w, later.mains_w)),
            np.concatenate((self.power_w, later.power_w)),
            np.concatenate((self.jumps, later.jumps)),
        )

    def slice(self, first: int) -> "Rows":
        """Return the rows from `first` on."""
        return Rows(
            self.times_s[first:], self.mains_w[first:], self.power_w[first:], self.jumps[first:]
        )

    @classmethod
    def empty(cls, appliances: int) -> "Rows":
        """Return no rows of so many appliances."""
        nothing = np.empty(0, np.float32)
        no_power_w = np.empty((0, appliances), np.float32)
        return cls(np.empty(0), nothing, no_power_w, np.empty(0, bool))

    @classmethod
    def restore(cls, state: Mapping[str, Any], appliances: int) -> "Rows":
        """Return the rows of which `as_json` returned the state."""
        times_s = np.array(state["times_s"], np.float64)
        jumps = np.zeros(len(times_s), bool)
        jumps[state["jumps"]] = True
        power_w = decode(state["power_w"]).reshape(-1, appliances)
        return cls(times_s, decode(state["mains_w"]), power_w, jumps)

    def as_json(self) -> dict[str, Any]:
        """Return what a later start goes on from, as JSON."""
        return {
            "times_s": self.times_s.tolist(),
            "mains_w": encode(self.mains_w),
            "power_w": encode(self.power_w),
            "jumps": np.flatnonzero(self.jumps).tolist(),
        }
