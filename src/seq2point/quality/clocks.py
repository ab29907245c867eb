"""Clocks of the mains and the plugs, compared by cross-correlation of their steps.

A step is the difference of two neighbouring readings. A step of an appliance is a step of the mains
at the same moment. At a lag l the match is the mean of m[t + l] / a[t] over the large steps a of
the appliance, weighted by their squares. It is near 1 where the clocks agree, near 0 elsewhere. The
ratio is held between -1 and 1.5, so that a cooker's step does not drown a fridge's.
The lag of the highest match is the plug's delay. Over blocks of days it shows whether a clock
drifts or was set.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.quality.channels import Channel
from seq2point.quality.quality_report import FindingLog, Lag, Severity
from seq2point.recording import Recording
from seq2point.recording.on_off import Flags
from seq2point.wording import format_count

SEARCH_S, LEAST_SEARCH = 75 * 60.0, 30
"""Lags are searched this far, which includes an hour of summer time, or by so many samples."""

LONGEST_BLOCK_DAYS, BLOCK_DAYS, BLOCKS = 14.0, (1.0, 7.0), 20
"""A recording has about 20 blocks of 1 to 7 days; rare steps make blocks of up to 14 days."""

FEWEST_STEPS, MOST_STEPS = 8, 300
"""The steps of a block: fewer prove nothing, more take time and add nothing."""

STEP_W, STEP_SHARE, WEIGHTIEST = 30.0, 0.3, 3.0
"""A large step exceeds both; its weight stops growing at three times that."""

SHARE_WITH_LAG = 0.4
"""A channel has lags if this share of its blocks has one."""

LEAST_MATCH, DISTINCT, BESIDE = 0.15, 1.5, 2
"""A lag's match is at least this, and so many times that of lags more than two samples away."""

FEWEST_BLOCKS, SURE_SAMPLES, AGREEING = 5, 2.0, 0.5
"""Drift needs so many blocks and a change of two samples; half of the lags must agree on one."""

UNSEEN, FEWEST_TO_MISS = 0.3, 30
"""The mains lacks an appliance whose match stays below this over so many steps."""

GRAVE_S, GRAVE_SAMPLES = 60.0, 5.0
"""A lag beyond both is an error, a smaller one a warning."""

Curve = npt.NDArray[np.float64]


class _Block(NamedTuple):
    """The steps of a block around a day.

    `product` f64[2 L + 1] is the weighted sum of the ratios at every lag, `power` the sum of the
    weights, `steps` their number.
    """

    day: float
    product: Curve
    power: float
    steps: int


def check_clocks(
    recording: Recording, channels: list[Channel], stuck: Flags, log: FindingLog
) -> dict[str, tuple[Lag, ...]]:
    """Check the clocks, and return each channel's lags in the blocks that show one.

    Findings are added to the log.
    """
    mains_steps_w = np.nan_to_num(np.diff(recording.mains_w))
    mains_steps_w[stuck[1:] | stuck[:-1]] = 0
    lags = {}
    for channel in channels:
        blocks = _make_blocks(recording, channel, mains_steps_w, stuck)
        own_lags = [
            lag for block in blocks if (lag := _find_lag(block, recording.period_s)) is not None
        ]
        if own_lags and len(own_lags) >= SHARE_WITH_LAG * len(blocks):
            lags[channel.name] = tuple(own_lags)
            _report_lag(recording, channel.name, own_lags, log)
        elif blocks:
            _report_unseen(channel.name, blocks, log)
    return lags


def _make_blocks(
    recording: Recording, channel: Channel, mains_steps_w: npt.NDArray[np.float32], stuck: Flags
) -> list[_Block]:
    period_s, days = recording.period_s, recording.days
    steps_w = np.diff(channel.power_w)
    signature = channel.signature
    least_w = max(STEP_W, STEP_SHARE * (signature.nearly_w if signature else channel.highest_w))
    large = np.abs(steps_w) > least_w
    large &= ~(stuck[1:] | stuck[:-1])
    for jump in recording.jumps:
        large[jump.sample - 1] = False
    at = np.flatnonzero(large)
    length = int(np.clip(days / BLOCKS, *BLOCK_DAYS) * 86400 / period_s)
    reach = max(int(SEARCH_S / period_s), LEAST_SEARCH)
    padded = np.pad(mains_steps_w, reach)
    around = np.arange(2 * reach + 1)
    blocks = []
    for inside in _group_steps(at, length, int(LONGEST_BLOCK_DAYS * 86400 / period_s)):
        if len(inside) > MOST_STEPS:
            inside = inside[np.argsort(-np.abs(steps_w[inside]), kind="stable")[:MOST_STEPS]]
        own_w = steps_w[inside].astype(np.float64)
        weight = np.minimum(np.abs(own_w), WEIGHTIEST * least_w) ** 2
        shown = np.clip(padded[inside[:, None] + around] / own_w[:, None], -1.0, 1.5)
        blocks.append(
            _Block(
                float(inside.mean()) * period_s / 86400,
                weight @ shown,
                float(weight.sum()),
                len(inside),
            )
        )
    return blocks


