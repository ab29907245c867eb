"""Activations: when an appliance ran, for how long and with how much energy, as a table."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.appliances import Appliance
from seq2point.data.table_writer import ENDINGS, TableWriter
from seq2point.recording import Watts
from seq2point.recording.on_off import Flags, find_runs, is_on
from seq2point.system.atomic_files import check_ending

if TYPE_CHECKING:
    import polars as pl

HOUR_S = 3600.0
ACTIVATIONS = "activations are"
EDGE_SHARE = 0.05
"""Less than this share of a sample at the edge of a run counts as nothing: noise is no run."""


class Activation(NamedTuple):
    """One run of an appliance: from `start_s` to `end_s`, its energy, and its highest power.

    Times are in seconds since 1970, UTC, or since the first sample where no times are known.
    """

    start_s: float
    end_s: float
    energy_wh: float
    peak_w: float


def find_activations(
    power_w: Watts,
    appliance: Appliance,
    period_s: float,
    times_s: npt.NDArray[np.float64] | None = None,
) -> list[Activation]:
    """Return the activations of an appliance in f32[T] watts, in order, by the on/off rule.

    `times_s` f64[T] are the samples' times, from 0 where None. NaN ends an activation, and so does
    a jump of the times. A sample lasts for a period. The samples beside an activation are its own,
    too, in part: one of half the power of its neighbour says that the appliance ran for half of it.
    Two activations with one sample between them do not share it: it is the first one's.
    """
    above = np.flatnonzero(power_w > appliance.on_power_w)
    if not len(above):
        return []
    when_s = period_s * np.arange(len(power_w), dtype=np.float64) if times_s is None else times_s
    known = ~np.isnan(power_w)
    activations = []
    for start, end in pairwise([0, *_find_jumps(when_s, period_s), len(power_w)]):
        first, lengths = find_runs(known[start:end])
        first += start
        runs_above = np.searchsorted(above, first) < np.searchsorted(above, first + lengths)
        runs = (each[runs_above].tolist() for each in (first, lengths))
        for begin, length in zip(*runs, strict=True):
            span = slice(begin, begin + length)
            on = is_on(power_w[span], appliance, period_s)
            activations += _measure(power_w[span], when_s[span], on, period_s)
    return activations


def _find_jumps(times_s: npt.NDArray[np.float64], period_s: float) -> list[int]:
    """Return the samples whose time is not about a period after the one before."""
    late_s = np.diff(times_s) - period_s
    if not len(late_s) or max(late_s.max(), -late_s.min()) <= period_s / 2:
        return []
    jumps: list[int] = (np.flatnonzero(np.abs(late_s) > period_s / 2) + 1).tolist()
    return jumps


def _measure(
    power_w: Watts, times_s: npt.NDArray[np.float64], on: Flags, period_s: float
) -> list[Activation]:
    """Return the activations of a gapless stretch f32[T] that is on at some samples, bool[T]."""
    first, lengths = find_runs(on)
    if not len(first):
        return []
    ends = first + lengths
    # sums over [first, end) and over the pauses between, which are left out
    edges = np.column_stack((first, ends)).ravel()
    edges = edges[:-1] if edges[-1] == len(on) else edges
    watts = np.add.reduceat(power_w.astype(np.float64), edges)[::2]
    peaks_w = np.maximum.reduceat(power_w, edges)[::2]
    after_w, after = _measure_edges(power_w, ends, ends - 1)
    is_taken = np.concatenate(([False], first[1:] == ends[:-1] + 1))
    before_w, before = _measure_edges(power_w, np.where(is_taken, -1, first - 1), first)
    columns = (
        times_s[first] - before * period_s,
        times_s[ends - 1] + period_s + after * period_s,
        (watts + before_w + after_w) * period_s / HOUR_S,
        peaks_w.astype(np.float64),
    )
    return [Activation(*row) for row in zip(*(each.tolist() for each in columns), strict=True)]


def _measure_edges(
    power_w: Watts, edges: npt.NDArray[np.int64], neighbours: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the power of samples beside runs, and the share of each in which the run goes on.

    `neighbours` are the samples of the runs next to them. An edge outside of the series is nothing.
    """
    inside = (edges >= 0) & (edges < len(power_w))
    edge_w = np.where(inside, power_w[np.where(inside, edges, 0)], 0).astype(np.float64)
    share = edge_w / power_w[neighbours].astype(np.float64)
    share[share < EDGE_SHARE] = 0
    return np.where(share > 0, edge_w, 0), share


def find_edge_share(edge_w: float, neighbour_w: float) -> float:
    """Return the share of a sample beside a run in which the run goes on, of its power and that of
    the run's sample next to it.
    """
    share = edge_w / neighbour_w
    return share if share >= EDGE_SHARE else 0.0


def write_activations(
    path: str | Path, activations: Mapping[str, Sequence[Activation]], dated: bool = True
) -> None:
    """Write activations by appliance as a table, CSV or Parquet by the path's ending.

    The columns are appliance, start, end, minutes and kwh; rows are in the order of their start.
    Start and end are times in UTC, or seconds since the first sample where `dated` is False.
    Raises UsageError for another ending.
    """
    check_ending(Path(path), ACTIVATIONS, ENDINGS)
    options = {"float_precision": 4, "datetime_format": "%Y-%m-%dT%H:%M:%SZ"}
    with TableWriter(Path(path), **options) as writer:
        writer.write(tabulate_activations(activations, dated))


def tabulate_activations(
    activations: Mapping[str, Sequence[Activation]], dated: bool = True
) -> "pl.DataFrame":
    """Return activations by appliance as a table, its rows in the order of their start.

    The columns are those of `write_activations`.
    """
    import polars as pl

    rows = sorted(
        (each.start_s, name, each) for name, several in activations.items() for each in several
    )
    frame = pl.DataFrame(
        {
            "appliance": [name for _, name, _ in rows],
            "start": [each.start_s for *_, each in rows],
            "end": [each.end_s for *_, each in rows],
            "minutes": [(each.end_s - each.start_s) / 60 for *_, each in rows],
            "kwh": [each.energy_wh / 1000 for *_, each in rows],
        },
        schema=dict.fromkeys(("appliance",), pl.String)
        | dict.fromkeys(("start", "end", "minutes", "kwh"), pl.Float64),
    )
    if not dated:
        return frame
    return frame.with_columns(_to_times(frame["start"]), _to_times(frame["end"]))


def _to_times(seconds: "pl.Series") -> "pl.Series":
    import polars as pl

    return (seconds * 1000).round().cast(pl.Int64).cast(pl.Datetime("ms", "UTC"))
