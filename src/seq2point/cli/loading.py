"""A model file on the device that the options name, and houses as the model reads them."""

from collections.abc import Sequence
from pathlib import Path

from seq2point.choices import Device
from seq2point.data.table import Columns, read_table, to_recording
from seq2point.machine import choose_device, prepare
from seq2point.model_file import Model
from seq2point.recording import Recording


def load_model(path: Path, device: Device, threads: int | None) -> Model:
    """Load a model; raises ModelFileError, or UsageError where the device is not there."""
    prepare(threads)
    model = Model.load(path)
    model.network.to(choose_device(device))
    return model


def load_houses(
    paths: Sequence[Path], appliances: Sequence[str], period_s: float, columns: Columns, resample: bool
) -> list[Recording]:
    """The recordings of some files with these appliances, at a model's sampling period.

    Raises DataError for a file that cannot be read so, and for another period where `resample` does not ask for the model's.
    """
    tables = [read_table(path, appliances, columns) for path in paths]
    for table in tables:
        table.require_period(period_s, resample)
    return [to_recording(table, period_s) for table in tables]
