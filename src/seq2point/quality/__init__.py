"""Data quality: the errors of a recording, found before hours of training on it.

Each check is a module: presence (gaps, stuck and silent channels), levels (clipped, above the
mains, never on), clocks (lag and drift by cross-correlation), agreement (of the meters about a
load), mislabelling (swapped and copied channels), activations (energy and time on).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.errors import DataError
from seq2point.quality import activations, agreement, clocks, levels, mislabelling, presence
from seq2point.quality.channels import Channel
from seq2point.quality.quality_report import (
    ChannelUsage,
    Finding,
    FindingLog,
    Lag,
    QualityReport,
    Severity,
)
from seq2point.quality.read_channels import ReadChannels, read_channels
from seq2point.recording import Recording

__all__ = [
    "ChannelUsage",
    "Finding",
    "Lag",
    "QualityReport",
    "Severity",
    "add_same_house_findings",
    "check_file",
    "check_recording",
]


def check_file(
    path: str | Path, columns: ColumnsConfig = DEFAULT_COLUMNS, period_s: float | None = None
) -> tuple[QualityReport, Recording | None]:
    """Return the quality report of a CSV or Parquet file, and its recording.

    Every column of numbers beside the times and the mains is a channel. `period_s` is the sampling
    period of a file without times. An unusable file has a finding that says so and no recording.
    Raises DataError for a missing file.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path}: is a folder: name a file in it")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    log = FindingLog(path.stem)
    try:
        channels = read_channels(path, columns, period_s, log)
    except DataError as error:
        reason = str(error).removeprefix(f"{path}: ")
        log.add("error", "unreadable", None, reason, "do as it says, or export the file again")
        report = QualityReport(file=str(path), house=log.house, findings=tuple(log.findings))
        return report, None
    return _make_report(path, channels, log), channels.recording


def _make_report(path: Path, channels: ReadChannels, log: FindingLog) -> QualityReport:
    recording = channels.recording
    usage, lags = check_recording(recording, log)
    return QualityReport(
        file=str(path),
        house=log.house,
        dataset=channels.dataset,
        rows=channels.rows,
        days=round(recording.days, 2),
        period_s=recording.period_s,
        claimed_period_s=channels.claimed_period_s,
        interpretation=dict(channels.interpretation),
        findings=tuple(log.findings),
        uses=usage,
        lags=lags,
    )


def check_recording(
    recording: Recording, log: FindingLog
) -> tuple[tuple[ChannelUsage, ...], dict[str, tuple[Lag, ...]]]:
    """Check a recording, and return the usage of each channel and the lags of the clocks.

    Findings are added to the log.
    """
    if np.isnan(recording.mains_w).all():
        figure = "the mains hold no reading at all, only gaps"
        log.add("error", "dead", "mains", figure, "look at the meter")
        return (), {}
    channels = []
    for name, power_w in recording.appliances_w.items():
        if np.isnan(power_w).all():
            advice = "leave the channel out; look at its plug"
            log.add("error", "dead", name, "no reading at all, only gaps", advice)
        else:
            channels.append(Channel(name, power_w, recording.period_s))
    stuck = presence.check_presence(recording, channels, log)
    changing = [channel for channel in channels if np.nanmin(channel.power_w) < channel.highest_w]
    levels.check_levels(recording, changing, stuck, log)
    mislabelling.check_labels(recording, changing, log)
    lags = clocks.check_clocks(recording, changing, stuck, log)
    agreement.check_agreement(recording, changing, stuck, log)
    return activations.summarise_usage(recording, channels), lags


def add_same_house_findings(reports: Sequence[QualityReport]) -> list[QualityReport]:
    """Return the reports, with a finding for files whose metadata names the same house."""
    results = []
    for report in reports:
        others = [
            Path(other.file).name
            for other in reports
            if other is not report
            and report.dataset
            and (other.dataset, other.house) == (report.dataset, report.house)
        ]
        if others:
            log = FindingLog(report.house)
            figure = f"the same house as {', '.join(others)}"
            advice = "never train on one and call the other an unseen house"
            log.add("info", "same_house", None, figure, advice)
            report = report.model_copy(update={"findings": (*report.findings, *log.findings)})
        results.append(report)
    return results
