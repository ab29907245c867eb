"""A file as it is: what a reader would refuse becomes a finding, and the rest is read on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from seq2point.appliances import canonical_name, name_columns
from seq2point.configuration import ColumnsConfig
from seq2point.data import parquet_file
from seq2point.data.checks import Checks
from seq2point.data.grid import find_median_step_s, is_regular
from seq2point.data.table import (
    TIME_NAMES,
    WATTS,
    Table,
    find_mains_column,
    open_file,
    parse_claimed_period_s,
    to_recording,
)
from seq2point.errors import DataError
from seq2point.limits import KILOWATTS_BELOW
from seq2point.quality.quality_report import FindingLog
from seq2point.recording import Recording
from seq2point.wording import format_seconds, format_watts

ISSUES = "issues"
MOST_CHANNELS = 250  # each is compared with every other
PERIOD_TOLERANCE = 0.05


@dataclass(frozen=True)
class ReadChannels:
    """A file's recording, on the regular grid of the period that its times show, and what its
    metadata says.
    """

    recording: Recording
    dataset: str | None
    rows: int
    claimed_period_s: float | None


def read_channels(
    path: Path, columns: ColumnsConfig, period_s: float | None, notes: FindingLog
) -> ReadChannels:
    """The mains and every other column of numbers in a file, with findings on values, unit, times
    and period.

    Raises DataError for what no reader could use: no table, no column for the mains, times that
    cannot be read.
    """
    file = open_file(path)
    facts = parquet_file.read_metadata(path) if file.first_line is None else {}
    notes.house = facts.get("house", path.stem)
    time_name = file.require(columns.time) if columns.time else file.first_of(TIME_NAMES)
    names = {"mains": find_mains_column(file, columns, time_name)}
    others = [
        n
        for n in file.names
        if n not in (time_name, names["mains"]) and canonical_name(n) not in TIME_NAMES
    ]
    if len(others) > MOST_CHANNELS:
        raise DataError(
            f"{path}: {len(others):,} columns beside the mains; at most {MOST_CHANNELS} are"
            " compared, leave the rest out"
        )
    names |= name_columns(n for n in others if canonical_name(n) != ISSUES)
    rows = file.read(
        [*([time_name] if time_name else []), *dict.fromkeys([names["mains"], *others])]
    )
    checks = Checks(path, file.first_line, repair=True)
    times_s = None
    if time_name:
        times_s = checks.times_s(rows[time_name])
        if (order := checks.ascending(times_s)) is not None:
            rows, times_s = rows[order], times_s[order]
    watts = {
        name: checks.watts(rows[column], WATTS[columns.unit])
        for name, column in names.items()
        if _has_numbers(rows[column])
    }
    if "mains" not in watts:
        raise DataError(f"{path}: the mains hold no number at all")
    for note in checks.notes:
        notes.add(
            "error",
            "values",
            None,
            note,
            "it is refused as it is; mend it, or read it with --repair",
        )
    for column in others:
        if canonical_name(column) == ISSUES:
            _issues(checks.numbers(rows[column]), notes)
    highest_w = float(np.nanmax(watts["mains"])) if not np.isnan(watts["mains"]).all() else 0.0
    if 0 < highest_w < KILOWATTS_BELOW and len(watts["mains"]) > 100:
        figure = f"the mains never exceed {format_watts(highest_w)}"
        notes.add(
            "error",
            "unit",
            "mains",
            figure,
            "these are kilowatts: say --unit kW; checked as such here",
            highest_w,
            "W",
        )
        watts = {name: power_w * np.float32(1000) for name, power_w in watts.items()}
    claimed_s = parse_claimed_period_s(path, facts.get("period_s"))
    shown_s = find_median_step_s(times_s) if times_s is not None else None
    table = Table(path, None, times_s, watts, notes.house, shown_s or claimed_s)
    recording = to_recording(table, shown_s or period_s or claimed_s)
    _times(table, claimed_s, shown_s, facts.get("nominal_time") == "true", notes)
    return ReadChannels(recording, facts.get("dataset"), len(rows), claimed_s)


def _has_numbers(column: pl.Series) -> bool:
    if column.dtype == pl.String:
        return column.str.strip_chars().cast(pl.Float32, strict=False).is_not_null().any()
    return column.dtype.is_numeric()


def _issues(flags: np.ndarray, notes: FindingLog) -> None:
    flagged = float(np.mean(flags > 0))
    if flagged:
        figure = f"{flagged:.2%} of the rows are marked as issues"
        notes.add(
            "info",
            "issues",
            None,
            figure,
            "their parts exceed the mains; leave them out as gaps",
            100 * flagged,
            "%",
        )


def _times(
    table: Table, claimed_s: float | None, shown_s: float | None, nominal: bool, notes: FindingLog
) -> None:
    if table.times_s is None or not shown_s:
        notes.add(
            "warning",
            "times",
            None,
            "no times",
            "gaps and clocks cannot be judged; export the times too",
        )
        return
    if claimed_s and abs(shown_s / claimed_s - 1) > PERIOD_TOLERANCE:
        figure = (
            f"claims a reading every {format_seconds(claimed_s)}, its times show one every"
            f" {format_seconds(shown_s)}"
        )
        notes.add(
            "error",
            "period",
            None,
            figure,
            "put period_s in its metadata right; until then it is refused",
            shown_s,
            "s",
        )
    else:
        claim = "as it claims" if claimed_s else "no claim in the file"
        notes.add(
            "info",
            "period",
            None,
            f"a reading every {format_seconds(shown_s)}, {claim}",
            "nothing to do",
            shown_s,
            "s",
        )
    if nominal:
        figure = "its times are nominal: the carrier kept none"
        notes.add(
            "info",
            "times",
            None,
            figure,
            "order and spacing are real; days of the week and missing rows cannot be told",
        )
    if not is_regular(table.times_s, shown_s):
        steps = np.diff(table.times_s)
        away = float(np.mean(np.abs(steps - shown_s) > 0.05 * shown_s))
        figure = f"{away:.1%} of the steps are not {format_seconds(shown_s)}"
        notes.add(
            "info",
            "times",
            None,
            figure,
            "it is resampled by the mean when read; name the period you want",
            100 * away,
            "%",
        )
