"""A few whole days of a test to look at: mains, truth and prediction, in a file beside its numbers.

They are the day of the most use, one of usual use, and that of the greatest error.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.metrics import find_utc_offset_s
from seq2point.model.evaluation import Evaluation
from seq2point.recording import Recording, Watts
from seq2point.system.atomic_files import atomic_write

DAYS_FILE = "days.parquet"
MOST_ACTIVE, MEDIAN, WORST = "most use", "usual use", "greatest error"
LEAST_KNOWN = 0.5
"""The share of a day that must be scored for the day to be shown, where any day has as much."""
DAY_S = 86400.0
SCHEMA: dict[str, Any] = {
    "appliance": pl.String,
    "day": pl.String,
    "house": pl.String,
    "time": pl.Datetime("ms", "UTC"),
    "mains_w": pl.Int32,
    "truth_w": pl.Int32,
    "prediction_w": pl.Int32,
}
"""The columns of the file, in whole watts; null is a gap. `day` says why the day was chosen."""


class _Day(NamedTuple):
    """A day of a recording: its samples, and sums over those that were scored."""

    recording: int
    first: int
    end: int
    known: int
    used: float
    error: float


def write_days(evaluation: Evaluation, path: Path) -> None:
    """Write the days of a test as Parquet, for each appliance of the model."""
    with atomic_write(path) as beside:
        select_days(evaluation).write_parquet(beside, compression="zstd")


def select_days(evaluation: Evaluation) -> pl.DataFrame:
    """Return the rows of the days of a test. One day may be chosen for several reasons."""
    frames = []
    for i, appliance in enumerate(evaluation.model.appliances):
        given_w = evaluation.given_w(i)
        days = [
            day
            for number, recording in enumerate(evaluation.recordings)
            for day in _list_days(evaluation, number, recording, appliance.name, given_w[number])
        ]
        for day, reasons in _choose(days).items():
            recording = evaluation.recordings[day.recording]
            frames.append(_make_rows(day, recording, appliance.name, ", ".join(reasons), given_w))
    return pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)


def _list_days(
    evaluation: Evaluation, number: int, recording: Recording, name: str, estimate_w: Watts
) -> Iterator[_Day]:
    """Yield the days of a recording of which anything was scored."""
    times_s = recording.times_s()
    clock = (times_s + find_utc_offset_s(times_s, evaluation.zone)) // DAY_S
    firsts = np.flatnonzero(np.diff(clock, prepend=np.nan) != 0)
    truth_w = recording.appliance_w(name)
    error_w = np.abs(np.maximum(estimate_w, 0) - truth_w)
    known = ~np.isnan(error_w)
    sums = [
        np.add.reduceat(np.where(known, values, 0), firsts, dtype=np.float64)
        for values in (known, truth_w, error_w)
    ]
    ends = [*firsts[1:].tolist(), len(recording)]
    for first, end, count, used, error in zip(
        firsts.tolist(), ends, *(each.tolist() for each in sums), strict=True
    ):
        if count:
            yield _Day(number, first, end, int(count), used, error)


def _choose(days: list[_Day]) -> dict[_Day, list[str]]:
    """Return the days to show with the reasons for each; none where nothing was scored."""
    if not days:
        return {}
    least = min(LEAST_KNOWN * max(day.end - day.first for day in days), max(d.known for d in days))
    whole = [day for day in days if day.known >= least]
    used = sorted((d for d in whole if d.used > 0), key=lambda day: day.used) or whole
    chosen: dict[_Day, list[str]] = {}
    for reason, day in (
        (MOST_ACTIVE, used[-1]),
        (MEDIAN, used[(len(used) - 1) // 2]),
        (WORST, max(whole, key=lambda day: day.error)),
    ):
        chosen.setdefault(day, []).append(reason)
    return chosen


def _make_rows(
    day: _Day, recording: Recording, name: str, reasons: str, given_w: list[Watts]
) -> pl.DataFrame:
    span = slice(day.first, day.end)
    series_w = {
        "mains_w": recording.mains_w,
        "truth_w": recording.appliance_w(name),
        "prediction_w": np.maximum(given_w[day.recording], 0),
    }
    times_ms = np.rint(1e3 * recording.times_s()[span]).astype("datetime64[ms]")
    return pl.DataFrame(
        {"time": times_ms} | {key: _round(power_w[span]) for key, power_w in series_w.items()}
    ).select(
        pl.lit(name).alias("appliance"),
        pl.lit(reasons).alias("day"),
        pl.lit(recording.house).alias("house"),
        pl.col("time").dt.replace_time_zone("UTC"),
        *(pl.col(key).fill_nan(None).cast(pl.Int32) for key in series_w),
    )


def _round(power_w: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    return np.rint(power_w.astype(np.float64))
