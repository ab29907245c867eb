"""Missing readings: gaps, stuck channels, and appliances that fell silent."""

import numpy as np

from seq2point.data.grid import FILL_S
from seq2point.quality.channels import Channel, format_time
from seq2point.quality.quality_report import FindingLog, Severity
from seq2point.recording import Recording
from seq2point.recording.on_off import Flags, count_samples, find_runs, find_stuck
from seq2point.wording import format_count, format_watts

MUCH_MISSING = 0.05  # a greater share of missing samples is a warning

STUCK_MAINS_S, STUCK_CHANNEL_S, FEWEST_STUCK = 3600.0, 3 * 3600.0, 12
"""One value for so long, and for so many samples, is no power: mains change all the time."""

STANDBY_W = 30.0  # a channel may keep a lower value for any time: a standby

SILENT_DAYS, SILENT_TIMES = 21.0, 20.0
"""An appliance is silent after so many days, and so many times its usual pause: no holiday."""

MUCH_STUCK = 0.1  # a greater share of stuck samples is an error
LONG_ENOUGH_DAYS = 14.0  # a channel of one value for so long is dead: an error


def check_presence(recording: Recording, channels: list[Channel], log: FindingLog) -> Flags:
    """Check for gaps and for constant, stuck and silent channels.

    Returns where the mains or a channel is stuck, bool[T].
    """
    _report_gaps(recording, channels, log)
    stuck = _report_stuck(recording, "mains", recording.mains_w, STUCK_MAINS_S, 0.0, log)
    for channel in channels:
        lowest, highest = float(np.nanmin(channel.power_w)), channel.highest_w
        if lowest == highest:
            state = "dead" if highest == 0 else "constant"
            figure = f"{state}: it reads {format_watts(highest)} throughout"
            severity: Severity = "error" if channel.known_days >= LONG_ENOUGH_DAYS else "warning"
            advice = "leave the channel out; look at its plug"
            log.add(severity, "dead", channel.name, figure, advice, highest, "W")
            continue
        stuck |= _report_stuck(
            recording,
            channel.name,
            channel.power_w,
            STUCK_CHANNEL_S,
            max(STANDBY_W, channel.idle_w),
            log,
        )
        _report_silent(recording, channel, log)
    return stuck


def _report_gaps(recording: Recording, channels: list[Channel], log: FindingLog) -> None:
    period_s, mains_known = recording.period_s, ~np.isnan(recording.mains_w)
    _report_missing("mains", ~mains_known, recording, log)
    for channel in channels:
        missing = np.isnan(channel.power_w) & mains_known
        if missing.any():
            _report_missing(channel.name, missing, recording, log)
    pieces = recording.pieces()
    for (_, end), jump in zip(pieces, recording.jumps, strict=False):
        hours = (recording.time_s(jump.sample) - recording.time_s(end - 1) - period_s) / 3600
        figure = f"time jumps by {_format_duration(hours)} at {format_time(recording, end - 1)}"
        log.add("info", "gaps", None, figure, "no window spans it; nothing to do", hours, "h")


def _report_missing(name: str, missing: Flags, recording: Recording, log: FindingLog) -> None:
    firsts, lengths = find_runs(missing)
    long = lengths * recording.period_s > FILL_S
    if not long.any():
        return
    share, longest = float(missing.mean()), int(np.argmax(lengths))
    much = share >= MUCH_MISSING
    hours = float(lengths[longest]) * recording.period_s / 3600
    figure = (
        f"{share:.1%} missing in {format_count(int(long.sum()), 'gap')}, the longest "
        f"{_format_duration(hours)} from {format_time(recording, firsts[longest])}"
    )
    advice = (
        "make sure that enough is left to train and to test on"
        if much
        else "no window spans a gap; nothing to do"
    )
    log.add("warning" if much else "info", "gaps", name, figure, advice, 100 * share, "%")


def _report_stuck(
    recording: Recording,
    name: str,
    power_w: np.ndarray,
    at_least_s: float,
    above_w: float,
    log: FindingLog,
) -> Flags:
    """Report a channel that repeats one reading for so long that it cannot be power.

    Returns where it does, bool[T].
    """
    stuck = np.zeros(len(power_w), dtype=bool)
    total, longest = 0, (0, 0)
    for first, end in recording.pieces():
        starts, lengths = find_stuck(
            power_w[first:end], max(count_samples(at_least_s, recording.period_s), FEWEST_STUCK)
        )
        for start, length in zip(starts + first, lengths, strict=True):
            if above_w and power_w[start] <= above_w:
                continue
            stuck[start : start + length] = True
            total += int(length)
            longest = max(longest, (int(length), int(start)))
    if total:
        hours, longest_h = total * recording.period_s / 3600, longest[0] * recording.period_s / 3600
        figure = (
            f"stuck for {_format_duration(hours)} in all, the longest"
            f" {_format_duration(longest_h)} at {format_watts(power_w[longest[1]])} from"
            f" {format_time(recording, longest[1])}"
        )
        severity: Severity = "error" if total > MUCH_STUCK * len(power_w) else "warning"
        advice = (
            "a lost connection whose last reading was repeated: make it a gap, unless the meter"
            " reports changes alone"
        )
        log.add(severity, "frozen", name, figure, advice, hours, "h")
    return stuck


def _report_silent(recording: Recording, channel: Channel, log: FindingLog) -> None:
    """Report an appliance that is on every day or two, and then not for weeks."""
    onsets = np.flatnonzero(channel.on[1:] & ~channel.on[:-1]) + 1
    if len(onsets) < SILENT_TIMES:
        return
    known = np.concatenate(([0], np.cumsum(~np.isnan(channel.power_w))))
    edges = np.concatenate(([0], onsets, [len(channel.on)]))
    apart_days = np.diff(known[edges]) * recording.period_s / 86400
    longest = int(np.argmax(apart_days))
    usual_days = float(apart_days.sum() - apart_days[longest]) / (len(apart_days) - 1)
    if apart_days[longest] >= max(SILENT_DAYS, SILENT_TIMES * usual_days):
        since = format_time(recording, int(edges[longest]))
        figure = (
            f"not on for {apart_days[longest]:.0f} days from {since}, otherwise every"
            f" {usual_days:.1f} days"
        )
        advice = "unplugged or moved? leave that span out of training"
        log.add("warning", "silent", channel.name, figure, advice, apart_days[longest], "days")


def _format_duration(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.0f} min"
