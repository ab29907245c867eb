"""Channels of a file that may have errors: what other readers refuse becomes a finding."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from seq2point.appliances import canonical_name, name_columns
from seq2point.configuration import ColumnsConfig
from seq2point.data import parquet_file
from seq2point.data.checks import FEWEST_TO_JUDGE, Checks
from seq2point.data.columns import TIME_NAMES, UNIT_W, find_mains_column, find_time_column
from seq2point.data.grid import REGULAR, find_median_step_s, is_regular
from seq2point.data.table import CLAIM_TOLERANCE, Table, parse_claimed_period_s, to_recording
from seq2point.data.table_file import open_table_file
from seq2point.errors import DataError
from seq2point.limits import KILOWATTS_BELOW
from seq2point.quality.quality_report import FindingLog
from seq2point.recording import Recording
from seq2point.wording import format_seconds, format_watts

ISSUES = "issues"
MOST_CHANNELS = 250  # each is compared with every other


@dataclass(frozen=True)
class ReadChannels:
    """A file's recording, on the regular grid of its times' period, and facts of its metadata."""

    recording: Recording
    dataset: str | None
    rows: int
    claimed_period_s: float | None


def read_channels(
    path: Path, columns: ColumnsConfig, period_s: float | None, log: FindingLog
) -> ReadChannels:
    """Return the mains and every other column of numbers in a file.

    Findings on values, unit, times and period are added to the log.
    Raises DataError for a file that is no table, has no column for the mains or no readable times.
    """
    file = open_table_file(path)
    metadata = parquet_file.read_metadata(path) if file.first_line is None else {}
    log.house = metadata.get("house", path.stem)
    time_name = find_time_column(file, columns)
    names = {"mains": find_mains_column(file, columns, time_name)}
    others = [
        n
        for n in file.names
        if n not in (time_name, names["mains"]) and canonical_name(n) not in TIME_NAMES
    ]
    if len(others) > MOST_CHANNELS:
        raise DataError(
            f"{path}: {len(others):,} columns beside the mains, and at most {MOST_CHANNELS} can be"
            " checked; leave some out"
        )
    names |= name_columns(n for n in others if canonical_name(n) != ISSUES)
    rows = file.read(
        [*([time_name] if time_name else []), *dict.fromkeys([names["mains"], *others])]
    )
    checks = Checks(path, file.first_line, repair=True)
    times_s = None
    if time_name:
        times_s = checks.parse_times(rows[time_name])
        if (order := checks.find_order(times_s)) is not None:
            rows, times_s = rows[order], times_s[order]
    watts = {
        name: checks.parse_watts(rows[column], UNIT_W[columns.unit])
        for name, column in names.items()
        if _has_numbers(rows[column])
    }
    if "mains" not in watts:
        raise DataError(f"{path}: the mains hold no number at all")
    for note in checks.notes:
        log.add(
            "error", "values", None, note, "other verbs refuse it; mend it, or set `repair` there"
        )
    for column in others:
        if canonical_name(column) == ISSUES:
            _report_issues(checks.parse_numbers(rows[column]), log)
    highest_w = float(np.nanmax(watts["mains"])) if not np.isnan(watts["mains"]).all() else 0.0
    if 0 < highest_w < KILOWATTS_BELOW and len(watts["mains"]) > FEWEST_TO_JUDGE:
        figure = f"the mains never exceed {format_watts(highest_w)}"
        advice = "they are kilowatts, and were checked as such: set `unit` to kW"
        log.add("error", "unit", "mains", figure, advice, highest_w, "W")
        watts = {name: power_w * np.float32(UNIT_W["kW"]) for name, power_w in watts.items()}
    claimed_s = parse_claimed_period_s(path, metadata.get("period_s"))
    shown_s = find_median_step_s(times_s) if times_s is not None else None
    table = Table(path, None, times_s, watts, log.house, shown_s or claimed_s)
    recording = to_recording(table, shown_s or period_s or claimed_s)
    _report_times(table, claimed_s, shown_s, metadata.get("nominal_time") == "true", log)
    return ReadChannels(recording, metadata.get("dataset"), len(rows), claimed_s)


def _has_numbers(column: pl.Series) -> bool:
    if column.dtype == pl.String:
        return column.str.strip_chars().cast(pl.Float32, strict=False).is_not_null().any()
    return column.dtype.is_numeric()


def _report_issues(flags: np.ndarray, log: FindingLog) -> None:
    share = float(np.mean(flags > 0))
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
    if claimed_s and abs(shown_s / claimed_s - 1) > CLAIM_TOLERANCE:
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
