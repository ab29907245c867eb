"""Whether the mains and the plugs keep the same time: cross-correlation of their steps, block by
block.

A step of an appliance (the difference of two neighbouring readings) is a step of the mains at the
same moment. At a lag l the match is the mean of m[t + l] / a[t] over the appliance's large steps a,
the larger the weightier: near 1 where the clocks agree, near 0 elsewhere. The ratio is held between
-1 and 1.5, so that a cooker's step does not drown a fridge's. The lag of the highest match is the
plug's delay; over the blocks it shows whether a clock drifts or was set.
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
LONGEST_BLOCK_DAYS, BLOCK_DAYS, BLOCKS = 14.0, (1.0, 7.0), 20
FEWEST_STEPS, MOST_STEPS = 8, 300
STEP_W, STEP, WEIGHTIEST = 30.0, 0.3, 3.0
FOUND = 0.4
LEAST_MATCH, DISTINCT, BESIDE = 0.15, 1.5, 2
FEWEST_BLOCKS, SURE_SAMPLES, AGREEING = 5, 2.0, 0.5
UNSEEN, FEWEST_TO_MISS = 0.3, 30
GRAVE_S, GRAVE_SAMPLES = 60.0, 5.0

Curve = npt.NDArray[np.float64]


class _Block(NamedTuple):
    """Steps of a block around a day: the weighted ratios' sum at every lag f64[2 L + 1], the sum of
    the weights, their number.
    """

    day: float
    product: Curve
    power: float
    steps: int


def check_clocks(
    recording: Recording, channels: list[Channel], frozen: Flags, notes: FindingLog
) -> dict[str, tuple[Lag, ...]]:
    """Findings on clocks; the lags of each channel's blocks in which its steps are found in the
    mains.
    """
    mains_steps_w = np.nan_to_num(np.diff(recording.mains_w))
    mains_steps_w[frozen[1:] | frozen[:-1]] = 0
    lags = {}
    for channel in channels:
        blocks = _blocks(recording, channel, mains_steps_w, frozen)
        found = [
            lag for block in blocks if (lag := _find_lag(block, recording.period_s)) is not None
        ]
        if found and len(found) >= FOUND * len(blocks):
            lags[channel.name] = tuple(found)
            _report_lateness(recording, channel.name, found, notes)
        elif blocks:
            _report_unseen(channel.name, blocks, notes)
    return lags


def _blocks(
    recording: Recording, channel: Channel, mains_steps_w: npt.NDArray[np.float32], frozen: Flags
) -> list[_Block]:
    period_s, days = recording.period_s, recording.days
    steps_w = np.diff(channel.power_w)
    marks = channel.marks
    least_w = max(STEP_W, STEP * (marks.nearly_w if marks else channel.highest_w))
    large = np.abs(steps_w) > least_w
    large &= ~(frozen[1:] | frozen[:-1])
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
    """Steps in blocks of so many samples, or of more where they hold few."""
    first = 0
    while first < len(at):
        end = max(int(np.searchsorted(at, at[first] + length)), first + FEWEST_STEPS)
        if end <= len(at) and at[end - 1] - at[first] <= longest:
            yield at[first:end]
            first = end
        else:
            first += 1


def _find_lag(block: _Block, period_s: float) -> Lag | None:
    """The lag of the highest match, to a fraction of a sample; None where it does not stand out."""
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


def _report_lateness(recording: Recording, name: str, lags: list[Lag], notes: FindingLog) -> None:
    late_s, day = np.array([lag.late_s for lag in lags]), np.array([lag.day for lag in lags])
    sample_s = recording.period_s
    middle_s = float(np.median(late_s))
    if len(lags) >= FEWEST_BLOCKS and _report_drift(name, day, late_s, sample_s, notes):
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
    notes.add(severity, "lag", name, figure, advice, middle_s, "s")


def _report_drift(name: str, day: Curve, late_s: Curve, sample_s: float, notes: FindingLog) -> bool:
    """A finding where the lag changes over time: a clock that drifts, or one that was set."""
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
        notes.add(_gravity(change_s, sample_s), "drift", name, figure, advice, per_day, "s/day")
        return True
    smooth_s = np.median([late_s[:-2], late_s[1:-1], late_s[2:]], axis=0)
    span_s = float(smooth_s.max() - smooth_s.min())
    if span_s > SURE_SAMPLES * sample_s:
        figure = f"its lag changes between {smooth_s.min():+.0f} and {smooth_s.max():+.0f} s"
        advice = (
            "a clock was set (summer time?): shift its times before and after, see the lags over"
            " time"
        )
        notes.add(_gravity(span_s, sample_s), "drift", name, figure, advice, span_s, "s")
        return True
    return False


def _gravity(seconds: float, sample_s: float) -> Severity:
    return "error" if abs(seconds) > max(GRAVE_S, GRAVE_SAMPLES * sample_s) else "warning"


def _report_unseen(name: str, blocks: list[_Block], notes: FindingLog) -> None:
    """A finding where the mains shows an appliance's steps at no lag, and would show them if they
    were there.
    """
    match = np.mean([block.product / block.power for block in blocks], axis=0)
    steps, middle = sum(block.steps for block in blocks), len(match) // 2
    here = float(match[middle - BESIDE : middle + BESIDE + 1].max())
    if steps >= FEWEST_TO_MISS and here + 3 * float(match.std()) < UNSEEN:
        figure = f"the mains shows {max(here, 0):.0%} of its {format_count(steps, 'step')}"
        advice = (
            "not behind this meter, another house's, or a clock more than 75 minutes off: leave"
            " it out"
        )
        notes.add("error", "match", name, figure, advice, 100 * here, "%")