def _group_steps(
    at: npt.NDArray[np.int64], length: int, longest: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield steps in blocks of so many samples, or of more samples where steps are few."""
    first = 0
    while first < len(at):
        end = max(int(np.searchsorted(at, at[first] + length)), first + FEWEST_STEPS)
        if end <= len(at) and at[end - 1] - at[first] <= longest:
            yield at[first:end]
            first = end
        else:
            first += 1


def _find_lag(block: _Block, period_s: float) -> Lag | None:
    """Return the lag of the highest match, to a fraction of a sample; None if it is not
    distinct.
    """
    match = block.product / block.power
    peak = int(np.argmax(match))
    reach = len(match) // 2
    elsewhere = np.delete(
        match, np.arange(max(peak - BESIDE, 0), min(peak + BESIDE + 1, len(match)))
    )
    if (
        not 0 < peak < len(match) - 1
        or match[peak] < LEAST_MATCH
        or match[peak] < DISTINCT * elsewhere.max()
    ):
        return None
    before, top, after = match[peak - 1 : peak + 2]
    bend = before - 2 * top + after
    between = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return Lag(
        day=round(block.day, 2),
        late_s=-round((peak - reach + between) * period_s, 2),
        match=round(float(top), 3),
    )


def _report_lag(recording: Recording, name: str, lags: list[Lag], log: FindingLog) -> None:
    late_s, day = np.array([lag.late_s for lag in lags]), np.array([lag.day for lag in lags])
    sample_s = recording.period_s
    middle_s = float(np.median(late_s))
    if len(lags) >= FEWEST_BLOCKS and _report_drift(name, day, late_s, sample_s, log):
        return
    agreeing = float((np.abs(late_s - middle_s) <= SURE_SAMPLES * sample_s).mean())
    if abs(middle_s) < 0.5 * sample_s or agreeing < AGREEING:
        return
    severity: Severity = (
        "info" if abs(middle_s) <= SURE_SAMPLES * sample_s else _gravity(middle_s, sample_s)
    )
    figure = f"{abs(middle_s):.0f} s {'behind' if middle_s > 0 else 'ahead of'} the mains"
    advice = (
        "within two samples; nothing to do"
        if severity == "info"
        else f"shift its times by {-middle_s:+.0f} s"
    )
    log.add(severity, "lag", name, figure, advice, middle_s, "s")


def _report_drift(name: str, day: Curve, late_s: Curve, sample_s: float, log: FindingLog) -> bool:
    """Report a lag that changes over time: a clock drifts or was set. Return whether it does."""
    first, second = np.nonzero(day[None, :] > day[:, None])
    if not len(first):
        return False
    per_day = float(np.median((late_s[second] - late_s[first]) / (day[second] - day[first])))
    change_s = per_day * float(day[-1] - day[0])
    off_s = float(np.median(np.abs(late_s - np.median(late_s - per_day * day) - per_day * day)))
    if abs(change_s) >= SURE_SAMPLES * sample_s and off_s <= max(
        0.1 * abs(change_s), 0.5 * sample_s
    ):
        figure = f"drifts by {per_day:+.1f} s a day against the mains, {change_s:+.0f} s in all"
        advice = "a clock runs fast or slow: stretch its times, or use spans where the lag is small"
        log.add(_gravity(change_s, sample_s), "drift", name, figure, advice, per_day, "s/day")
        return True
    smooth_s = np.median([late_s[:-2], late_s[1:-1], late_s[2:]], axis=0)
    span_s = float(smooth_s.max() - smooth_s.min())
    if span_s > SURE_SAMPLES * sample_s:
        figure = f"its lag changes between {smooth_s.min():+.0f} and {smooth_s.max():+.0f} s"
        advice = "a clock was set (summer time?): see when its lag changes, and shift those times"
        log.add(_gravity(span_s, sample_s), "drift", name, figure, advice, span_s, "s")
        return True
    return False


def _gravity(seconds: float, sample_s: float) -> Severity:
    return "error" if abs(seconds) > max(GRAVE_S, GRAVE_SAMPLES * sample_s) else "warning"


def _report_unseen(name: str, blocks: list[_Block], log: FindingLog) -> None:
    """Report an appliance whose steps the mains does not show at any lag."""
    match = np.mean([block.product / block.power for block in blocks], axis=0)
    steps, middle = sum(block.steps for block in blocks), len(match) // 2
    here = float(match[middle - BESIDE : middle + BESIDE + 1].max())
    if steps >= FEWEST_TO_MISS and here + 3 * float(match.std()) < UNSEEN:
        figure = f"the mains shows {max(here, 0):.0%} of its {format_count(steps, 'step')}"
        advice = "it is not behind this meter, or a clock is more than 75 minutes off: leave it out"
        log.add("error", "match", name, figure, advice, 100 * here, "%")
