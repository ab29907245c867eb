"""Columns of a table: which one holds the times, the mains and each appliance."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from seq2point.appliances import (
    canonical_name,
    find_column_of_kind,
    look_up_appliance,
    name_columns,
)
from seq2point.configuration import ColumnsConfig
from seq2point.data.table_file import TableFile
from seq2point.errors import DataError

TIME_NAMES = (
    "time",
    "timestamp",
    "datetime",
    "date_time",
    "date",
    "utc",
    "unix",
    "index",
    "last_changed",
)
MAINS_NAMES = (
    "mains",
    "mains_w",
    "aggregate",
    "main",
    "power",
    "power_w",
    "total",
    "watts",
    "value",
    "state",
)
UNIT_W = {"W": 1.0, "kW": 1000.0}
"""Watts in a unit."""


DEFAULT_COLUMNS = ColumnsConfig()


class TableColumns(NamedTuple):
    """The columns to read: `time`, None where there is none, and columns by name, 'mains' first."""

    time: str | None
    watts: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The columns, each once."""
        return list(dict.fromkeys([*([self.time] if self.time else []), *self.watts.values()]))


def find_columns(
    file: TableFile, appliances: Sequence[str] | None, columns: ColumnsConfig
) -> TableColumns:
    """Return the columns of the times, the mains and some appliances; None means all known ones.

    Raises DataError for one that the file lacks.
    """
    time_name = find_time_column(file, columns)
    watts = {"mains": find_mains_column(file, columns, time_name)}
    column_by_name = name_columns(n for n in file.names if n not in (time_name, watts["mains"]))
    column_by_name |= {
        canonical_name(name): file.require_column(column)
        for name, column in columns.appliances.items()
    }
    if appliances is None:
        chosen = {canonical_name(name) for name in columns.appliances}
        appliances = [n for n in column_by_name if look_up_appliance(n) or n in chosen]
    for name in map(canonical_name, appliances):
        column = find_column_of_kind(name, column_by_name)
        if column is None:
            raise DataError(f"{file.path}: no column for '{name}' (columns: {file.listing})")
        watts[name] = column_by_name[column]
    return TableColumns(time_name, watts)


def find_time_column(file: TableFile, columns: ColumnsConfig) -> str | None:
    """Return the column of the times; None for a table without times.

    Raises DataError where `columns` names one that the file lacks.
    """
    return file.require_column(columns.time) if columns.time else file.find_first(TIME_NAMES)


def find_mains_column(file: TableFile, columns: ColumnsConfig, time_name: str | None) -> str:
    """Return the column of the mains: that of `columns`, the only one, or one of a usual name.

    Raises DataError where there is none.
    """
    if columns.mains:
        return file.require_column(columns.mains)
    others = [name for name in file.names if name != time_name]
    name = others[0] if len(others) == 1 else file.find_first(MAINS_NAMES)
    if name is None:
        raise DataError(
            f"{file.path}: no column for the mains (columns: {file.listing}); name it with `mains`"
        )
    return name
