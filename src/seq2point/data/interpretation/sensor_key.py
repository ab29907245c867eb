"""The columns that tell sensors apart which stand below one another in one table."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from seq2point.data.grid import drop_repeats, find_median_step_s, is_regular
from seq2point.data.interpretation.interpretation import TimeReading
from seq2point.data.interpretation.mains_column import SURE_MAINS_NAMES
from seq2point.data.interpretation.sample import Sample
from seq2point.data.interpretation.time_columns import find_times_s
from seq2point.data.times.time_patterns import list_patterns

KEY_NAMES = (
    "entity_id", "statistic_id", "sensor", "sensor_id", "sensor_name", "device", "device_id",
    "device_name", "friendly_name", "meter", "meter_id", "channel", "channel_id", "feed",
    "feed_id", "feedid", "topic", "series", "appliance", "house", "house_id", "home", "home_id",
    "building", "household", "dataid", "lclid", "customer", "id", "node", "tag", "tags", "name",
    "label", "phase", "field", "measurement", "table", "metric", "variable", "type",
)  # fmt: skip
"""Names of columns that tell sensors or houses apart, in snake case, the surest first."""

SURE_KEY_NAMES = set(KEY_NAMES[: KEY_NAMES.index("name")])
"""Columns of such names tell sensors apart even where no time stands on two rows."""

NUMBERED_NAMES = {"sensor", "device", "channel", "node", "feed", "feedid", "dataid", "id"}
"""Those that hold numbers then, beside all that end in '_id'."""

UNIT_NAMES = (
    "unit", "units", "unit_of_measurement", "uom", "consumption_unit", "einheit", "unite", "unidad",
)  # fmt: skip
"""Names of columns that hold the unit of each row."""

MOST_SENSORS = 1000  # a column of more different texts tells no sensors apart
OFTEN = 0.2  # the share of rows at which a sensor's column changes, where rows are mixed
MOST_NUMBERED = 50  # a column of more different numbers, and of a usual name, numbers no sensors
FEW_REPEATS = 0.05  # rows that repeat a time, where each row is of another moment
MANY_REPEATS = 0.2  # and where several sensors must be mixed
IN_TURN = 0.9  # rows that follow one another in the order of the sensors, where meters take turns


class Key(NamedTuple):
    """The columns that tell sensors apart, and the sensors: their values, joined by '/'."""

    columns: tuple[str, ...]
    sensors: tuple[str, ...]


NO_KEY = Key((), ())
"""The key of a table with a column for each series."""


def join_key(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Return the sensor of each row of a frame, '' where it says none."""
    texts = [pl.col(name).cast(pl.String).fill_null("") for name in columns]
    return frame.select(pl.concat_str(*texts, separator="/").alias("sensor")).to_series()


def find_rows(sample: Sample, key: Key, sensor: str | None) -> npt.NDArray[np.bool_]:
    """Return which rows of a sample are those of a sensor, bool[N]; all of them for None."""
    if sensor is None:
        return np.ones(len(sample), dtype=bool)
    return (join_key(sample.frame, key.columns) == sensor).to_numpy()


def find_key(sample: Sample, used: Sequence[str], time: TimeReading | None = None) -> Key:
    """Return the columns that tell sensors apart among those that are not `used`; none of them
    where the table has a column for each series.

    Columns of usual names do so, and columns of words or whole numbers by which each sensor has
    each time once, where without them many rows repeat a time.
    """
    names = sorted(sample.file.names, key=lambda name: _rank_name(sample, name))
    names = [name for name in names if name not in used and _may_be_key(sample, name)]
    moments = _Moments(sample, time)
    columns: list[str] = []
    for name in names:
        constant = sample.frame[name].n_unique() == 1
        if constant and (columns or not _is_key_name(sample, name)):
            continue
        if columns and not _splits(sample, columns, name):
            continue
        if _tells_sensors_apart(sample, columns, name, moments, [*used, *columns]):
            columns.append(name)
    if not columns:
        return NO_KEY
    labels = join_key(sample.frame, columns)
    return Key(tuple(columns), tuple(labels.unique(maintain_order=True).to_list()))


