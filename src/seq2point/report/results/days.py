"""The days of a test for the page: mains, truth and prediction, thinned and packed.

Mains and truth are packed once for all results that were tested on the same day. The script draws
them when they are seen; without it they are told in words.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from seq2point.metrics import METRICS
from seq2point.recording import Watts, format_house
from seq2point.report.packed_series import pack_series

MOST_SAMPLES, FEWER_SAMPLES = 14_400, 1_440
"""Samples of a day that a page keeps: one every 6 s, or every minute where results are many."""
HOUR_S = 3600.0
SERIES = ("mains_w", "truth_w", "prediction_w")


class ShownDay(NamedTuple):
    """A day of a test: why it was chosen, where, when it begins, its period, and its series."""

    reason: str
    house: str
    start_s: float
    step_s: float
    mains_w: Watts
    truth_w: Watts
    prediction_w: Watts

    @property
    def date(self) -> str:
        """The date on which it begins, UTC."""
        return str(np.datetime64(int(self.start_s), "s").astype("datetime64[D]"))

    def describe(self) -> str:
        """Return the day in words: what was used, what was predicted, and the error."""
        known = ~(np.isnan(self.truth_w) | np.isnan(self.prediction_w))
        truth_w, prediction_w = self.truth_w[known], self.prediction_w[known]
        if not known.any():
            return f"{self.reason}, {self.date}: nothing is known of it"
        used_wh, predicted_wh = (
            float(power_w.sum(dtype=np.float64)) * self.step_s / HOUR_S
            for power_w in (truth_w, prediction_w)
        )
        mae_w = float(np.abs(prediction_w - truth_w).mean(dtype=np.float64))
        return (
            f"{self.reason}, {self.date}, {format_house(self.house)}: {used_wh:,.0f} Wh used,"
            f" {predicted_wh:,.0f} Wh predicted, {METRICS['mae_w'].describe(mae_w)}"
        )


class DaysFigure(NamedTuple):
    """What the script draws a result's days from, as JSON and packed, and the days in words."""

    days: str
    predictions: str
    words: list[str]


@dataclass
class SharedDays:
    """Mains and truth of all days of a page by their number, each once."""

    most_samples: int
    packed: list[str] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def make_figure(self, path: Path, appliance: str) -> DaysFigure | None:
        """Return the figure of the days in a file; None where they are of no such appliance.

        Raises ValueError for a file that cannot be read.
        """
        days = [thin(day, self.most_samples) for day in read_days(path, appliance)]
        if not days:
            return None
        told = [
            {
                "label": f"{day.reason}: {day.date}",
                "start": day.start_s,
                "step": day.step_s,
                "count": len(day.mains_w),
                "shared": self._share(day),
            }
            for day in days
        ]
        packed = pack_series([np.concatenate([day.prediction_w for day in days])])
        return DaysFigure(
            json.dumps(told, separators=(",", ":")), packed, [day.describe() for day in days]
        )

    def _share(self, day: ShownDay) -> int:
        packed = pack_series([day.mains_w, day.truth_w])
        if packed not in self._numbers:
            self._numbers[packed] = len(self.packed)
            self.packed.append(packed)
        return self._numbers[packed]


def read_days(path: Path, appliance: str) -> Iterator[ShownDay]:
    """Yield the days of an appliance in a file that a test left.

    Raises ValueError for a file that cannot be read.
    """
    try:
        rows = pl.read_parquet(path).filter(pl.col("appliance") == appliance)
        groups = rows.partition_by("day", "house", maintain_order=True)
        columns = ["day", "house", "time", *SERIES]
        tables = [group.select(columns) for group in groups if len(group) > 1]
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ValueError(f"{path}: cannot be read ({type(error).__name__})") from None
    for table in tables:
        times_s = table["time"].dt.epoch("ms").to_numpy() / 1e3
        step_s = float(np.median(np.diff(times_s)))
        yield ShownDay(
            table["day"][0],
            table["house"][0],
            float(times_s[0]),
            step_s,
            *(_place(times_s, step_s, table[name]) for name in SERIES),
        )


def _place(times_s: np.ndarray[Any, Any], step_s: float, column: pl.Series) -> Watts:
    """Return a column on the regular grid of its day; what a time jump skips is a gap."""
    at = np.rint((times_s - times_s[0]) / step_s).astype(np.int64)
    power_w = np.full(at[-1] + 1, np.nan, np.float32)
    power_w[at] = column.cast(pl.Float32).fill_null(math.nan).to_numpy()
    return power_w


def thin(day: ShownDay, most: int) -> ShownDay:
    """Return a day of at most so many samples: means of several, where it has more."""
    factor = math.ceil(len(day.mains_w) / most)
    if factor == 1:
        return day
    series = (_average(getattr(day, name), factor) for name in SERIES)
    return ShownDay(day.reason, day.house, day.start_s, day.step_s * factor, *series)


def _average(power_w: Watts, factor: int) -> Watts:
    """Return the mean of each so many samples; a gap where none of them is known."""
    padded = np.full(math.ceil(len(power_w) / factor) * factor, np.nan, np.float32)
    padded[: len(power_w)] = power_w
    blocks = padded.reshape(-1, factor)
    counts = (~np.isnan(blocks)).sum(axis=1)
    sums = np.nansum(blocks, axis=1, dtype=np.float64)
    return np.where(counts, sums / np.maximum(counts, 1), np.nan).astype(np.float32)


def pack_by_hour(by_hour: Mapping[str, Sequence[float | None]] | None) -> str:
    """Return the errors by the hour of the day as JSON for the script; '' where there are none."""
    if by_hour is None or not any(w is not None for w in by_hour["mae_w"]):
        return ""
    rounded = {
        name: [None if w is None else float(f"{w:.4g}") for w in several]
        for name, several in by_hour.items()
    }
    return json.dumps(rounded, separators=(",", ":"))


def pack_activations(activations: Mapping[str, Any] | None) -> str:
    """Return the energy of activations as JSON for the script; '' for fewer than two."""
    if activations is None or len(activations["truth_wh"]) < 2:
        return ""
    rounded = [[round(wh) for wh in activations[name]] for name in ("truth_wh", "estimate_wh")]
    return json.dumps(rounded, separators=(",", ":"))
