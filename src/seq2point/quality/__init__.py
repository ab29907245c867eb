"""The data doctor: what is wrong with a recording, before hours of training on it.

Each check is a file: presence (gaps, frozen and silent channels), levels (clipped, above the mains,
never on), clocks (lag and drift by cross-correlation), kinds (swapped and copied channels), usage
(energy and time on). Nothing in here needs torch.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seq2point.configuration import ColumnsConfig
from seq2point.data.table import USUAL
from seq2point.errors import DataError
from seq2point.quality import activations, clocks, levels, mislabelling, presence
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
    path: str | Path, columns: ColumnsConfig = USUAL, period_s: float | None = None
) -> tuple[QualityReport, Recording | None]:
    """Everything that the doctor finds in a CSV or Parquet file, and its recording to draw; a file
    of no use is a finding too.

    Every column of numbers beside the times and the mains is a channel. `period_s` is the sampling
    period of a file without times.
    Raises DataError for a file that is not there.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    notes = FindingLog(path.stem)
    try:
        reading = read_channels(path, columns, period_s, notes)
    except DataError as error:
        notes.add(
            "error",
            "unreadable",
            None,
            str(error).removeprefix(f"{path}: "),
            "mend or export the file anew",
        )
        return (
            QualityReport(file=str(path), house=notes.house, findings=tuple(notes.findings)),
            None,
        )
    return _make_report(path, reading, notes), reading.recording


def _make_report(path: Path, reading: ReadChannels, notes: FindingLog) -> QualityReport:
    recording = reading.recording
    uses, lags = check_recording(recording, notes)
    return QualityReport(
        file=str(path),
        house=notes.house,
        dataset=reading.dataset,
        rows=reading.rows,
        days=round(recording.days, 2),
        period_s=recording.period_s,
        claimed_period_s=reading.claimed_period_s,
        findings=tuple(notes.findings),
        uses=uses,
        lags=lags,
    )


def check_recording(
    recording: Recording, notes: FindingLog
) -> tuple[tuple[ChannelUsage, ...], dict[str, tuple[Lag, ...]]]:
    """All checks of a recording: findings into the notes; what each channel used, and the lags of
    their clocks.
    """
    if np.isnan(recording.mains_w).all():
        notes.add(
            "error",
            "dead",
            "mains",
            "the mains hold no reading at all, only gaps",
            "look at the meter",
        )
        return (), {}
    channels = []
    for name, power_w in recording.appliances_w.items():
        if np.isnan(power_w).all():
            notes.add(
                "error",
                "dead",
                name,
                "no reading at all, only gaps",
                "leave the channel out; look at its plug",
            )
        else:
            channels.append(Channel(name, power_w, recording.period_s))
    frozen = presence.check_presence(recording, channels, notes)
    living = [channel for channel in channels if np.nanmin(channel.power_w) < channel.highest_w]
    levels.check_levels(recording, living, frozen, notes)
    mislabelling.check_labels(recording, living, notes)
    lags = clocks.check_clocks(recording, living, frozen, notes)
    return activations.summarise_usage(recording, channels), lags


def add_same_house_findings(reports: Sequence[QualityReport]) -> list[QualityReport]:
    """The reports, with a finding more where several files are of one house, as their metadata
    says.
    """
    found = []
    for report in reports:
        others = [
            r.file
            for r in reports
            if r is not report
            and report.dataset
            and (r.dataset, r.house) == (report.dataset, report.house)
        ]
        if others:
            notes = FindingLog(report.house)
            figure = f"the same house as {', '.join(Path(other).name for other in others)}"
            notes.add(
                "info",
                "same_house",
                None,
                figure,
                "never train on one and call the other an unseen house",
            )
            report = report.model_copy(update={"findings": (*report.findings, *notes.findings)})
        found.append(report)
    return found
