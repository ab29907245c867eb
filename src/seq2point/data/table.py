"""Tables of power readings, CSV or Parquet: values checked, rows placed on a regular grid."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from seq2point.configuration import ColumnsConfig
from seq2point.configuration.columns import FILL
from seq2point.data import parquet_file
from seq2point.data.checks import Checks
from seq2point.data.columns import DEFAULT_COLUMNS, UNIT_W, TableColumns, find_columns
from seq2point.data.grid import Grid, Times, find_median_step_s, is_regular, place_on_grid
from seq2point.data.table_file import TableFile, is_number, open_table_file
from seq2point.errors import DataError
from seq2point.recording import Recording, Watts, is_same_period
from seq2point.wording import format_seconds

COARSEST = 1.5
"""Readings this many periods apart can still be resampled, by repeating every second one."""

CLAIM_TOLERANCE = 0.05
"""The share by which the period in a file's metadata may differ from that of its times."""


@dataclass(frozen=True)
class Table:
    """The readings of one file, row by row: watts f32[N] by name, 'mains' first, and the times.

    `time` is the file's own column; `times_s` f64[N] is the same in seconds since 1970, UTC. Both
    are None without times. `claimed_period_s` is from the file's metadata. `notes` says what was
    repaired.
    """

    path: Path
    time: pl.Series | None
    times_s: Times | None
    watts: Mapping[str, Watts]
    house: str
    claimed_period_s: float | None = None
    notes: tuple[str, ...] = ()
    fill: int = FILL

    def __len__(self) -> int:
        return len(self.watts["mains"])

    @property
    def has_times(self) -> bool:
        """Whether the file has times."""
        return self.times_s is not None

    @property
    def period_s(self) -> float | None:
        """The sampling period: that of the metadata, else that of the times, else None."""
        if self.claimed_period_s is None and self.times_s is not None:
            return find_median_step_s(self.times_s) or None
        return self.claimed_period_s

    def require_period(self, period_s: float, resample: bool = False) -> None:
        """Raise DataError where a model of this sampling period cannot read the table.

        Irregular times near the period are always resampled. Regular ones are resampled with
        `resample`: finer ones are averaged; ones up to half as long again are repeated, of which a
        warning tells.
        """
        own_s = self.period_s or period_s
        if is_same_period(own_s, period_s):
            return
        advice = "train a model for it"
        if self.times_s is not None and own_s <= COARSEST * period_s:
            if own_s >= period_s / COARSEST and not is_regular(self.times_s, own_s):
                return
            coarser = own_s > period_s
            if resample and coarser:
                warnings.warn(
                    f"{self.path}: readings every {format_seconds(own_s)} are repeated to "
                    f"give one every {format_seconds(period_s)}",
                    stacklevel=2,
                )
            if resample:
                return
            advice = f"set `resample` to {'repeat' if coarser else 'average'} readings"
        elif self.times_s is not None:
            advice = "its readings are too far apart to resample: train a model for it"
        raise DataError(
            f"{self.path}: a reading every {format_seconds(own_s)}, the model needs one every "
            f"{format_seconds(period_s)}; {advice}"
        )

    def grid(self, period_s: float) -> Grid | None:
        """Return the regular grid of a period under the rows; None for a file without times.

        Raises DataError where the readings are too far apart for the period.
        """
        if self.times_s is None:
            return None
        step_s = find_median_step_s(self.times_s)
        if step_s > COARSEST * period_s:
            raise DataError(
                f"{self.path}: a reading every {format_seconds(step_s)} cannot be resampled"
                f" to one every {format_seconds(period_s)}"
            )
        return place_on_grid(self.times_s, period_s)


def load_recording(
    path: str | Path,
    appliances: Sequence[str] | None = None,
    period_s: float | None = None,
    columns: ColumnsConfig = DEFAULT_COLUMNS,
) -> Recording:
    """Return a house's recording from one CSV or Parquet file: mains and appliances in watts.

    `appliances` None means all known ones that the file has. Irregular times are placed on a
    regular grid by the mean. `period_s` is the sampling period of a file without times, and
    resamples one that has them.
    Raises DataError as `read_table` does, and for a file with neither times nor `period_s`.
    """
    return to_recording(read_table(path, appliances, columns), period_s)


