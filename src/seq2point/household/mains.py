"""The mains of a home from whatever holds them: a file, a data frame, a series, or a recording."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seq2point.configuration import DEFAULT_COLUMNS, ColumnsConfig
from seq2point.configuration.arguments import require_seconds
from seq2point.configuration.columns import FILL
from seq2point.data.frame import find_library, read_frame
from seq2point.data.grid import Times, can_give, find_median_step_s, place_on_grid
from seq2point.data.interpretation.interpret import interpret
from seq2point.data.long_table import LongTable, open_long_table
from seq2point.data.series import open_series
from seq2point.data.table import Table, build_table, read_table
from seq2point.data.table_file import TableFile
from seq2point.errors import DataError
from seq2point.limits import NOISE_W
from seq2point.recording import Recording, Watts
from seq2point.wording import format_count, format_seconds

Library = Literal["polars", "pandas"]

LONGEST_YEARS = 30.0
YEAR_S = 365.25 * 86400


@dataclass(frozen=True, eq=False)
class HomeMains:
    """The readings of a home's mains: watts f32[N], their times f64[N] in seconds since 1970, UTC.

    `period_s` is the usual time between them. `hold_s` is how long a reading holds where the meter
    reports changes alone, else None. `zone` is the zone of the home where the source says it.
    `is_dated` is False where the source has no times: the readings then begin at 1970-01-01.
    """

    house: str
    times_s: Times
    watts: Watts
    period_s: float
    hold_s: float | None = None
    fill: int = FILL
    zone: str | None = None
    interpretation: str = ""
    notes: tuple[str, ...] = ()
    is_dated: bool = True
    library: Library = "polars"

    def can_give(self, period_s: float) -> bool:
        """Return whether the readings are close enough for a sampling period."""
        return can_give(self.period_s, period_s, self.hold_s)

    def to_recording(self, period_s: float) -> Recording:
        """Return the mains at a sampling period: finer readings are averaged, others repeated.

        Raises DataError for readings that are too far apart.
        """
        if not self.can_give(period_s):
            raise DataError(
                f"{self.house}: a reading every {format_seconds(self.period_s)} cannot be resampled"
                f" to one every {format_seconds(period_s)}"
            )
        grid = place_on_grid(self.times_s, period_s, hold_s=self.hold_s)
        if self.hold_s is None:
            mains_w = grid.mean(self.watts)
        else:
            mains_w = grid.mean_held(self.times_s, self.watts, self.hold_s)
        return Recording(
            self.house, period_s, mains_w, start=grid.start, jumps=grid.jumps, fill=self.fill
        )


def open_mains(
    source: Any, columns: ColumnsConfig = DEFAULT_COLUMNS, period_s: float | None = None
) -> HomeMains:
    """Return the mains in a file, a data frame, a series or a recording.

    `period_s` is the sampling period of a source without times. Power below zero, which is more
    than the noise of a meter, is unknown: the home exported it, and what it used meanwhile nobody
    can tell without the production of its panels.
    Raises DataError for a source that cannot be read, or without times where `period_s` is None.
    """
    require_seconds(period_s, "period_s")
    if isinstance(source, str | Path):
        path = Path(source)
        mains = _open_table(
            open_long_table(path, columns) or read_table(path, (), columns), period_s
        )
    elif isinstance(source, Recording):
        mains = _open_recording(source)
    elif library := find_library(source):
        table = read_frame(source, (), columns, "frame")
        zone = _find_index_zone(getattr(source, "index", None))
        mains = replace(
            _open_table(table, period_s),
            library="pandas" if library == "pandas" else "polars",
            interpretation=table.interpretation.describe(),
        )
        mains = replace(mains, zone=mains.zone or zone)
    else:
        mains = _open_series(source, period_s, columns)
    return _check(mains if columns.zone is None else replace(mains, zone=columns.zone))


def open_table_mains(
    file: TableFile, columns: ColumnsConfig = DEFAULT_COLUMNS, period_s: float | None = None
) -> HomeMains:
    """Return the mains in a table that is open; see `open_mains`."""
    mains = _open_table(build_table(file, interpret(file, (), columns), columns), period_s)
    return _check(mains if columns.zone is None else replace(mains, zone=columns.zone))


def _open_table(table: Table | LongTable, period_s: float | None) -> HomeMains:
    times_s, watts = _read_rows(table)
    time = table.interpretation.time
    mains = _date(table.house, times_s, watts, table.period_s or period_s)
    return replace(
        mains,
        hold_s=table.interpretation.hold_s,
        fill=table.fill if isinstance(table, Table) else table.columns.fill,
        zone=time.zone if time else None,
        interpretation=f"{table.path.name}: {table.interpretation.describe()}",
        notes=table.notes,
    )


def _read_rows(table: Table | LongTable) -> tuple[Times | None, Watts]:
    """Return the times and the mains of all rows, as numbers alone."""
    if isinstance(table, Table):
        return table.times_s, table.watts["mains"]
    watts = np.empty(len(table), np.float32)
    times_s = np.empty(len(table)) if table.has_times else None
    first = 0
    for rows in table.pieces():
        end = first + len(rows)
        watts[first:end] = rows.mains_w
        if times_s is not None and rows.times_s is not None:
            times_s[first:end] = rows.times_s
        first = end
    return times_s, watts


def _open_recording(recording: Recording) -> HomeMains:
    if not len(recording):
        raise DataError(f"{recording.house}: holds no readings")
    mains = _date(
        recording.house,
        recording.times_s() if recording.start else None,
        recording.mains_w,
        recording.period_s,
    )
    return replace(mains, fill=recording.fill, interpretation=f"{recording.house}: a recording")


def _open_series(series: Any, period_s: float | None, columns: ColumnsConfig) -> HomeMains:
    opened = open_series(series)
    is_pandas = type(series).__module__.partition(".")[0] == "pandas"
    times_s = opened.times_s
    if times_s is not None and (np.diff(times_s) <= 0).any():
        raise DataError("the times of the series go back or repeat: sort it and drop repeats")
    step_s = None if times_s is None else find_median_step_s(times_s) or None
    mains = _date("series", times_s, opened.watts, step_s or period_s)
    return replace(
        mains,
        fill=columns.fill,
        zone=_find_index_zone(getattr(series, "index", None)),
        interpretation=f"a series of {format_count(len(opened.watts), 'reading')}",
        library="pandas" if is_pandas else "polars",
    )


def _date(house: str, times_s: Times | None, watts: Watts, period_s: float | None) -> HomeMains:
    """Return readings with times: their own, or from 1970 on.

    Raises DataError for none, for those without times and period, and for decades of them.
    """
    if not len(watts):
        raise DataError(f"{house}: holds no readings")
    if period_s is None:
        problem = "has one reading alone" if times_s is not None else "has no times"
        raise DataError(f"{house}: {problem}; give its sampling period with `period_s`")
    if times_s is None:
        times_s = period_s * np.arange(len(watts), dtype=np.float64)
        return HomeMains(house, times_s, watts, period_s, is_dated=False)
    if times_s[-1] - times_s[0] > LONGEST_YEARS * YEAR_S:
        raise DataError(
            f"{house}: the times span {(times_s[-1] - times_s[0]) / YEAR_S:,.0f} years; leave out"
            " the rows whose dates are wrong"
        )
    return HomeMains(house, times_s, watts, period_s)


def _find_index_zone(index: Any) -> str | None:
    """Return the zone of an index of pandas, by its name; None where it has none."""
    key = getattr(getattr(index, "tz", None), "key", None)
    return key if isinstance(key, str) and "/" in key else None


def _check(mains: HomeMains) -> HomeMains:
    """Return mains with export as unknown, and with what should be known of them."""
    notes = list(mains.notes)
    export = mains.watts < -NOISE_W
    if export.any():
        share = export.sum() / max(np.count_nonzero(~np.isnan(mains.watts)), 1)
        notes.append(
            f"the mains are below zero for {share:.1%} of the readings: what the home used while it"
            " exported is unknown, unless `solar` names the production of its panels"
        )
    watts = np.where(export, np.float32(np.nan), np.maximum(mains.watts, 0)).astype(np.float32)
    if np.isnan(watts).all():
        raise DataError(f"{mains.house}: no reading of the mains is known")
    if not mains.is_dated:
        notes.append("the mains have no times: days are counted from their first reading")
        return replace(mains, watts=watts, notes=tuple(notes), zone="UTC")
    if mains.zone is None:
        notes.append("days are those of UTC; name the home's zone with `zone`: Europe/London")
    return replace(mains, watts=watts, notes=tuple(notes), zone=mains.zone or "UTC")
