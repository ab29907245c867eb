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
    capped = []
    for cycle in cycles:
        first = int(np.floor((cycle.start_s - start_s) / period_s))
        end = int(np.ceil((cycle.end_s - start_s) / period_s))
        a, b = np.clip((first, end), 0, len(part_w)).tolist()
        claim = claimed[b] - claimed[a]
        share = min((kept[b] - kept[a]) / claim, 1.0) if claim > 0 else 1.0
        capped.append(cycle._replace(energy_wh=cycle.energy_wh * share))
    return capped
