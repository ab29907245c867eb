"""Agreement of the meters: by how much the mains step where an appliance does.

Two meters of one load should say the same. They may not: a plug can read apparent power, or be
wrong for motors, whose current lags. A network then learns watts that the mains do not have.
Compared are clean steps: both series are flat before and after, so that nothing else is switched.
"""

import numpy as np
import numpy.typing as npt

from seq2point.quality.channels import Channel
from seq2point.quality.quality_report import FindingLog
from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import Flags
from seq2point.wording import format_count

STEP_W, STEP_SHARE = 30.0, 0.25
"""A step is larger than both: the power, and the share of the channel's peak."""

FLAT_W, FLAT_SHARE = 8.0, 0.04
"""Two neighbouring readings are flat that differ by less than one of these: power, peak's share."""

ACROSS = 4
"""A step is taken across so many samples: ramps and a lag of two samples fit between."""

FEWEST_STEPS = 50
AGREE, CLEAR, SHOWN = (0.8, 1.25), (0.9, 1.1), 0.2
"""The meters disagree where the median ratio is outside the first, and half of them beyond the
second on that side. Below the third the mains do not show the load, which `clocks` reports."""


def check_agreement(
    recording: Recording, channels: list[Channel], stuck: Flags, log: FindingLog
) -> None:
    """Check that the mains step by as much as each channel; stuck samples bool[T] do not count."""
    mains_w = np.where(stuck, np.nan, recording.mains_w).astype(np.float32)
    for jump in recording.jumps:
        mains_w[jump.sample - 1] = np.nan
    for channel in channels:
        ratios = find_step_ratios(mains_w, channel)
        if len(ratios) < FEWEST_STEPS:
            continue
        low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
        is_lower, is_higher = SHOWN < middle < AGREE[0], middle > AGREE[1]
        if not (is_lower and high < CLEAR[0]) and not (is_higher and low > CLEAR[1]):
            continue
        figure = (
            f"where it steps, the mains step by {middle:.2f} of that ({low:.2f} to {high:.2f} in"
            f" half of {format_count(len(ratios), 'step')})"
        )
        advice = (
            "one of the two meters is wrong for it, or they measure apparent and real power: what"
            " the mains can tell of its kWh is as far from the plug's"
        )
        log.add("warning", "agreement", channel.name, figure, advice, float(middle))


def find_step_ratios(mains_w: Watts, channel: Channel) -> npt.NDArray[np.float64]:
    """Return the steps of the mains f32[T] over a channel's, at its clean steps, f64[N]."""
    flat_w = max(FLAT_W, FLAT_SHARE * channel.peak_w)
    steps_w, is_clean = _find_steps(channel.power_w, flat_w)
    mains_steps_w, is_mains_clean = _find_steps(mains_w, flat_w)
    large = np.abs(steps_w) > max(STEP_W, STEP_SHARE * channel.peak_w)
    chosen = large & is_clean & is_mains_clean
    ratios: npt.NDArray[np.float64] = mains_steps_w[chosen] / steps_w[chosen].astype(np.float64)
    return ratios


def _find_steps(power_w: Watts, flat_w: float) -> tuple[Watts, Flags]:
    """Return the change across some samples from each, and whether it is flat at both ends."""
    steps_w = power_w[ACROSS:] - power_w[:-ACROSS]
    flat = np.abs(np.diff(power_w)) < flat_w
    return steps_w, flat[: len(steps_w)] & flat[ACROSS - 1 :]
