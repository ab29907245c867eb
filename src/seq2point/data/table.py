"""Tables: the readings of one file in watts, and their recording on a regular grid."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.configuration.arguments import require_path, require_seconds
from seq2point.configuration.columns import FILL
from seq2point.data.checked_rows import read_checked
from seq2point.data.claimed_period import parse_claimed_period_s, require_claimed_period
from seq2point.data.grid import (
    COARSEST,
    Grid,
    Times,
    find_median_step_s,
    is_regular,
    place_on_grid,
)
from seq2point.data.interpretation.interpret import interpret
from seq2point.data.interpretation.interpretation import Interpretation
from seq2point.data.table_file import TableFile, open_table_file
from seq2point.errors import DataError
from seq2point.recording import Recording, Watts, is_same_period
from seq2point.wording import format_seconds

MUCH_SILENCE = 0.05  # a share of the time


@dataclass(frozen=True)
class Table:
    """The readings of one file, row by row: watts f32[N] by name, 'mains' first, and the times.

    `time` is the file's own column; `times_s` f64[N] is the same in seconds since 1970, UTC. Both
    are None without times. `separate` has the times and watts of sensors with rows of their own.
    `claimed_period_s` is from the file's metadata. `notes` says what was repaired.
    """

    path: Path
    time: pl.Series | None
    times_s: Times | None
    watts: Mapping[str, Watts]
    house: str
    interpretation: Interpretation
    claimed_period_s: float | None = None
    notes: tuple[str, ...] = ()
    fill: int = FILL
    separate: Mapping[str, tuple[Times, Watts]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.watts["mains"])

    @property
    def has_times(self) -> bool:
        """Whether the file has times."""
        return self.times_s is not None

    @property
    def hold_s(self) -> float | None:
        """How long a reading holds; None for a meter that reports at regular times."""
        return self.interpretation.hold_s

    @property
    def period_s(self) -> float | None:
        """The sampling period: that of the metadata, else that of the times, else None."""
        if self.claimed_period_s is None and self.times_s is not None:
            return find_median_step_s(self.times_s) or None
        return self.claimed_period_s

    def require_period(self, period_s: float, resample: bool = False) -> None:
        """Raise DataError where a model of this sampling period cannot read the table.

        Irregular times near the period are always resampled, and readings that hold until the next
        change at any period. Regular ones are resampled with `resample`: finer ones are averaged;
        ones up to half as long again are repeated, of which a warning tells.
        """
        own_s = self.period_s or period_s
        if is_same_period(own_s, period_s):
            return
        if self.hold_s is not None:
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
            advice = (
                "its readings are too far apart to resample: train a model for it; or, if the meter"
                " reports changes alone, set `hold_s` to how long a reading holds"
            )
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
        if self.hold_s is not None:
            return place_on_grid(self.times_s, period_s, hold_s=self.hold_s)
        if step_s > COARSEST * period_s:
            raise DataError(
                f"{self.path}: a reading every {format_seconds(step_s)} cannot be resampled"
                f" to one every {format_seconds(period_s)}; if the meter reports changes alone, set"
                " `hold_s` to how long a reading holds"
            )
        return place_on_grid(self.times_s, period_s)


def load_recording(
    path: str | Path,
    appliances: Sequence[str] | None = None,
    period_s: float | None = None,
    columns: ColumnsConfig = DEFAULT_COLUMNS,
) -> Recording:
    """Return a house's recording from one file: mains and appliances in watts.

    The file is a table as text (CSV of any dialect, compressed or not), Parquet, or a Green Button
    document. `appliances` None means all known ones that the file has. Irregular times are placed
    on a regular grid by the mean. `period_s` is the sampling period of a file without times, and
    resamples one that has them.
    Raises DataError as `read_table` does, and for a file with neither times nor `period_s`.
    """
    return to_recording(read_table(path, appliances, columns), period_s)


def read_table(
    path: str | Path,
    appliances: Sequence[str] | None = (),
    columns: ColumnsConfig = DEFAULT_COLUMNS,
) -> Table:
    """Return the mains and some appliances of a file; None means all known ones.

    Raises DataError for a file that is missing, empty or no table, for columns, units or dates that
    stay open, for a value that is absurd or not a number, and for times that go back or repeat. The
    message says where.
    """
    file = open_table_file(require_path(path), columns)
    return build_table(file, interpret(file, appliances, columns), columns)


def build_table(file: TableFile, interpretation: Interpretation, columns: ColumnsConfig) -> Table:
    """Return the table of a file as it is interpreted.

    Raises DataError as `read_checked` does, for mains that are all gaps or in kilowatts, and for
    metadata that contradicts the times.
    """
    rows, watts, separate, checks = read_checked(file, interpretation, repair=columns.repair)
    highest_w = np.fmax.reduce(watts["mains"], initial=np.nan)
    checks.require_mains(float(highest_w), len(rows), interpretation.series["mains"].expression)
    claimed_s = parse_claimed_period_s(file.path, file.metadata.get("period_s"))
    shown_s = find_median_step_s(rows.times_s) if rows.times_s is not None else None
    require_claimed_period(file.path, claimed_s, shown_s)
    silence = () if columns.hold_s else _note_silence(rows.times_s, interpretation.hold_s)
    return Table(
        file.path,
        rows.time,
        rows.times_s,
        watts,
        file.metadata.get("house", file.path.stem),
        interpretation,
        claimed_s,
        (*checks.notes, *silence),
        columns.fill,
        separate,
    )


def _note_silence(times_s: Times | None, hold_s: float | None) -> tuple[str, ...]:
    """Return a note where a meter that reports changes alone is silent for much of the time."""
    if times_s is None or hold_s is None or len(times_s) < 2:
        return ()
    silent_s = float(np.maximum(np.diff(times_s) - hold_s, 0).sum())
    if silent_s <= MUCH_SILENCE * (times_s[-1] - times_s[0]):
        return ()
    return (
        f"{format_seconds(silent_s)} are gaps, as the meter is silent for longer than"
        f" {format_seconds(hold_s)}; if it reports changes alone, set `hold_s` to keep its"
        " readings for longer",
    )


def to_recording(table: Table, period_s: float | None = None) -> Recording:
    """Return the recording of a table, on the regular grid of its own period or of `period_s`.

    Raises DataError for a table without times where the period is unknown.
    """
    require_seconds(period_s, "period_s")
    period_s = period_s or table.period_s
    if period_s is None:
        problem = "has one reading alone" if table.has_times else "has no times"
        raise DataError(f"{table.path}: {problem}; give its sampling period with `period_s`")
    return grid_recording(table, table.grid(period_s), period_s)


def grid_recording(table: Table, grid: Grid | None, period_s: float) -> Recording:
    """Return the recording of a table's readings on a grid; without a grid, row by row."""
    watts = dict(table.watts)
    interpretation = table.interpretation.as_json()
    if grid is None:
        return Recording(
            table.house,
            period_s,
            watts.pop("mains"),
            watts,
            fill=table.fill,
            interpretation=interpretation,
        )
    if table.hold_s is None or table.times_s is None:
        watts = {name: grid.mean(power_w) for name, power_w in watts.items()}
    else:
        watts = {
            name: grid.mean_held(table.times_s, power_w, table.hold_s)
            for name, power_w in watts.items()
        }
    for name, own in table.separate.items():
        hold_s = table.interpretation.series[name].hold_s
        watts[name] = grid.mean_of(*own) if hold_s is None else grid.mean_held(*own, hold_s)
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
        interpretation=interpretation,
    )
