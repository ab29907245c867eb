"""The data doctor: what is wrong with a recording, before hours of training on it.

Each check is a file: presence (gaps, frozen and silent channels), levels (clipped, above the mains, never on), clocks (lag and
drift by cross-correlation), kinds (swapped and copied channels), usage (energy and time on). Nothing in here needs torch.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seq2point.data.doctor import clocks, kinds, levels, presence, usage
from seq2point.data.doctor.channels import Channel
from seq2point.data.doctor.reading import Reading, read
from seq2point.data.doctor.report import Finding, Lag, Notes, Report, Severity, Use
from seq2point.data.table import USUAL, Columns
from seq2point.errors import DataError
from seq2point.recording import Recording

__all__ = ["Finding", "Lag", "Report", "Severity", "Use", "check", "examine", "same_houses"]


def check(path: str | Path, columns: Columns = USUAL, period_s: float | None = None) -> tuple[Report, Recording | None]:
    """Everything that the doctor finds in a CSV or Parquet file, and its recording to draw; a file of no use is a finding too.

    Every column of numbers beside the times and the mains is a channel. `period_s` is the sampling period of a file without
    times.
    Raises DataError for a file that is not there.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    notes = Notes(path.stem)
    try:
        reading = read(path, columns, period_s, notes)
    except DataError as error:
        notes.add("error", "unreadable", None, str(error).removeprefix(f"{path}: "), "mend or export the file anew")
        return Report(file=str(path), house=notes.house, findings=tuple(notes.findings)), None
    return _report(path, reading, notes), reading.recording


def _report(path: Path, reading: Reading, notes: Notes) -> Report:
    recording = reading.recording
    uses, lags = examine(recording, notes)
    return Report(
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


def examine(recording: Recording, notes: Notes) -> tuple[tuple[Use, ...], dict[str, tuple[Lag, ...]]]:
    """All checks of a recording: findings into the notes; what each channel used, and the lags of their clocks."""
    if np.isnan(recording.mains_w).all():
        notes.add("error", "dead", "mains", "the mains hold no reading at all, only gaps", "look at the meter")
        return (), {}
    channels = []
    for name, power_w in recording.appliances_w.items():
        if np.isnan(power_w).all():
            notes.add("error", "dead", name, "no reading at all, only gaps", "leave the channel out; look at its plug")
        else:
            channels.append(Channel(name, power_w, recording.period_s))
    frozen = presence.check(recording, channels, notes)
    living = [channel for channel in channels if np.nanmin(channel.power_w) < channel.highest_w]
    levels.check(recording, living, frozen, notes)
    kinds.check(recording, living, notes)
    lags = clocks.check(recording, living, frozen, notes)
    return usage.uses(recording, channels), lags


def same_houses(reports: Sequence[Report]) -> list[Report]:
    """The reports, with a finding more where several files are of one house, as their metadata says."""
    found = []
    for report in reports:
        others = [
            r.file
            for r in reports
            if r is not report and report.dataset and (r.dataset, r.house) == (report.dataset, report.house)
        ]
        if others:
            notes = Notes(report.house)
            figure = f"the same house as {', '.join(Path(other).name for other in others)}"
            notes.add("info", "same_house", None, figure, "never train on one and call the other an unseen house")
            report = report.model_copy(update={"findings": (*report.findings, *notes.findings)})
        found.append(report)
    return found