def read_table(
    path: str | Path,
    appliances: Sequence[str] | None = (),
    columns: ColumnsConfig = DEFAULT_COLUMNS,
) -> Table:
    """Return the mains and some appliances of a CSV or Parquet file; None means all known ones.

    Raises DataError for a file that is missing, empty or no table, for a missing column, for a
    value that is negative, absurd or not a number, and for times that go back or repeat. The
    message says where.
    """
    file = open_table_file(Path(path))
    chosen = find_columns(file, appliances, columns)
    metadata = parquet_file.read_metadata(file.path) if file.first_line is None else {}
    return check_table(file, file.read(chosen.names), chosen, columns, metadata)


def check_table(
    file: TableFile,
    rows: pl.DataFrame,
    chosen: TableColumns,
    columns: ColumnsConfig,
    metadata: Mapping[str, str],
) -> Table:
    """Return the table of some rows, with every time and value checked.

    `metadata` is the file's own, as text.
    Raises DataError for a time or a value that does not pass, and for metadata that contradicts the
    times.
    """
    checks = Checks(file.path, file.first_line, columns.repair)
    time = times_s = None
    if chosen.time:
        times_s = checks.parse_times(rows[chosen.time])
        if (order := checks.find_order(times_s)) is not None:
            rows, times_s = rows[order], times_s[order]
        time = rows[chosen.time]
    watts = {
        name: checks.parse_watts(rows[column], UNIT_W[columns.unit])
        for name, column in chosen.watts.items()
    }
    checks.require_mains_in_watts(watts["mains"])
    claimed_s = parse_claimed_period_s(file.path, metadata.get("period_s"))
    shown_s = find_median_step_s(times_s) if times_s is not None else None
    require_claimed_period(file.path, claimed_s, shown_s)
    house = metadata.get("house", file.path.stem)
    return Table(
        file.path, time, times_s, watts, house, claimed_s, tuple(checks.notes), columns.fill
    )


def require_claimed_period(path: Path, claimed_s: float | None, shown_s: float | None) -> None:
    """Raise DataError where a file's times show another period than its metadata claims."""
    if claimed_s and shown_s and abs(shown_s / claimed_s - 1) > CLAIM_TOLERANCE:
        raise DataError(
            f"{path}: its metadata claims a reading every {format_seconds(claimed_s)}, its times"
            f" show one every {format_seconds(shown_s)}"
        )


def parse_claimed_period_s(path: Path, claim: str | None) -> float | None:
    """Return the sampling period that a file's metadata claims; None for no claim.

    Raises DataError for a claim that is no positive number.
    """
    if claim is None:
        return None
    if not (is_number(claim) and 0 < float(claim) < np.inf):
        raise DataError(
            f"{path}: its metadata has an invalid period_s '{claim}': expected for example 6"
        )
    return float(claim)


def to_recording(table: Table, period_s: float | None = None) -> Recording:
    """Return the recording of a table, on the regular grid of its own period or of `period_s`.

    Raises DataError for a table without times where the period is unknown.
    """
    period_s = period_s or table.period_s
    if period_s is None:
        raise DataError(f"{table.path}: has no times; give its sampling period with `period_s`")
    return grid_recording(table, table.grid(period_s), period_s)


def grid_recording(table: Table, grid: Grid | None, period_s: float) -> Recording:
    """Return the recording of a table's readings on a grid; without a grid, row by row."""
    watts = dict(table.watts)
    if grid is None:
        return Recording(table.house, period_s, watts.pop("mains"), watts, fill=table.fill)
    watts = {name: grid.mean(power_w) for name, power_w in watts.items()}
    own_s = table.period_s or period_s
    return Recording(
        table.house,
        period_s,
        watts.pop("mains"),
        watts,
        grid.start,
        grid.jumps,
        resampled_from_s=None if is_same_period(own_s, period_s) else own_s,
        fill=table.fill,
    )