class _Moments:
    """The times of a sample's rows: which of them repeat, for some sensors, and in what rhythm."""

    def __init__(self, sample: Sample, time: TimeReading | None):
        times_s = find_times_s(sample, time)
        self._sample, self._times_s = sample, times_s
        known = np.empty(0) if times_s is None else np.sort(times_s[np.isfinite(times_s)])
        self.known = len(known) > 0
        moments_s = drop_repeats(known)
        self.regular = bool(
            len(known) > 1
            and (step_s := find_median_step_s(moments_s))
            and is_regular(moments_s, step_s)
        )

    def count_repeats(self, columns: Sequence[str]) -> float:
        """Return the share of rows that repeat the time of another row of their sensor."""
        if self._times_s is None or not self.known:
            return 0.0
        frame = pl.DataFrame({"time": self._times_s})
        if columns:
            frame = frame.with_columns(join_key(self._sample.frame, columns))
        return 1 - frame.n_unique() / len(frame)


def _rank_name(sample: Sample, name: str) -> int:
    plain = sample.plain_names[name]
    return KEY_NAMES.index(plain) if plain in KEY_NAMES else len(KEY_NAMES)


def _is_key_name(sample: Sample, name: str) -> bool:
    return sample.plain_names[name] in KEY_NAMES


def _may_be_key(sample: Sample, name: str) -> bool:
    """Return whether a column may tell sensors apart: words or whole numbers, not all different,
    and no times.
    """
    column = sample.frame[name]
    if column.null_count() == len(column) or column.dtype.is_nested() or column.dtype.is_temporal():
        return False
    different = column.n_unique()
    if different > MOST_SENSORS or 2 * different > len(column) > 2:
        return False
    if sample.plain_names[name] in (*SURE_MAINS_NAMES, *UNIT_NAMES) or sample.titles[name].other:
        return False
    if column.dtype == pl.String and list_patterns(column):
        return False
    numbers = sample.numbers(name)
    known = numbers[np.isfinite(numbers)]
    if len(known) and (sample.is_numeric(name) or len(known) == len(column)):
        return different > 1 and bool((known % 1 == 0).all()) and sample.titles[name].unit is None
    return column.dtype == pl.String


def _splits(sample: Sample, columns: Sequence[str], name: str) -> bool:
    """Return whether a column tells sensors apart that others leave together."""
    before = join_key(sample.frame, columns).n_unique()
    return join_key(sample.frame, [*columns, name]).n_unique() > before


def _tells_sensors_apart(
    sample: Sample, columns: Sequence[str], name: str, moments: _Moments, used: Sequence[str]
) -> bool:
    """Return whether a column that may tell sensors apart does so, beside the `columns` that do."""
    plain, column = sample.plain_names[name], sample.frame[name]
    numeric = sample.is_numeric(name) and bool(np.isfinite(sample.numbers(name)).any())
    readings = [n for n in sample.file.names if n not in used and _may_be_reading(sample, n)]
    if readings in ([], [name]):
        return False
    repeats = moments.count_repeats(columns)
    if repeats > FEW_REPEATS:
        left = moments.count_repeats([*columns, name])
        if _is_key_name(sample, name) and left <= repeats / 2:
            return True
        few = not numeric or column.n_unique() <= MOST_NUMBERED
        if repeats > MANY_REPEATS and left <= FEW_REPEATS and few:
            return True
        if numeric or not _is_key_name(sample, name):
            return False
    if numeric:
        named = plain in NUMBERED_NAMES or plain.endswith("_id")
        return named and column.n_unique() <= MOST_NUMBERED
    if plain in SURE_KEY_NAMES or (_is_key_name(sample, name) and column.n_unique() == 1):
        return True
    if columns:
        return False
    if moments.known and moments.regular:
        return _take_turns(column)
    if _is_key_name(sample, name):
        return True
    changes = float(np.mean((column != column.shift()).fill_null(False).to_numpy()))
    return changes > OFTEN and len(readings) == 1


def _take_turns(column: pl.Series) -> bool:
    """Return whether the values of a column follow one another in one order, again and again."""
    count = column.n_unique()
    same = (column == column.shift(count)).slice(count)
    changed = (column != column.shift()).slice(1)
    shares = [float(rows.fill_null(False).to_numpy().mean()) for rows in (same, changed)]
    return len(column) > 2 * count and min(shares) > IN_TURN


def _may_be_reading(sample: Sample, name: str) -> bool:
    return (
        not sample.titles[name].other
        and sample.is_numeric(name)
        and bool(np.isfinite(sample.numbers(name)).any())
    )
