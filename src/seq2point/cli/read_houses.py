"""The houses that the verbs read: each file in one way, with a line of what was understood."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from seq2point.cli.declare import say_flags
from seq2point.cli.options import name_column

if TYPE_CHECKING:
    from seq2point.configuration import ColumnsConfig
    from seq2point.data.table import Table
    from seq2point.predictor import Predictor
    from seq2point.recording import Recording


class HouseReader(NamedTuple):
    """Reads houses with certain appliances, at a model's sampling period.

    Without a period, each house keeps its own.
    """

    appliances: Sequence[str]
    period_s: float | None
    columns: "ColumnsConfig"
    resample: bool = False

    @classmethod
    def for_model(
        cls,
        model: "Predictor",
        columns: "ColumnsConfig",
        appliance_column: str | None,
        resample: bool,
    ) -> Self:
        """Return the reader of a model's appliances; `appliance_column` holds its first one."""
        names = [appliance.name for appliance in model.appliances]
        columns = name_column(columns, names[0], appliance_column)
        return cls(names, model.period_s, columns, resample)

    def load(self, paths: Sequence[Path] | None) -> list["Recording"]:
        """Load the recordings of some files at the reader's period, none for None.

        A line on standard error says how each was understood.
        Raises DataError for a file that cannot be read, and for one of another period where
        `resample` is false.
        """
        tables = self._read(paths)
        for table in tables:
            if self.period_s is not None:
                table.require_period(self.period_s, self.resample)
        return self._place(tables)

    def load_resampled(self, paths: Sequence[Path] | None) -> list["Recording"]:
        """Load the recordings of some files, resampled to the reader's period where it has one."""
        return self._place(self._read(paths))

    def _read(self, paths: Sequence[Path] | None) -> list["Table"]:
        from seq2point.data.table import read_table

        return [read_table(path, self.appliances, self.columns) for path in paths or []]

    def _place(self, tables: Sequence["Table"]) -> list["Recording"]:
        from seq2point.data.table import to_recording

        recordings = [to_recording(table, self.period_s) for table in tables]
        for table, recording in zip(tables, recordings, strict=True):
            print(describe_recording(table, recording), file=sys.stderr)
            for note in table.notes:
                print(f"{table.path}: {say_flags(note)}", file=sys.stderr)
        return recordings


def describe_recording(table: "Table", recording: "Recording") -> str:
    """Return how a file was understood and how much of it is covered, in one line."""
    import numpy as np

    covered = float(np.isfinite(recording.mains_w).mean())
    return (
        f"{table.path}: {table.interpretation.describe()}; {recording.days:,.1f} days,"
        f" {covered:.1%} covered"
    )
