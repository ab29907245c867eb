"""Traces: recordings of appliances alone, without any mains.

Two layouts. A table of uses has a row for each reading: `appliance`, `trace` (the number of the
use), `t_s` (seconds since the use began) and `power` in watts; `device` says which machine, and
`refit_house` in which house it stood, negative where that is unknown. A table of plugs has `time`
and a column of watts for each appliance; a column of mains is left out.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from seq2point.appliances import ALIASES, canonical_name
from seq2point.errors import DataError
from seq2point.recording import Watts

USE_COLUMNS = ("appliance", "trace", "t_s", "power")
NOT_PLUGS = ("mains", "mains_reactive_var")
HOUSE_IN_NAME = re.compile(r"(?P<dataset>[a-z0-9]+)_house(?P<house>[0-9]+)(_|$)")
UNEVEN = 0.01
"""How far steps between readings of one use may differ, as a fraction."""


@dataclass(frozen=True)
class Trace:
    """The power of one appliance alone: f32[T] in watts, every `period_s` seconds, without gaps.

    `device` says which machine it is. `dataset` and `house` say where it stood, None where that is
    unknown.
    """

    appliance: str
    device: str
    dataset: str | None
    house: str | None
    power_w: Watts
    period_s: float

    def average(self, period_s: float) -> Watts:
        """Return the mean power over periods of another length, f32[N]; zeros complete the last."""
        edges = np.arange(0, len(self.power_w) * self.period_s + period_s, period_s) / self.period_s
        summed = np.concatenate(([0.0], np.cumsum(self.power_w, dtype=np.float64)))
        whole = np.interp(edges, np.arange(len(summed)), summed)
        return (np.diff(whole) * self.period_s / period_s).astype(np.float32)

    def may_be_of(self, appliance: str) -> bool:
        """Return whether the name leaves open that the appliance is part of this.

        'kettle_toaster' may be a kettle, 'fridge_garage' a fridge, and 'fridge_2' another one.
        """
        names = {appliance, *(alias for alias, name in ALIASES.items() if name == appliance)}
        return any(name in self.appliance for name in names)

    def digest(self) -> str:
        """Return a hash of what a training learns from."""
        hashed = hashlib.sha256(f"{self.appliance} {self.device} {self.period_s}".encode())
        hashed.update(self.power_w.tobytes())
        return hashed.hexdigest()


def read_traces(*paths: str | Path) -> list[Trace]:
    """Return the traces of Parquet files, in their order.

    Raises DataError for a file that cannot be read, is in neither layout, or has readings at
    irregular times.
    """
    return [trace for path in paths for trace in _read_file(path)]


def _read_file(path: str | Path) -> Iterator[Trace]:
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read as Parquet ({reason})") from None
    if all(name in frame.columns for name in USE_COLUMNS):
        return _split_uses(path, frame)
    if "time" in frame.columns and frame["time"].dtype.is_temporal():
        return _split_plugs(path, frame)
    raise DataError(
        f"{path}: is no file of traces: it has neither the columns {', '.join(USE_COLUMNS)} nor a"
        " column `time` and a column for each plug"
    )


def parse_house(stem: str) -> tuple[str | None, str | None]:
    """Return the data set and the house of a file's stem: `refit_house5_8s` is of REFIT house 5."""
    found = HOUSE_IN_NAME.match(stem)
    return (found["dataset"], found["house"]) if found else (None, None)


def _split_uses(path: str | Path, frame: pl.DataFrame) -> Iterator[Trace]:
    keys = [name for name in ("appliance", "device", "trace") if name in frame.columns]
    for _, rows in frame.group_by(keys, maintain_order=True):
        name, use = str(rows["appliance"][0]), rows["trace"][0]
        steps_s = np.diff(rows["t_s"].to_numpy().astype(np.float64))
        if len(steps_s) == 0:
            raise DataError(f"{path}: trace {use} of {name}: has one reading alone")
        if steps_s.min() <= 0 or np.ptp(steps_s) > UNEVEN * steps_s.min():
            raise DataError(f"{path}: trace {use} of {name}: its readings are at irregular times")
        house = rows["refit_house"][0] if "refit_house" in rows.columns else None
        yield Trace(
            canonical_name(name),
            str(rows["device"][0]) if "device" in rows.columns else "",
            "refit" if "refit_house" in rows.columns else None,
            None if house is None or int(house) < 0 else str(house),
            _fill(rows["power"]),
            float(np.median(steps_s)),
        )


def _split_plugs(path: str | Path, frame: pl.DataFrame) -> Iterator[Trace]:
    """Yield a trace of each column; gaps, and those between readings, count as off."""
    times_s = frame["time"].dt.epoch("ms").to_numpy().astype(np.float64) / 1000
    steps_s = np.diff(times_s)
    if len(steps_s) == 0 or steps_s.min() <= 0:
        raise DataError(f"{path}: needs two readings or more, in order of time")
    period_s = float(np.median(steps_s))
    place = np.rint((times_s - times_s[0]) / period_s).astype(np.int64)
    for name in frame.columns:
        if name != "time" and name not in NOT_PLUGS and frame[name].dtype.is_numeric():
            power_w = np.zeros(int(place[-1]) + 1, np.float32)
            power_w[place] = _fill(frame[name])
            dataset, house = parse_house(Path(path).stem)
            yield Trace(canonical_name(name), Path(path).stem, dataset, house, power_w, period_s)


def _fill(power: pl.Series) -> Watts:
    """Return a column's watts f32[N]; gaps and negative readings count as off."""
    values: Watts = power.cast(pl.Float32).to_numpy()
    return np.nan_to_num(values).clip(min=0).astype(np.float32)


def group_by_device(traces: Sequence[Trace]) -> list[list[Trace]]:
    """Return traces by machine, in the order of their first ones."""
    groups: dict[tuple[str, str], list[Trace]] = {}
    for trace in traces:
        groups.setdefault((trace.appliance, trace.device), []).append(trace)
    return list(groups.values())
