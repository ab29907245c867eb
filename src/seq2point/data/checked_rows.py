"""All rows of a file in watts and in order of time, with every time and value checked."""

from collections.abc import Mapping
from typing import NamedTuple

from seq2point.data.checks import Checks, join_readings
from seq2point.data.grid import Times
from seq2point.data.interpretation.interpretation import Interpretation
from seq2point.data.readings import Readings, ReadingSource
from seq2point.data.table_file import TableFile
from seq2point.errors import DataError
from seq2point.recording import Watts


class CheckedRows(NamedTuple):
    """Rows of a file in order of time, and their watts f32[N] by series.

    `separate` has the times and watts of sensors with rows of their own.
    """

    rows: Readings
    watts: Mapping[str, Watts]
    separate: Mapping[str, tuple[Times, Watts]]
    checks: Checks


def read_checked(
    file: TableFile, interpretation: Interpretation, *, repair: bool = False
) -> CheckedRows:
    """Return all rows of a file as they are interpreted, with every time and value checked.

    Raises DataError for a time or a value that does not pass, unless repairing.
    """
    mains = interpretation.series["mains"]
    by_sensor: dict[str | None, list[str]] = {}
    for name, reading in interpretation.series.items():
        by_sensor.setdefault(reading.sensor, []).append(name)
    checks = Checks(file, repair, interpretation.time)
    together = by_sensor.pop(mains.sensor)
    rows = _read_rows(ReadingSource(file, interpretation, together, repair=repair), checks)
    watts = _check_series(rows, interpretation, checks)
    separate = {}
    for names in by_sensor.values():
        own = _read_rows(ReadingSource(file, interpretation, names, repair=repair), checks)
        assert own.times_s is not None
        for name, power_w in _check_series(own, interpretation, checks).items():
            separate[name] = own.times_s, power_w
    return CheckedRows(rows, watts, separate, checks)


def _read_rows(source: ReadingSource, checks: Checks) -> Readings:
    """Return all rows of a source in order of time."""
    pieces = list(source.read())
    if not any(len(piece) for piece in pieces):
        raise DataError(f"{source.file.path}: holds no rows")
    return checks.check_order(checks.check_times(join_readings(pieces)))


def _check_series(
    rows: Readings, interpretation: Interpretation, checks: Checks
) -> dict[str, Watts]:
    return {
        name: checks.check_watts(rows, name, interpretation.series[name].expression)
        for name in rows.watts
    }
