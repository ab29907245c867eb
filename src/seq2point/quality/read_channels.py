"""Channels of a file that may have errors: what other readers refuse becomes a finding."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seq2point.appliances import canonical_name
from seq2point.configuration import ColumnsConfig
from seq2point.data.checked_rows import read_checked
from seq2point.data.claimed_period import differs_from_claim, parse_claimed_period_s
from seq2point.data.grid import REGULAR, find_median_step_s, is_regular
from seq2point.data.interpretation.appliance_series import ISSUES
from seq2point.data.interpretation.interpret import interpret
from seq2point.data.interpretation.sample import parse_numbers
from seq2point.data.interpretation.units import KW
from seq2point.data.table import Table, to_recording
from seq2point.data.table_file import TableFile, open_table_file
from seq2point.errors import DataError
from seq2point.quality.quality_report import FindingLog
from seq2point.recording import Recording
from seq2point.recording.plausibility import looks_like_kilowatts
from seq2point.wording import format_seconds, format_watts

MOST_CHANNELS = 250  # each is compared with every other


@dataclass(frozen=True)
class ReadChannels:
    """A file's recording on the regular grid of its times' period, and facts of its metadata.

    `interpretation` is what was understood of the file, as JSON.
    """

    recording: Recording
    dataset: str | None
    rows: int
    claimed_period_s: float | None
    interpretation: Mapping[str, Any]


def read_channels(
    path: Path, columns: ColumnsConfig, period_s: float | None, log: FindingLog
) -> ReadChannels:
    """Return the mains and every other column of numbers in a file.

    Findings on values, unit, times and period are added to the log.
    Raises DataError for a file that is no table, has no column for the mains or no readable times.
    """
    file = open_table_file(path, columns)
    metadata = file.metadata
    log.house = metadata.get("house", path.stem)
    interpretation = interpret(file, (), columns, every=True)
    if len(interpretation.series) > MOST_CHANNELS:
        raise DataError(
            f"{path}: {len(interpretation.series) - 1:,} columns beside the mains, and at most"
            f" {MOST_CHANNELS} can be checked; leave some out"
        )
    rows, watts, _, checks = read_checked(file, interpretation, repair=True)
    watts = dict(watts)
    log.add(
        "info", "reading", None, interpretation.describe(), "name another column if it is wrong"
    )
    for note in checks.repairs:
        log.add(
            "error", "values", None, note, "other verbs refuse it; mend it, or set `repair` there"
        )
    for note in checks.forgiven:
        log.add("warning", "unusable", None, note, "every verb makes them gaps; look at the meter")
    if ISSUES in map(canonical_name, file.names):
        _report_issues(file, log)
    highest_w = float(np.fmax.reduce(watts["mains"], initial=0))
    if looks_like_kilowatts(highest_w, len(rows)):
        figure = f"the mains never exceed {format_watts(highest_w)}"
        advice = "they are kilowatts, and were checked as such: set `unit` to kW"
        log.add("error", "unit", "mains", figure, advice, highest_w, "W")
        watts = {name: power_w * np.float32(KW.factor) for name, power_w in watts.items()}
    claimed_s = parse_claimed_period_s(path, metadata.get("period_s"))
    shown_s = find_median_step_s(rows.times_s) if rows.times_s is not None else None
    table = Table(
        path,
        None,
        rows.times_s,
        watts,
        log.house,
        interpretation,
        shown_s or claimed_s,
    )
    recording = to_recording(table, shown_s or period_s or claimed_s)
    _report_times(table, claimed_s, shown_s, metadata.get("nominal_time") == "true", log)
    return ReadChannels(
        recording, metadata.get("dataset"), len(rows), claimed_s, interpretation.as_json()
    )


def _report_issues(file: TableFile, log: FindingLog) -> None:
    """Report the rows that the data set itself calls unusable, in its column of flags."""
    (column,) = (name for name in file.names if canonical_name(name) == ISSUES)
    flags = [parse_numbers(piece.frame[column])[0] > 0 for piece in file.read_pieces([column])]
    share = float(np.mean(np.concatenate(flags)))
    if share:
        figure = f"{share:.2%} of the rows are marked as issues"
        advice = "their channels exceed the mains; make them gaps"
        log.add("info", "issues", None, figure, advice, 100 * share, "%")


def _report_times(
    table: Table, claimed_s: float | None, shown_s: float | None, nominal: bool, log: FindingLog
) -> None:
    if table.times_s is None or not shown_s:
        advice = "gaps and clocks cannot be checked; export the times too"
        log.add("warning", "times", None, "no times", advice)
        return
    if claimed_s and differs_from_claim(claimed_s, shown_s):
        figure = (
            f"claims a reading every {format_seconds(claimed_s)}, its times show one every"
            f" {format_seconds(shown_s)}"
        )
        advice = "correct period_s in its metadata; until then other verbs refuse it"
        log.add("error", "period", None, figure, advice, shown_s, "s")
    else:
        claim = "as it claims" if claimed_s else "no claim in the file"
        figure = f"a reading every {format_seconds(shown_s)}, {claim}"
        log.add("info", "period", None, figure, "nothing to do", shown_s, "s")
    if nominal:
        figure = "its times are nominal: the original file had none"
        advice = "order and spacing are real; days of the week and missing rows are not"
        log.add("info", "times", None, figure, advice)
    if not is_regular(table.times_s, shown_s):
        irregular = np.abs(np.diff(table.times_s) - shown_s) > REGULAR * shown_s
        share = float(np.mean(irregular))
        figure = f"{share:.1%} of the steps are not {format_seconds(shown_s)}"
        advice = "it is resampled by the mean when read; choose the period that you want"
        log.add("info", "times", None, figure, advice, 100 * share, "%")
