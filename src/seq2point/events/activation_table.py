"""Activations: when an appliance ran, for how long and with how much energy, as a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2point.appliances import Appliance
from seq2point.data.table_writer import TableWriter, check_ending
from seq2point.recording import Watts
from seq2point.recording.on_off import find_runs, is_on

if TYPE_CHECKING:
    import polars as pl

HOUR_S = 3600.0
ACTIVATIONS = "activations are"


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
    a jump of the times. A sample lasts for a period.
    """
    when_s = period_s * np.arange(len(power_w), dtype=np.float64)
    if times_s is not None:
        when_s = times_s
    jumps = np.flatnonzero(np.abs(np.diff(when_s) - period_s) > period_s / 2) + 1
    known = ~np.isnan(power_w)
    activations = []
    for piece in np.split(np.arange(len(power_w)), jumps):
        for first, length in zip(*find_runs(known[piece]), strict=True):
            span = piece[first : first + length]
            on = is_on(power_w[span], appliance, period_s)
            for begin, count in zip(*find_runs(on), strict=True):
                samples = span[begin : begin + count]
                activations.append(_measure(power_w[samples], when_s[samples], period_s))
    return activations


def _measure(power_w: Watts, times_s: npt.NDArray[np.float64], period_s: float) -> Activation:
    energy_wh = float(power_w.sum(dtype=np.float64)) * period_s / HOUR_S
    return Activation(
        float(times_s[0]), float(times_s[-1]) + period_s, energy_wh, float(power_w.max())
    )


def write_activations(
    path: str | Path, activations: Mapping[str, Sequence[Activation]], dated: bool = True
) -> None:
    """Write activations by appliance as a table, CSV or Parquet by the path's ending.

    The columns are appliance, start, end, minutes and kwh; rows are in the order of their start.
    Start and end are times in UTC, or seconds since the first sample where `dated` is False.
    Raises UsageError for another ending.
    """
    check_ending(Path(path), ACTIVATIONS)
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
