"""The usage of each channel: energy, time on, activations."""

from typing import Any

import numpy as np

from seq2point.quality.channels import Channel
from seq2point.quality.quality_report import ChannelUsage
from seq2point.recording import Recording
from seq2point.recording.on_off import find_runs

OF_APPLIANCES = (
    "share_of_mains",
    "on_power_w",
    "on_hours_per_day",
    "on_kwh_per_day",
    "mean_on_w",
    "uses",
    "uses_per_day",
    "typical_on_w",
)
"""What is told of appliances, and not of the mains."""


def summarise_usage(recording: Recording, channels: list[Channel]) -> tuple[ChannelUsage, ...]:
    """Return the usage of the mains and of each channel.

    The share of the mains is that of the samples where both are known.
    """
    mains = Channel("mains", recording.mains_w, recording.period_s)
    return (
        _summarise_channel(mains, mains),
        *(_summarise_channel(channel, mains) for channel in channels),
    )


def _summarise_channel(channel: Channel, mains: Channel) -> ChannelUsage:
    power_w, days, hours_each = channel.power_w, channel.known_days, channel.period_s / 3600
    kwh = float(np.nansum(power_w, dtype=np.float64)) * hours_each / 1000
    row: dict[str, Any] = dict.fromkeys(OF_APPLIANCES)
    if channel is not mains:
        both = ~(np.isnan(power_w) | np.isnan(mains.power_w))
        whole = float(mains.power_w[both].sum(dtype=np.float64))
        on = channel.on
        row["share_of_mains"] = (
            _round(float(power_w[both].sum(dtype=np.float64)) / whole) if whole else None
        )
        row["on_power_w"] = _round(channel.on_power_w)
        row["on_hours_per_day"] = _round(float(on.sum()) * hours_each / days)
        on_kwh = float(power_w[on].sum(dtype=np.float64)) * hours_each / 1000
        row["on_kwh_per_day"] = _round(on_kwh / days)
        row["mean_on_w"] = _round(float(power_w[on].mean(dtype=np.float64))) if on.any() else None
        activations = len(find_runs(on)[0])
        row["uses"] = activations
        row["uses_per_day"] = _round(activations / days)
        row["typical_on_w"] = _round(float(np.nanmedian(power_w[on]))) if on.any() else None
    return ChannelUsage(
        channel=channel.name,
        known_days=round(days, 2),
        kwh=round(kwh, 2),
        kwh_per_day=_round(kwh / days),
        highest_w=round(channel.highest_w, 1),
        **row,
    )


def _round(value: float) -> float:
    return float(f"{value:.4g}")
