"""Predictions and decisions within their limits: an appliance's highest power, and the mains."""

from collections.abc import Mapping

import numpy as np

from seq2point.appliances import Appliance
from seq2point.recording import Watts


def clip_predictions(
    answers_w: Mapping[str, Watts], appliances: Mapping[str, Appliance]
) -> dict[str, Watts]:
    """Return predictions between 0 W and the appliance's highest power; 0 W for NaN."""
    return {
        name: np.clip(np.nan_to_num(power_w), 0, appliances[name].max_power_w).astype(np.float32)
        for name, power_w in answers_w.items()
    }


def cap_at_mains(
    decided_w: Mapping[str, tuple[Watts, Watts]],
    answers_w: Mapping[str, Watts],
    mains_w: Watts,
    share: bool,
) -> dict[str, Watts]:
    """Return each appliance's power f32[T] in watts, NaN where its prediction or the mains are.

    `decided_w` are the power of the events that it owns and its prediction that stands; an
    appliance without them is off. Events come first: they are parts of the mains. Predictions
    `share` what is left, the sum of all at most the mains, or else each is at most what is left.
    """
    left_w = np.maximum(np.nan_to_num(mains_w), 0).astype(np.float32)
    for own_w, _ in decided_w.values():
        left_w = np.maximum(left_w - own_w, 0)
    powers_w = {
        name: own_w + kept_w for name, (own_w, kept_w) in _limit(decided_w, left_w, share).items()
    }
    nothing_w = np.float32(0)
    return {
        name: np.where(
            np.isnan(answer_w) | np.isnan(mains_w),
            np.float32(np.nan),
            powers_w.get(name, nothing_w),
        ).astype(np.float32)
        for name, answer_w in answers_w.items()
    }


def _limit(
    decided_w: Mapping[str, tuple[Watts, Watts]], left_w: Watts, share: bool
) -> dict[str, tuple[Watts, Watts]]:
    if not share:
        return {
            name: (own_w, np.minimum(kept_w, left_w)) for name, (own_w, kept_w) in decided_w.items()
        }
    total_w = np.zeros_like(left_w)
    for _, kept_w in decided_w.values():
        total_w = total_w + kept_w
    scale = np.ones_like(left_w)
    np.divide(left_w, total_w, out=scale, where=total_w > left_w)
    return {name: (own_w, scale * kept_w) for name, (own_w, kept_w) in decided_w.items()}
