"""The energy of activations as the balance leaves it: capped at the mains."""

from collections.abc import Sequence

import numpy as np

from seq2point.events import Activation
from seq2point.recording import Watts


def cap_activations(
    cycles: Sequence[Activation], claim_w: Watts, part_w: Watts, start_s: float, period_s: float
) -> list[Activation]:
    """Return activations with the energy that their appliance keeps in the balance.

    `claim_w` and `part_w` are f32[T] in watts on one grid of `period_s` from `start_s`: what was
    predicted, and what the mains leave of it. An activation keeps the share of the samples that it
    touches. Where nothing is known of these, its energy stays as it is.
    """
    known = ~(np.isnan(claim_w) | np.isnan(part_w))
    claimed, kept = (
        np.concatenate(([0.0], np.cumsum(np.where(known, each_w, 0), dtype=np.float64)))
        for each_w in (claim_w, part_w)
    )
    if not cycles:
        return []
    spans_s = np.array([(cycle.start_s, cycle.end_s) for cycle in cycles])
    places = (spans_s - start_s) / period_s
    first, end = np.floor(places[:, 0]), np.ceil(places[:, 1])
    a, b = (np.clip(each, 0, len(part_w)).astype(np.int64) for each in (first, end))
    claim, keep = claimed[b] - claimed[a], kept[b] - kept[a]
    share = np.ones(len(cycles))
    np.divide(keep, claim, out=share, where=claim > 0)
    return [
        Activation(cycle.start_s, cycle.end_s, cycle.energy_wh * each, cycle.peak_w)
        for cycle, each in zip(cycles, np.minimum(share, 1).tolist(), strict=True)
    ]
