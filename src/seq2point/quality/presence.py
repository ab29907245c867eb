"""What is not there: gaps, channels that stand still, and appliances that fell silent."""

import numpy as np

from seq2point.data.grid import FILL_S
from seq2point.quality.channels import Channel, format_time
from seq2point.quality.quality_report import FindingLog, Severity
from seq2point.recording import Recording
from seq2point.recording.on_off import Flags, count_samples, find_runs, find_stuck
from seq2point.wording import format_count, format_watts

MUCH_MISSING = 0.05
FROZEN_MAINS_S, FROZEN_CHANNEL_S, FEWEST_FROZEN = 3600.0, 3 * 3600.0, 12
STANDBY_W = 30.0
SILENT_DAYS, SILENT_TIMES = 21.0, 20.0
MUCH_FROZEN = 0.1
LONG_ENOUGH_DAYS = 14.0


def check_presence(recording: Recording, channels: list[Channel], notes: FindingLog) -> Flags:
    """Findings on gaps, constant, frozen and silent channels; returns where the mains or a channel
    is frozen, bool[T].
    """
    _report_gaps(recording, channels, notes)
    frozen = _report_stuck(recording, "mains", recording.mains_w, FROZEN_MAINS_S, 0.0, notes)
    for channel in channels:
        lowest, highest = float(np.nanmin(channel.power_w)), channel.highest_w
        if lowest == highest:
            what = (
                "dead: it reads 0 W throughout"
                if highest == 0
                else f"constant: it reads {format_watts(highest)} throughout"
            )
            severity: Severity = "error" if channel.known_days >= LONG_ENOUGH_DAYS else "warning"
            notes.add(
                severity,
                "dead",
                channel.name,
                what,
                "leave the channel out; look at its plug",
                highest,
                "W",
            )
            continue
        frozen |= _report_stuck(
            recording,
            channel.name,
            channel.power_w,
            FROZEN_CHANNEL_S,
            max(STANDBY_W, channel.idle_w),
            notes,
        )
        _report_silent(recording, channel, notes)
    return frozen


def _report_gaps(recording: Recording, channels: list[Channel], notes: FindingLog) -> None:
    period_s, mains_known = recording.period_s, ~np.isnan(recording.mains_w)
    _report_missing("mains", ~mains_known, recording, notes)
    for channel in channels:
        missing = np.isnan(channel.power_w) & mains_known
        if missing.any():
            _report_missing(channel.name, missing, recording, notes)
    pieces = recording.pieces()
    for (_, end), jump in zip(pieces, recording.jumps, strict=False):
        hours = (recording.time_s(jump.sample) - recording.time_s(end - 1) - period_s) / 3600
        figure = f"time jumps by {_format_duration(hours)} at {format_time(recording, end - 1)}"
        notes.add("info", "gaps", None, figure, "no window spans it; nothing to do", hours, "h")


def _report_missing(name: str, missing: Flags, recording: Recording, notes: FindingLog) -> None:
    firsts, lengths = find_runs(missing)
    long = lengths * recording.period_s > FILL_S
    if not long.any():
        return
    share, longest = float(missing.mean()), int(np.argmax(lengths))
    hours = float(lengths[longest]) * recording.period_s / 3600
    figure = (
        f"{share:.1%} missing in {format_count(int(long.sum()), 'gap')}, the longest "
        f"{_format_duration(hours)} from {format_time(recording, firsts[longest])}"
    )
    advice = (
        "no window spans a gap; nothing to do"
        if share < MUCH_MISSING
        else "see that enough of it is left to train and to test on"
    )
    notes.add(
        "info" if share < MUCH_MISSING else "warning",
        "gaps",
        name,
        figure,
        advice,
        100 * share,
        "%",
    )


def _report_stuck(
    recording: Recording,
    name: str,
    power_w: np.ndarray,
    at_least_s: float,
    above_w: float,
    notes: FindingLog,
) -> Flags:
    """Where a channel repeats one reading for so long that it cannot be power."""
    frozen = np.zeros(len(power_w), dtype=bool)
    total, longest = 0, (0, 0)
    for first, end in recording.pieces():
        starts, lengths = find_stuck(
            power_w[first:end], max(count_samples(at_least_s, recording.period_s), FEWEST_FROZEN)
        )
        for start, length in zip(starts + first, lengths, strict=True):
            if above_w and power_w[start] <= above_w:
                continue
            frozen[start : start + length] = True
            total += int(length)
            longest = max(longest, (int(length), int(start)))
    if total:
        hours, longest_h = total * recording.period_s / 3600, longest[0] * recording.period_s / 3600
        figure = (
            f"one reading repeated for {_format_duration(hours)} in all, the longest"
            f" {_format_duration(longest_h)} at "
        )
        figure += f"{format_watts(power_w[longest[1]])} from {format_time(recording, longest[1])}"
        severity: Severity = "error" if total > MUCH_FROZEN * len(power_w) else "warning"
        advice = (
            "a lost connection filled forward: make it a gap, unless the meter reports changes"
            " alone"
        )
        notes.add(severity, "frozen", name, figure, advice, hours, "h")
    return frozen


def _report_silent(recording: Recording, channel: Channel, notes: FindingLog) -> None:
    """An appliance that is used every day or two, and then not for weeks: unplugged, moved, or
    dead.
    """
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
        notes.add(
            "warning",
            "silent",
            channel.name,
            figure,
            "unplugged or moved? leave that span out of training",
            apart_days[longest],
            "days",
        )


def _format_duration(hours: float) -> str:
    return (
        f"{hours / 24:.1f} days"
        if hours >= 48
        else f"{hours:.1f} h"
        if hours >= 1
        else f"{hours * 60:.0f} min"
    )
