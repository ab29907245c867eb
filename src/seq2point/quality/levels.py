"""Impossible levels: channels that are clipped, above the mains, or never on."""

import numpy as np

from seq2point.quality.channels import Channel, format_time
from seq2point.quality.quality_report import FindingLog, Severity
from seq2point.recording import Recording, Watts
from seq2point.recording.on_off import Flags
from seq2point.wording import format_count, format_seconds, format_watts

FEWEST_AT_TOP, TIMES_BELOW, NEIGHBOURS, NEAR_TOP = 10, 10, 10, 0.75
"""A clipped channel has its highest value 10 times, and 10 times as often as the 10 below it."""

MARGIN_W, MARGIN = 50.0, 0.1
"""A channel is above the mains beyond both of these margins: two meters never agree exactly."""

REACH = 2
"""Clocks may differ by two samples: the highest mains within them counts."""

LEAST_ON, FEWEST_ABOVE_IDLING = 0.5, 20
"""At least this share of the energy above idling, of so many samples or more, is used while on."""

LITTLE, SOME, MUCH = 0.001, 0.01, 0.1
"""Shares of the energy above the mains: of no note, an info, a warning; more is an error."""

MAINS_BELOW, LITTLE_W = 0.3, 10.0
"""Mains and a channel are swapped if the mains is lower by this power in this share of samples."""


def check_levels(
    recording: Recording, channels: list[Channel], stuck: Flags, log: FindingLog
) -> None:
    """Check the levels. Stuck samples bool[T] are not compared with the mains."""
    _report_clipped("mains", recording.mains_w, None, log)
    for channel in channels:
        _report_clipped(
            channel.name,
            channel.power_w,
            channel.appliance.max_power_w if channel.appliance else None,
            log,
        )
        if channel.appliance and not channel.on.any():
            figure = (
                f"never on: above {format_watts(channel.on_power_w)} for "
                f"{format_seconds(channel.appliance.min_on_s)}; its highest reading is "
                f"{format_watts(channel.highest_w)}"
            )
            advice = "a network learns nothing from it: take another house, or lower `on_power_w`"
            log.add("warning", "never_on", channel.name, figure, advice, channel.highest_w, "W")
        elif channel.appliance:
            _report_below_on_power(channel, channel.appliance.min_on_s, log)
    if not channels:
        return
    highest_near = _find_highest_near(recording.mains_w, REACH)
    highest_near[stuck] = np.nan
    for channel in channels:
        used = channel.power_w > channel.idle_w
        if _is_swapped_with_mains(recording, channel):
            share = _measure_share(channel.power_w > recording.mains_w + MARGIN_W, used)
            figure = f"above the mains in {share:.0%} of the time that it is on"
            advice = "the two are swapped: name the columns the other way round"
            log.add("error", "swapped", channel.name, figure, advice)
        else:
            _report_above_mains(recording, channel.name, channel.power_w, used, highest_near, log)
    if len(channels) > 1:
        total = np.zeros_like(recording.mains_w)
        for channel in channels:
            total += np.nan_to_num(channel.power_w)
        _report_above_mains(
            recording,
            None,
            total,
            total > sum(channel.idle_w for channel in channels),
            highest_near,
            log,
        )


def _report_below_on_power(channel: Channel, min_on_s: float, log: FindingLog) -> None:
    """Report an appliance that uses most of its energy at a power that counts as off.

    Where its shortest activation is shorter than a period, readings are averages of on and off, and
    that is a fact of the period.
    """
    above = channel.power_w > channel.idle_w
    used_on, used = (
        float(channel.power_w[samples].sum(dtype=np.float64))
        for samples in (channel.on & above, above)
    )
    if np.count_nonzero(above) < FEWEST_ABOVE_IDLING or used_on >= LEAST_ON * used:
        return
    share = 1 - used_on / used
    severity: Severity = "warning" if min_on_s >= channel.period_s else "info"
    log.add(
        severity,
        "below_on_power",
        channel.name,
        f"{share:.0%} of its energy is used while it counts as off: below"
        f" {format_watts(channel.on_power_w)}, or for too short a time",
        "its activations and on/off metrics miss that: lower `on_power_w`, or take a finer period",
        100 * share,
        "%",
    )


def _report_clipped(name: str, power_w: Watts, limit_w: float | None, log: FindingLog) -> None:
    """Report a highest reading that comes far more often than those just below it."""
    high = power_w[power_w >= NEAR_TOP * np.nanmax(power_w)]
    values, counts = np.unique(high, return_counts=True)
    if len(values) <= NEIGHBOURS or values[-1] <= 0:
        return
    if counts[-1] >= max(
        FEWEST_AT_TOP, TIMES_BELOW * float(np.median(counts[-1 - NEIGHBOURS : -1]))
    ):
        top_w, times = float(values[-1]), int(counts[-1])
        by_table = limit_w is not None and top_w == limit_w
        advice = (
            "the limit of the table of appliances; nothing to do"
            if by_table
            else "energy above it is lost; find out whether the meter or the export limits it"
        )
        log.add(
            "info" if by_table else "warning",
            "clipped",
            name,
            f"clipped at {format_watts(top_w)}, {format_count(times, 'reading')}",
            advice,
            top_w,
            "W",
        )


def _report_above_mains(
    recording: Recording,
    name: str | None,
    power_w: Watts,
    used: Flags,
    highest_near: Watts,
    log: FindingLog,
) -> None:
    """Report a channel, or the sum of all, above the mains by more than clocks can explain."""
    above = power_w > highest_near + np.maximum(MARGIN_W, MARGIN * power_w)
    if not above.any():
        return
    excess_w = np.where(above, power_w - highest_near, 0)
    worst, excess = int(np.argmax(excess_w)), float(excess_w.sum(dtype=np.float64))
    share = excess / float(np.nansum(power_w, dtype=np.float64))
    if share < LITTLE:
        return
    severity: Severity = "info" if share < SOME else "warning" if share < MUCH else "error"
    subject = "above the mains" if name else "the channels together are above the mains"
    figure = (
        f"{subject} by {share:.2%} of the energy, in {_measure_share(above, used):.2%} of the time"
        f" on, most by {excess_w[worst]:,.0f} W at {format_time(recording, worst)}"
    )
    advice = (
        "very little; nothing to do"
        if severity == "info"
        else "the mains misses this circuit, or a clock is off: see lag and match"
    )
    log.add(
        severity,
        "above_mains" if name else "sum_above_mains",
        name,
        figure,
        advice,
        100 * share,
        "%",
    )


def _is_swapped_with_mains(recording: Recording, channel: Channel) -> bool:
    both = ~(np.isnan(channel.power_w) | np.isnan(recording.mains_w))
    higher = channel.power_w[both] > recording.mains_w[both] + LITTLE_W
    return bool(
        both.any()
        and higher.mean() >= MAINS_BELOW
        and channel.power_w[both].mean() > recording.mains_w[both].mean()
    )


def _measure_share(part: Flags, whole: Flags) -> float:
    return float((part & whole).sum()) / max(int(whole.sum()), 1)


def _find_highest_near(power_w: Watts, reach: int) -> Watts:
    """Return the highest reading within `reach` samples on either side, f32[T]."""
    highest = power_w.copy()
    for i in range(1, reach + 1):
        highest[i:] = np.fmax(highest[i:], power_w[:-i])
        highest[:-i] = np.fmax(highest[:-i], power_w[i:])
    return highest
