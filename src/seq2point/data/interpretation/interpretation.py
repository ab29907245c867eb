"""Interpretation: what a table's columns were understood to be, as a value.

It is printed as one line, kept as JSON in reports, and each part of it can be set in
`ColumnsConfig`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seq2point.choices import Measure
from seq2point.data.interpretation.counters import Counting
from seq2point.data.interpretation.series_reference import write_expression
from seq2point.data.interpretation.units import UnitOf, W
from seq2point.data.times.time_format import TimeFormat
from seq2point.wording import format_seconds


@dataclass(frozen=True)
class TimeReading:
    """How the times are read: the column, or two of date and time of day, and their format."""

    columns: tuple[str, ...]
    format: TimeFormat
    zone: str | None = None

    def describe(self) -> str:
        """Return the times in words: "time 'last_changed' (UTC)"."""
        words = [self.format.describe()]
        if not (self.format.says_zone or self.format.nominal):
            words.append(self.zone or "UTC")
        return f"time '{'+'.join(self.columns)}' ({', '.join(words)})"


@dataclass(frozen=True)
class SeriesReading:
    """How a series is read: columns added with signs, their unit, and what they measure.

    `sensor` is the sensor whose rows hold it, None in a table with a column for each series.
    `minus_one` says whether -1 means a missing reading, `counting` how a counter counts. `hold_s`
    is how long a reading holds where an appliance's sensor reports changes alone, else None.
    """

    columns: tuple[str, ...]
    signs: tuple[int, ...] = (1,)
    unit: UnitOf = W
    measures: Measure = "power"
    sensor: str | None = None
    minus_one: bool = False
    counting: Counting | None = None
    hold_s: float | None = None

    @property
    def expression(self) -> str:
        """The columns as a reference: 'a+b+c'."""
        return write_expression(self.columns, self.signs)

    @property
    def label(self) -> str:
        """The sensor, or the columns of a table without sensors."""
        return self.sensor or self.expression

    def describe(self) -> str:
        """Return the series in words: "'state' of sensor.mains in kW"."""
        sensor = f" of {self.sensor}" if self.sensor else ""
        measures = {
            "power": "",
            "energy": " an interval, made power",
            "counter": " counted, made power",
        }
        return f"'{self.expression}'{sensor} in {self.unit.name}{measures[self.measures]}"


@dataclass(frozen=True)
class Interpretation:
    """What a file's columns are: the times, the series by name ('mains' first), and the pace.

    `key` are the columns that tell sensors apart, with `sensors` as their values. `step_s` is the
    usual time between readings of the mains, None without times. `hold_s` is how long a reading
    holds where the meter reports changes alone, None where it reports at regular times.
    `alternatives` are other columns or sensors that could have been read.
    """

    file: str
    format: str
    time: TimeReading | None
    series: Mapping[str, SeriesReading]
    solar: SeriesReading | None = None
    key: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    step_s: float | None = None
    hold_s: float | None = None
    alternatives: tuple[str, ...] = ()
    dialect: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_unzoned(self) -> bool:
        """Whether the times are of a clock whose zone is unknown."""
        time = self.time
        return bool(time and time.format.patterns and not (time.zone or time.format.says_zone))

    def with_series(self, series: Mapping[str, SeriesReading]) -> "Interpretation":
        """Return the interpretation with other series of the same file."""
        return replace(self, series=series)

    def describe(self) -> str:
        """Return what was understood, in one line."""
        parts = [self.time.describe() if self.time else "no times"]
        parts += [f"{name} {reading.describe()}" for name, reading in self.series.items()]
        if self.solar:
            parts.append(f"plus solar {self.solar.describe()}")
        if self.hold_s is not None:
            parts.append(
                f"on change, median {format_seconds(self.step_s)}, held for up to"
                f" {format_seconds(self.hold_s)}"
            )
        elif self.step_s:
            parts.append(f"every {format_seconds(self.step_s)}")
        return ", ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Return the interpretation as JSON."""

        def describe_series(reading: SeriesReading) -> dict[str, Any]:
            return {
                "columns": reading.expression,
                "unit": reading.unit.name,
                "measures": reading.measures,
            } | ({"sensor": reading.sensor} if reading.sensor else {})

        time = self.time and {
            "column": "+".join(self.time.columns),
            "format": self.time.format.kind,
            "zone": "own" if self.time.format.says_zone else self.time.zone or "UTC",
        }
        return {
            "file": self.file,
            "format": self.format,
            "text": dict(self.dialect),
            "time": time,
            "series": {name: describe_series(each) for name, each in self.series.items()},
            "solar": self.solar and describe_series(self.solar),
            "sensor_columns": list(self.key),
            "sensors": list(self.sensors),
            "step_s": self.step_s,
            "hold_s": self.hold_s,
            "alternatives": list(self.alternatives),
        }
